/*
 * The audit log in framemuxd's loop: takes what is to be recorded, has the writer thread append it
 * in batches, and says when a record that somebody waits for is on the disk, or that it cannot be.
 * Whatever is new: audit_note(), and a row in mux/audit_note.c.
 */
#ifndef FRAMEMUX_DAEMON_AUDIT_H
#define FRAMEMUX_DAEMON_AUDIT_H

#include <event2/event.h>

#include "mux/audit_note.h"
#include "mux/daemon/audit/audit_file.h"
#include "mux/daemon/state/disk.h"

struct audit;

struct audit_host {
	struct event_base *base;
	struct disk *disk; /* borrowed */
	void *self;
	/* A record is on the disk (0), or why not. life, request: of audit_request. */
	void (*written)(void *self, uint64_t life, uint32_t request, int status);
};

struct audit_place {
	int state_folder;
	const struct audit_limits *limits;
	const char *anchor; /* a file's path, or "" */
	bool anchor_in_journal;
};

/* Open the log; what was found is said and will be recorded. 0, or -errno and why. */
int audit_open(const struct audit_place *place, struct audit **ret, char *ret_why, size_t why_size);

/* Write what is noted by now, waiting for the disk; from then on through the writer thread. */
int audit_begin(struct audit *a, const struct audit_host *host);

/* It has happened: record it, soon. What cannot be written now is kept, up to a bound. */
void audit_note(struct audit *a, const struct msg_audit_note *m);

/* It may happen once this is recorded. 0: the host is told; or -errno, and it may not. */
int audit_request(struct audit *a, const struct msg_audit_note *m, uint64_t life, uint32_t request);

/* The writer thread is about to end: it gets no more jobs. NULL is fine. */
void audit_stop(struct audit *a);

/* After the writer thread's end: what is left is written, waiting for the disk. NULL is fine. */
void audit_end(struct audit *a);

/* ---- audit_read.c: for who wants to read it --------------------------------------------- */

#define AUDIT_PARTS_MAX 64u

struct audit_reading {
	struct {
		uint32_t segment; /* 0: what the anchor's file says */
		uint64_t bytes;   /* sealed */
		int fd;           /* read-only */
	} parts[AUDIT_PARTS_MAX];
	size_t n;
	struct audit_mark mark; /* how far it had got */
};

/* done gets what was opened, or -errno; the descriptors are closed when it returns. 0 or -errno. */
int audit_read(struct audit *a,
	void (*done)(void *data, int status, const struct audit_reading *reading), void *data);

/*
 * A person has seen that the state folder was rolled back, and m says who. done: both are on the disk, or
 * -errno.
 */
int audit_accept(struct audit *a, const struct msg_audit_note *m,
	void (*done)(void *data, int status), void *data);

enum audit_anchor_kind audit_anchor_kind(const struct audit *a);

enum audit_state audit_state(const struct audit *a);
uint64_t audit_records(const struct audit *a);

#endif
