/* Appending to the audit log. Owns its descriptors and keys. What there is at the start is
 * audit_recover.c's. Runs in framemuxd's writer thread. */
#include "mux/daemon/audit/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "mux/daemon/audit/audit_file_private.h"
#include "mux/locked.h"

#define MIB            (1024u * 1024u)
#define RESERVE        "reserve"
#define LINE_EXTRA_MAX 256u /* what a line has besides its members */
#define SEAL_MAX       512u
#define BEGIN_MAX      1024u /* what a segment begins with */

const struct audit_limits audit_limits_usual = {
	.segment_bytes = 16u * MIB, .total_bytes = 256u * MIB, .reserve_bytes = 256u * 1024u};

void audit_segment_name(uint32_t segment, char ret[AUDIT_SEGMENT_NAME])
{
	snprintf(ret, AUDIT_SEGMENT_NAME, "%06" PRIu32 ".log", segment);
}

/* ---- the text of a batch ------------------------------------------------------------- */

struct batch {
	char *text; /* owned */
	size_t len, room;
	bool is_new_file;
	uint32_t oldest; /* segments before it are to go */
};

static int add(struct batch *b, const char *line, size_t len)
{
	if (len == 0 || len > b->room - b->len)
		return -EMSGSIZE;
	memcpy(b->text + b->len, line, len);
	b->len += len;
	return 0;
}

static int add_record(struct batch *b, struct audit_keys *s, uint64_t unix_ms, const char *body)
{
	char line[AUDIT_LINE_MAX];

	return add(b, line, audit_line_write(&s->head, unix_ms, body, line));
}

static int add_segment(struct batch *b, struct audit_keys *s, uint64_t unix_ms)
{
	uint8_t key[AUDIT_KEY_BYTES];
	struct audit_body body;

	audit_seed_public(s->seed, key);
	audit_body_begin(&body, "segment");
	audit_body_number(&body, "segment", s->segment);
	audit_body_number(&body, "seal", s->seal);
	audit_body_hex(&body, "before", s->head.chain, sizeof(s->head.chain));
	audit_body_hex(&body, "key", key, sizeof(key));
	return add_record(b, s, unix_ms, body.text);
}

/* The number of a segment's first record; 0 when it cannot be read. */
static uint64_t first_record(const struct audit_file *f, uint32_t segment)
{
	cleanup_fd int fd = audit_file_reader(f, segment);
	char line[AUDIT_LINE_MAX];
	struct audit_line l;
	ssize_t n = fd < 0 ? -1 : TEMP_FAILURE_RETRY(pread(fd, line, sizeof(line), 0));
	const char *end = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;

	return end && audit_line_parse(line, (size_t)(end - line), &l) == 0 ? l.n : 0;
}

/* A new segment: those that are too many are to go, and the log says so before they do. */
static int add_pruned(
	struct batch *b, const struct audit_file *f, struct audit_keys *s, uint64_t unix_ms)
{
	uint32_t most = (uint32_t)(f->limits.total_bytes / f->limits.segment_bytes);
	struct audit_body body;
	uint64_t first;

	b->oldest = f->oldest;
	if (!f->oldest || s->segment < most || f->oldest > s->segment - most)
		return 0;
	b->oldest = s->segment - most + 1;
	first = first_record(f, b->oldest);
	audit_body_begin(&body, "pruned");
	audit_body_number(&body, "segment", b->oldest - 1);
	audit_body_number(&body, "record", first ? first - 1 : 0);
	return add_record(b, s, unix_ms, body.text);
}

/* s: where the log is; on success where it is then. */
static int build(const struct audit_file *f, const struct audit_entry *entries, size_t n,
	struct audit_keys *s, struct batch *b)
{
	uint64_t now = entries[n - 1].unix_ms;
	size_t needed = SEAL_MAX;
	char line[AUDIT_LINE_MAX];
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		needed += strlen(entries[i].body) + LINE_EXTRA_MAX;
	b->room = needed + BEGIN_MAX;
	b->text = malloc(b->room);
	if (!b->text)
		return -ENOMEM;
	if (s->bytes && s->bytes + needed > f->limits.segment_bytes) {
		s->segment++;
		s->bytes = 0;
	}
	b->is_new_file = s->bytes == 0;
	if (b->is_new_file)
		rc = add_segment(b, s, entries[0].unix_ms);
	if (!rc && b->is_new_file)
		rc = add_pruned(b, f, s, entries[0].unix_ms);
	for (size_t i = 0; !rc && i < n; i++)
		rc = add_record(b, s, entries[i].unix_ms, entries[i].body);
	if (!rc)
		rc = add(b, line, audit_seal_write(&s->head, now, s->seal++, s->seed, line));
	return rc;
}

/* ---- to the disk --------------------------------------------------------------------- */

static int write_at(int fd, const char *text, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = TEMP_FAILURE_RETRY(pwrite(fd, text, len, (off_t)at));

		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		text += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* What is there under that name is of a batch that never came to be. */
static int make_segment(const struct audit_file *f, uint32_t segment)
{
	char name[AUDIT_SEGMENT_NAME];
	int fd;

	audit_segment_name(segment, name);
	if (unlinkat(f->folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(f->folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* Written over what may be left there of a batch that failed; nothing is left behind it. */
static int write_batch(int fd, const struct batch *b, uint64_t at, int folder)
{
	int rc = write_at(fd, b->text, b->len, at);

	if (!rc && ftruncate(fd, (off_t)(at + b->len)) < 0)
		rc = -errno;
	if (!rc && fdatasync(fd) < 0)
		rc = -errno;
	if (!rc && b->is_new_file && fsync(folder) < 0)
		rc = -errno;
	return rc;
}

static void take_back(struct audit_file *f, int fd, const struct batch *b, uint32_t segment)
{
	char name[AUDIT_SEGMENT_NAME];

	if (!b->is_new_file) {
		(void)!ftruncate(fd, (off_t)f->now->bytes); /* else it is written over */
		return;
	}
	audit_segment_name(segment, name);
	unlinkat(f->folder, name, 0);
}

static void commit(struct audit_file *f, int *fd, const struct batch *b)
{
	struct audit_keys *was = f->now;

	f->next->bytes += b->len;
	f->now = f->next;
	f->next = was;
	sodium_memzero(was, sizeof(*was));
	if (b->is_new_file) {
		f->torn_segment = 0; /* this is it now */
		cleanup_close(&f->fd);
		f->fd = take_fd(fd);
		f->oldest = f->oldest ? f->oldest : f->now->segment;
	}
	if (b->oldest)
		f->keep_from = b->oldest;
}

int audit_file_append(struct audit_file *f, const struct audit_entry *entries, size_t n)
{
	struct batch b = {0};
	cleanup_fd int new_fd = -1;
	cleanup_free char *text = NULL;
	int rc;

	if (n == 0)
		return 0;
	*f->next = *f->now;
	rc = build(f, entries, n, f->next, &b);
	text = b.text;
	if (!rc && b.is_new_file) {
		new_fd = make_segment(f, f->next->segment);
		rc = new_fd < 0 ? new_fd : 0;
	}
	if (!rc) {
		int fd = b.is_new_file ? new_fd : f->fd;

		rc = write_batch(fd, &b, f->next->bytes, f->folder);
		if (rc < 0)
			take_back(f, fd, &b, f->next->segment);
	}
	if (rc < 0)
		sodium_memzero(f->next, sizeof(*f->next));
	else
		commit(f, &new_fd, &b);
	return rc;
}

static int remove_segment(const struct audit_file *f, uint32_t segment)
{
	char name[AUDIT_SEGMENT_NAME];

	audit_segment_name(segment, name);
	return unlinkat(f->folder, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int audit_file_settle(struct audit_file *f)
{
	int rc = f->head_fd < 0 ? audit_keys_create(f->folder, f->now, &f->head_fd)
				: audit_keys_save(f->head_fd, f->now);

	if (!rc && f->torn_segment)
		rc = remove_segment(f, f->torn_segment);
	if (!rc)
		f->torn_segment = 0;
	while (!rc && f->oldest && f->oldest < f->keep_from) {
		rc = remove_segment(f, f->oldest);
		f->oldest += rc == 0;
	}
	return rc;
}

/* ---- the reserve --------------------------------------------------------------------- */

bool audit_file_has_reserve(const struct audit_file *f)
{
	return f->has_reserve;
}

int audit_file_make_reserve(struct audit_file *f)
{
	cleanup_fd int fd = -1;
	int rc = 0;

	if (f->has_reserve)
		return 0;
	fd = openat(
		f->folder, RESERVE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* Where a file system has no such call the C library writes into each of its blocks. */
	rc = -posix_fallocate(fd, 0, (off_t)f->limits.reserve_bytes);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(f->folder, RESERVE, 0);
	f->has_reserve = rc == 0;
	return rc;
}

void audit_file_free_reserve(struct audit_file *f)
{
	if (unlinkat(f->folder, RESERVE, 0) == 0 || errno == ENOENT)
		f->has_reserve = false;
}

/* ---- doubt --------------------------------------------------------------------------- */

#define DOUBT "rolled-back"

bool audit_file_is_doubted(const struct audit_file *f)
{
	return faccessat(f->folder, DOUBT, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int audit_file_doubt(struct audit_file *f, bool is)
{
	cleanup_fd int fd = -1;

	if (is) {
		fd = openat(f->folder, DOUBT, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 || fsync(fd) < 0)
			return -errno;
	} else if (unlinkat(f->folder, DOUBT, 0) < 0 && errno != ENOENT) {
		return -errno;
	}
	return fsync(f->folder) < 0 ? -errno : 0;
}

/* ---- for others ---------------------------------------------------------------------- */

void audit_file_mark(const struct audit_file *f, struct audit_mark *ret)
{
	ret->head = f->now->head;
	ret->seal = f->now->seal;
	audit_seed_public(f->now->seed, ret->key);
}

uint32_t audit_file_segment(const struct audit_file *f, uint32_t *ret_oldest, uint64_t *ret_bytes)
{
	*ret_oldest = f->oldest;
	*ret_bytes = f->now->bytes;
	return f->now->segment;
}

int audit_file_reader(const struct audit_file *f, uint32_t segment)
{
	char name[AUDIT_SEGMENT_NAME];
	int fd;

	audit_segment_name(segment, name);
	fd = openat(f->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void audit_file_close(struct audit_file *f)
{
	if (!f)
		return;
	cleanup_close(&f->folder);
	cleanup_close(&f->fd);
	cleanup_close(&f->head_fd);
	locked_free(f->now);
	locked_free(f->next);
	free(f);
}
