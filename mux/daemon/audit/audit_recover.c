/*
 * Opening the audit log: what is there, is it as it was left, and where does it go on? Nothing that
 * is found is thrown away before a record says so: what is torn is written over by that record.
 * Runs in framemuxd at its start.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/audit_walk.h"
#include "common/cleanup.h"
#include "mux/daemon/audit/audit_file_private.h"
#include "mux/locked.h"

#define FOLDER       "audit"
#define TAIL_MAX     (64u * 1024u * 1024u) /* behind the head: one batch, in truth */
#define EVOLVE_MAX   (16u * 1024u * 1024u) /* seals that a mark may be ahead: seconds to reckon */
#define SEGMENTS_MAX 999999u

/* ---- what is there ------------------------------------------------------------------- */

static bool is_segment(const char *name, uint32_t *ret)
{
	char again[AUDIT_SEGMENT_NAME];
	unsigned long n = strtoul(name, NULL, 10);

	if (n == 0 || n > SEGMENTS_MAX)
		return false;
	audit_segment_name((uint32_t)n, again);
	*ret = (uint32_t)n;
	return !strcmp(name, again);
}

static int find_segments(int folder, uint32_t *ret_first, uint32_t *ret_last)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	uint32_t n;
	int rc;

	*ret_first = *ret_last = 0;
	if (!d) {
		rc = -errno;
		cleanup_close(&fd);
		return rc;
	}
	/* readdir leaves errno as it was at the end; is_segment may not. */
	while (errno = 0, (e = readdir(d))) {
		if (!is_segment(e->d_name, &n))
			continue;
		if (!*ret_first || n < *ret_first)
			*ret_first = n;
		if (n > *ret_last)
			*ret_last = n;
	}
	rc = -errno;
	closedir(d);
	return rc;
}

/* To be written; a link or somebody else's file is none of ours. */
static int open_segment(int folder, uint32_t segment, uint64_t *ret_size)
{
	char name[AUDIT_SEGMENT_NAME];
	cleanup_fd int fd = -1;
	struct stat st;

	audit_segment_name(segment, name);
	fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
		return -EPERM;
	*ret_size = (uint64_t)st.st_size;
	return take_fd(&fd);
}

static int read_from(int fd, uint64_t at, size_t len, char **ret)
{
	char *text = malloc(len + 1);
	size_t got = 0;

	if (!text)
		return -ENOMEM;
	while (got < len) {
		ssize_t n = TEMP_FAILURE_RETRY(pread(fd, text + got, len - got, (off_t)(at + got)));

		if (n <= 0) {
			free(text);
			return n < 0 ? -errno : -EIO;
		}
		got += (size_t)n;
	}
	text[len] = 0;
	*ret = text;
	return 0;
}

/* The last whole line before this place. 0 or -errno; -EBADMSG: none that is a record. */
static int last_line(int fd, uint64_t end, struct audit_line *ret)
{
	size_t len = end < AUDIT_LINE_MAX ? (size_t)end : AUDIT_LINE_MAX, from = 0;
	cleanup_free char *text = NULL;
	int rc = len ? read_from(fd, end - len, len, &text) : -EBADMSG;

	if (rc < 0)
		return rc;
	if (text[len - 1] != '\n')
		return -EBADMSG;
	for (size_t i = 0; i + 1 < len; i++)
		if (text[i] == '\n')
			from = i + 1;
	return audit_line_parse(text + from, len - 1 - from, ret);
}

/* The number of the last line that is a record at all, wherever it is. */
static uint64_t last_number(
	int folder, uint32_t segment, struct audit_head *ret, uint64_t *ret_seal)
{
	cleanup_free char *text = NULL;
	struct audit_line l;
	uint64_t size = 0;
	cleanup_fd int fd = open_segment(folder, segment, &size);
	const char *at, *end;

	if (fd < 0 || !size || size > TAIL_MAX || read_from(fd, 0, (size_t)size, &text) < 0)
		return 0;
	at = text;
	while ((end = memchr(at, '\n', (size_t)(text + size - at)))) {
		if (audit_line_parse(at, (size_t)(end - at), &l) == 0) {
			ret->n = l.n;
			memcpy(ret->chain, l.chain, sizeof(ret->chain));
			if (l.is_seal)
				*ret_seal = l.seal;
		}
		at = end + 1;
	}
	return ret->n;
}

/* ---- where it goes on ---------------------------------------------------------------- */

/* The walk over this many bytes once more, of which every one is good. */
static void take_sealed(struct audit_keys *s, const char *text, size_t len)
{
	uint8_t key[AUDIT_KEY_BYTES];
	struct audit_walk w;
	size_t at, sealed;

	audit_seed_public(s->seed, key);
	audit_walk_resume(&w, &s->head, s->seal, key);
	(void)audit_walk_text(&w, text, len, &at, &sealed);
	audit_keys_evolve(s, w.seal - s->seal);
	s->head = w.head;
	s->bytes += len;
}

/* What was written after the head was: whole batches are taken, the rest is torn. */
static int follow(struct audit_file *f, int fd, uint64_t size, uint64_t *ret_torn)
{
	struct audit_keys *s = f->now;
	uint8_t key[AUDIT_KEY_BYTES];
	cleanup_free char *text = NULL;
	size_t len = size - s->bytes > TAIL_MAX ? TAIL_MAX : (size_t)(size - s->bytes);
	size_t at, sealed = 0;
	struct audit_walk w;
	int rc = read_from(fd, s->bytes, len, &text);

	if (rc < 0)
		return rc;
	audit_seed_public(s->seed, key);
	audit_walk_resume(&w, &s->head, s->seal, key);
	(void)audit_walk_text(&w, text, len, &at, &sealed);
	take_sealed(s, text, sealed);
	*ret_torn = size - s->bytes;
	return 0;
}

/* 1: the state's segment is as the state says, up to there; 0: it is not; or -errno. */
static int is_as_left(const struct audit_file *f, int fd, uint64_t size)
{
	struct audit_line l;
	int rc;

	if (f->now->bytes == 0)
		return 1;
	if (size < f->now->bytes)
		return 0;
	rc = last_line(fd, f->now->bytes, &l);
	if (rc < 0)
		return rc == -EBADMSG ? 0 : rc;
	return l.is_seal && l.n == f->now->head.n &&
		!memcmp(l.chain, f->now->head.chain, sizeof(l.chain));
}

static void note_torn(struct audit_file *f, struct audit_found *found, uint64_t torn)
{
	if (!torn)
		return;
	found->condition = AUDIT_TORN;
	found->segment = f->now->segment;
	found->at = f->now->bytes;
	found->bytes = torn;
}

/* A batch that began a segment may have come after the head too. */
static int follow_segments(struct audit_file *f, uint32_t last, struct audit_found *found)
{
	struct audit_keys *s = f->now, *next = f->next;
	int rc = 0;

	while (!rc && found->condition != AUDIT_TORN && s->bytes && s->segment < last) {
		uint64_t size = 0, torn = 0;
		cleanup_fd int fd = open_segment(f->folder, s->segment + 1, &size);

		if (fd < 0)
			return fd == -ENOENT ? 0 : fd;
		*next = *s;
		s->segment++;
		s->bytes = 0;
		rc = follow(f, fd, size, &torn);
		note_torn(f, found, torn);
		if (!rc && s->bytes) {
			cleanup_close(&f->fd);
			f->fd = take_fd(&fd);
		} else {
			*s = *next; /* none of it counts */
			f->torn_segment = s->segment + 1;
			break;
		}
	}
	sodium_memzero(next, sizeof(*next));
	return rc;
}

/* It goes on behind what is expected, in a segment of its own. */
static void go_on_cut(struct audit_file *f, uint32_t last, struct audit_found *found)
{
	struct audit_head head = {0};
	uint64_t seal;

	found->condition = AUDIT_CUT;
	found->segment = last;
	found->expected_n = f->now->head.n;
	found->n = last ? last_number(f->folder, last, &head, &seal) : 0;
	if (last >= f->now->segment)
		f->now->segment = last;
	f->now->segment++;
	f->now->bytes = 0;
}

static int resume(struct audit_file *f, uint32_t last, struct audit_found *found)
{
	uint64_t size = 0, torn = 0;
	int fd = open_segment(f->folder, f->now->segment, &size), rc;

	if (fd == -ENOENT && f->now->bytes == 0 && !last)
		return 0;
	if (fd < 0 && fd != -ENOENT)
		return fd;
	rc = fd < 0 ? 0 : is_as_left(f, fd, size);
	if (rc <= 0) {
		cleanup_close(&fd);
		if (!rc)
			go_on_cut(f, last, found);
		return rc;
	}
	f->fd = fd;
	rc = follow(f, fd, size, &torn);
	if (rc < 0)
		return rc;
	note_torn(f, found, torn);
	if (f->now->bytes == 0) { /* made anew */
		cleanup_close(&f->fd);
		f->fd = -1;
	}
	return follow_segments(f, last, found);
}

/*
 * 1: the record of that number is in this text, and another; 0: it is the very one, or is missing between
 * others; -ENOENT: it may be in a segment before.
 */
static int compare_record(const char *text, size_t len, const struct audit_head *is)
{
	const char *at = text, *end;
	struct audit_line l;
	int rc = -ENOENT;

	while ((end = memchr(at, '\n', len - (size_t)(at - text)))) {
		if (audit_line_parse(at, (size_t)(end - at), &l) == 0 && l.n <= is->n) {
			rc = 0;
			if (l.n == is->n)
				return memcmp(l.chain, is->chain, sizeof(l.chain)) != 0;
		}
		at = end + 1;
	}
	return rc;
}

/*
 * The log has a record of this number that is another one: two copies of one folder were both written
 * on, or it is another mux's. One that is not there says nothing: it was removed for its age, or cut.
 */
static bool contradicts(const struct audit_file *f, const struct audit_head *is, uint32_t last)
{
	int rc = -ENOENT;

	for (uint32_t i = last; rc == -ENOENT && i >= f->oldest && i > 0; i--) {
		cleanup_free char *text = NULL;
		uint64_t size = 0;
		cleanup_fd int fd = open_segment(f->folder, i, &size);

		if (fd < 0 || size > TAIL_MAX || read_from(fd, 0, (size_t)size, &text) < 0)
			continue;
		rc = compare_record(text, (size_t)size, is);
	}
	return rc == 1;
}

/* What stands elsewhere is of this log and not further than it is. */
static bool has_got_there(const struct audit_file *f, const struct audit_mark *mark, uint32_t last)
{
	const struct audit_keys *s = f->now;
	uint8_t key[AUDIT_KEY_BYTES];

	if (mark->seal != s->seal)
		return mark->seal < s->seal && !contradicts(f, &mark->head, last);
	audit_seed_public(s->seed, key);
	return !memcmp(key, mark->key, sizeof(key)) && mark->head.n == s->head.n &&
		!memcmp(mark->head.chain, s->head.chain, sizeof(s->head.chain));
}

/*
 * Somebody wrote down elsewhere that the log had got further. Where the key leads to the one that
 * stands there the log goes on behind it, so that no number and no key is used twice. A log that has
 * as many seals, or records, was written on from a copy: it goes on behind its own end, or who reads
 * it would find fault with records that are as they were written.
 */
static void compare_mark(struct audit_file *f, const struct audit_mark *mark, uint32_t last,
	struct audit_found *found)
{
	uint8_t key[AUDIT_KEY_BYTES];
	uint64_t n = f->now->head.n;
	bool is_ahead;

	if (!mark || has_got_there(f, mark, last))
		return;
	found->n = n;
	*f->next = *f->now;
	is_ahead = mark->seal > f->now->seal && mark->head.n > n;
	if (is_ahead && mark->seal - f->now->seal <= EVOLVE_MAX)
		audit_keys_evolve(f->next, mark->seal - f->now->seal);
	audit_seed_public(f->next->seed, key);
	if (is_ahead && !memcmp(key, mark->key, sizeof(key))) {
		*f->now = *f->next;
		f->now->head = mark->head;
		cleanup_close(&f->fd);
		f->fd = -1;
		go_on_cut(f, last, found);
		found->n = n;
	}
	sodium_memzero(f->next, sizeof(*f->next));
	found->condition = AUDIT_BACK;
	found->expected_n = mark->head.n;
}

static int begin_anew(struct audit_file *f, uint32_t last, struct audit_found *found)
{
	struct audit_head head = {0};
	uint64_t seal = 0;

	if (!last) {
		audit_keys_fresh(f->now);
		found->condition = AUDIT_NEW;
		return 0;
	}
	found->n = last_number(f->folder, last, &head, &seal);
	audit_keys_renew(f->now, &head, seal + 1);
	f->now->segment = last + 1;
	found->condition = AUDIT_KEY_LOST;
	found->segment = last;
	return 0;
}

static int recover(
	struct audit_file *f, const struct audit_mark *at_least, struct audit_found *found)
{
	uint32_t last;
	int rc = find_segments(f->folder, &f->oldest, &last);

	if (rc < 0)
		return rc;
	rc = audit_keys_load(f->folder, f->now);
	if (rc == -ENOENT || rc == -EBADMSG) {
		rc = begin_anew(f, last, found);
	} else if (!rc) {
		found->condition = AUDIT_AS_LEFT;
		rc = audit_keys_open(f->folder, &f->head_fd);
		if (!rc)
			rc = resume(f, last, found);
	}
	if (!rc)
		compare_mark(f, at_least, last, found);
	/* Before anything is signed with it: a seed that is known here alone would be lost. */
	if (!rc && f->head_fd < 0)
		rc = audit_keys_create(f->folder, f->now, &f->head_fd);
	return rc;
}

static int open_folder(int state_folder)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (mkdirat(state_folder, FOLDER, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(state_folder, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	return fsync(state_folder) < 0 ? -errno : take_fd(&fd);
}

int audit_file_open(int state_folder, const struct audit_limits *limits,
	const struct audit_mark *at_least, struct audit_file **ret, struct audit_found *ret_found)
{
	struct audit_file *f = calloc(1, sizeof(*f));
	struct audit_found found = {0};
	int rc = -ENOMEM;

	if (!f)
		return rc;
	f->limits = *limits;
	f->folder = f->fd = f->head_fd = -1;
	f->now = locked_alloc(sizeof(*f->now));
	f->next = locked_alloc(sizeof(*f->next));
	if (f->now && f->next) {
		f->folder = open_folder(state_folder);
		rc = f->folder < 0 ? f->folder : recover(f, at_least, &found);
	}
	if (rc < 0) {
		audit_file_close(f);
		return rc;
	}
	(void)audit_file_make_reserve(f);
	*ret = f;
	*ret_found = found;
	return 0;
}
