/*
 * The audit log in framemuxd's loop: takes what is to be recorded, has the writer thread append it
 * in batches, and says when a record that somebody waits for is on the disk, or that it cannot be.
 * Whatever is new: audit_note(), and a row in mux/audit_note.c.
 */
#ifndef FRAMEMUX_DAEMON_AUDIT_H
#define FRAMEMUX_DAEMON_AUDIT_H

#include <event2/event.h>

#include "mux/audit_note.h"
#include "mux/daemon/audit_file.h"
#include "mux/daemon/disk.h"

struct audit;

struct audit_host {
	struct event_base *base;
	struct disk *disk; /* borrowed */
	void *self;
	/* A record is on the disk (0), or why not. life, request: of audit_request. */
	void (*written)(void *self, uint64_t life, uint32_t request, int status);
};

/* Open the log; what was found is said and will be recorded. 0, or -errno and why. */
int audit_open(int state_folder, const struct audit_limits *limits, struct audit **ret,
	char *ret_why, size_t why_size);

/* Write what is noted by now, waiting for the disk; from then on through the writer thread. */
int audit_begin(struct audit *a, const struct audit_host *host);

/* It has happened: record it, soon. What cannot be written now is kept, up to a bound. */
void audit_note(struct audit *a, const struct msg_audit_note *m);

/* It may happen once this is recorded. 0: the host is told; or -errno, and it may not. */
int audit_request(struct audit *a, const struct msg_audit_note *m, uint64_t life, uint32_t request);

/* After the writer thread's end: what is left is written, waiting for the disk. NULL is fine. */
void audit_end(struct audit *a);

enum audit_state audit_state(const struct audit *a);
uint64_t audit_records(const struct audit *a);

#endif
