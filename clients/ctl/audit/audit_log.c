/* Getting hold of the audit log. Owns its descriptors. In framemuxctl's process. */
#include "clients/ctl/audit/audit_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/ctl/ask.h"
#include "clients/program/exit_code.h"
#include "common/cleanup.h"

#define PART_MAX    (256u * 1024u * 1024u) /* bytes; a segment of the mux has 16 MiB */
#define SEGMENT_MAX 999999u

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "framemuxctl: %s: %s\n", what, why);
	return EXIT_BAD_DATA;
}

static void add(struct audit_log *log, uint32_t segment, uint64_t bytes, int fd)
{
	size_t at = log->n;

	if (log->n == AUDIT_LOG_PARTS) {
		log->is_short = true;
		close(fd);
		return;
	}
	/* A folder lists its files in any order. */
	for (; at > 0 && log->parts[at - 1].segment > segment; at--)
		log->parts[at] = log->parts[at - 1];
	log->parts[at].fd = fd;
	log->parts[at].segment = segment;
	log->parts[at].bytes = bytes;
	log->n++;
}

static int add_anchor(struct audit_log *log, const struct audit_mark *m, uint64_t ms)
{
	struct audit_anchor *grown;

	if (log->n_anchors == AUDIT_LOG_ANCHORS)
		return -EFBIG;
	grown = reallocarray(log->anchors, log->n_anchors + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	log->anchors = grown;
	log->anchors[log->n_anchors++] = (struct audit_anchor){*m, ms};
	return 0;
}

static int by_record(const void *a, const void *b)
{
	uint64_t x = ((const struct audit_anchor *)a)->mark.head.n;
	uint64_t y = ((const struct audit_anchor *)b)->mark.head.n;

	return x < y ? -1 : x > y;
}

static void drop_anchors(struct audit_log *log)
{
	free(log->anchors);
	log->anchors = NULL;
	log->n_anchors = 0;
}

/* Of a journal every line counts: what one of them knows the log must have. */
static int read_lines(struct audit_log *log, FILE *f)
{
	cleanup_free char *line = NULL;
	struct audit_mark m;
	size_t room = 0;
	uint64_t ms;
	int rc = 0;

	drop_anchors(log);
	rewind(f);
	errno = 0;
	while (rc == 0 && getline(&line, &room, f) > 0)
		if (audit_mark_parse(line, &m, &ms) == 0)
			rc = add_anchor(log, &m, ms);
	if (rc == 0 && !feof(f))
		rc = -(errno ? errno : EIO);
	if (log->n_anchors)
		qsort(log->anchors, log->n_anchors, sizeof(*log->anchors), by_record);
	return rc == 0 && !log->n_anchors ? -EBADMSG : rc;
}

static int read_anchors(struct audit_log *log, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0), rc;
	FILE *f = own < 0 ? NULL : fdopen(own, "r");

	if (!f) {
		rc = -errno;
		if (own >= 0)
			close(own);
		return rc;
	}
	rc = read_lines(log, f);
	fclose(f);
	return rc;
}

/* ---- from the mux -------------------------------------------------------------------- */

struct answer {
	struct audit_log *log;
	struct control *control;
};

static void on_record(void *data, const struct wire_message *m, const void *record)
{
	struct answer *a = data;
	const struct msg_ctl_segment *s = record;
	const struct msg_ctl_head *h = record;
	int fd = control_take_fd(a->control);

	if (m == &wire_ctl_segment && fd >= 0) {
		if (s->segment == 0) {
			(void)read_anchors(a->log, fd);
			close(fd);
		} else {
			add(a->log, s->segment, s->bytes, fd);
		}
		return;
	}
	if (fd >= 0)
		close(fd);
	if (m != &wire_ctl_head)
		return;
	a->log->has_head = true;
	a->log->head.head.n = h->n;
	a->log->head.seal = h->seal;
	memcpy(a->log->head.head.chain, h->chain, sizeof(h->chain));
	memcpy(a->log->head.key, h->key, sizeof(h->key));
	memcpy(a->log->state, h->state, sizeof(a->log->state));
	memcpy(a->log->anchor_kind, h->anchor, sizeof(a->log->anchor_kind));
}

int audit_log_ask(const struct options *o, struct audit_log *ret)
{
	struct msg_ctl_audit rq = {0};
	struct answer a = {.log = ret};
	int code = ask_connect(o, &a.control);

	*ret = (struct audit_log){0};
	if (code)
		return code;
	control_accept_fds(a.control);
	code = ask(a.control, &wire_ctl_audit, &rq, on_record, &a, NULL);
	control_close(a.control);
	if (code == 0 && !ret->has_head) {
		fputs("framemuxctl: the mux left the log's head out\n", stderr);
		code = EXIT_INTERNAL;
	}
	if (code)
		audit_log_close(ret);
	return code;
}

/* ---- from files ---------------------------------------------------------------------- */

static int add_file(struct audit_log *log, int folder, const char *name, uint32_t segment)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		int code = complain(name, fd < 0 ? strerror(errno) : "it is no file");

		if (fd >= 0)
			close(fd);
		return code;
	}
	add(log, segment, (uint64_t)st.st_size, fd);
	return 0;
}

static bool is_segment(const char *name, uint32_t *ret)
{
	char again[32];
	unsigned long n = strtoul(name, NULL, 10);

	snprintf(again, sizeof(again), "%06lu.log", n);
	*ret = (uint32_t)n;
	return n > 0 && n <= SEGMENT_MAX && !strcmp(again, name);
}

static int add_folder(struct audit_log *log, DIR *d)
{
	const struct dirent *e;
	uint32_t segment;
	int code = 0;

	for (;;) {
		errno = 0; /* readdir leaves it so at the end */
		e = code == 0 ? readdir(d) : NULL;
		if (!e)
			break;
		if (is_segment(e->d_name, &segment))
			code = add_file(log, dirfd(d), e->d_name, segment);
	}
	return code == 0 && errno ? complain("the folder cannot be listed", strerror(errno)) : code;
}

int audit_log_open(const char *path, struct audit_log *ret)
{
	DIR *d = opendir(path);
	uint32_t segment;
	int code;

	*ret = (struct audit_log){0};
	if (d) {
		code = add_folder(ret, d);
		closedir(d);
	} else {
		if (!is_segment(basename(path), &segment))
			segment = 1;
		code = add_file(ret, AT_FDCWD, path, segment);
	}
	if (code == 0 && ret->n == 0)
		code = complain(path, "there is no segment of an audit log (such as 000001.log)");
	if (code == 0 && ret->is_short)
		code = complain(path, "it has more segments than any log of framemux");
	if (code)
		audit_log_close(ret);
	return code;
}

int audit_log_take_anchor(struct audit_log *log, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : read_anchors(log, fd);

	if (rc == -EBADMSG)
		return complain(path,
			"there is no line of a state_anchor in it (framemux-audit 1 "
			"record=...)");
	return rc < 0 ? complain(path, strerror(-rc)) : 0;
}

void audit_log_close(struct audit_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		close(log->parts[i].fd);
	log->n = 0;
	drop_anchors(log);
}

int audit_log_read(const struct audit_log *log, size_t part, char **ret, size_t *ret_len)
{
	size_t len = (size_t)log->parts[part].bytes, got = 0;
	cleanup_free char *text = NULL;

	if (log->parts[part].bytes > PART_MAX)
		return complain("a segment", "it is larger than any of framemux");
	text = malloc(len + 1);
	if (!text) {
		fputs("framemuxctl: out of memory\n", stderr);
		return EXIT_INTERNAL;
	}
	while (got < len) {
		ssize_t n = TEMP_FAILURE_RETRY(
			pread(log->parts[part].fd, text + got, len - got, (off_t)got));

		if (n < 0)
			return complain("a segment cannot be read", strerror(errno));
		if (n == 0)
			break; /* shorter than it was said to be: the verifier finds that */
		got += (size_t)n;
	}
	text[got] = 0;
	*ret = take_ptr(text);
	*ret_len = got;
	return 0;
}

uint64_t audit_log_begins(const struct audit_log *log, size_t part)
{
	char line[AUDIT_LINE_MAX];
	ssize_t n = TEMP_FAILURE_RETRY(pread(log->parts[part].fd, line, sizeof(line), 0));
	const char *end = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;
	struct audit_line l;

	return end && audit_line_parse(line, (size_t)(end - line), &l) == 0 ? l.n : 0;
}
