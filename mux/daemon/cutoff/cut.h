/*
 * What framemuxd cuts off by itself, which the broker cannot overrule: by the kill switch, by a
 * fleet's policy. One path for both: the pairs are killed and not born, the broker ends the leases,
 * and whoever asked is answered when all is erased, reaped and on disk, or after a while. Runs in
 * framemuxd's loop.
 */
#ifndef FRAMEMUX_CUT_H
#define FRAMEMUX_CUT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct camera_record;
struct cuts;
struct mux;

enum cut_end {
	CUT_OVER,
	CUT_NOT_KEPT,    /* the disk refuses; what was cut off is */
	CUT_DISK_LATE,   /* so far the disk has not answered, */
	CUT_BROKER_LATE, /* the broker has not, */
	CUT_PAIR_LATE,   /* a process is not reaped */
};

/* Of what is in force and not over: the last two in words, the same for all; else "". */
const char *cut_what_is_late(enum cut_end end);

/* A change of what is cut off, until it is over. The owner's own structure begins with it. */
struct cut {
	TAILQ_ENTRY(cut) link;
	struct cuts *cuts; /* borrowed */
	bool is_on;        /* something is cut off by it: erased and reaped before it is over */
	bool is_kept;      /* on disk, or refused by it: */
	int kept_result;   /* 0 or -errno */
	bool is_drained;
	uint32_t drain; /* the broker's question */
	uint64_t began_ns;
	struct event *limit; /* owned */
	bool (*concerns)(const struct cut *c, const struct camera_record *cam);
	/* Once; the cut is no longer waited for, and its owner frees it. */
	void (*ended)(struct cut *c, enum cut_end end);
};

int cuts_new(struct mux *m, struct cuts **ret);
void cuts_free(struct cuts *s);

/* Judge every camera anew by all who may cut it off. */
void cuts_apply(struct cuts *s);

/* Whether any of them cuts it off. */
bool cuts_concern(const struct cuts *s, const struct camera_record *cam);

/* Wait for it, for three seconds at most. is_on and the functions are set. 0, -ENOMEM, -EBUSY. */
int cut_begin(struct cuts *s, struct cut *c);

/* After cuts_apply: the broker has heard of the cameras, and answers when they are blind. */
void cut_drain(struct cut *c);

void cut_kept(struct cut *c, int result);
uint64_t cut_elapsed_us(const struct cut *c);

/* It is not waited for any more, and its owner is not told. */
void cut_forget(struct cut *c);

/* What they wait for may have come. */
void cuts_look(struct cuts *s);
void cuts_drained(struct cuts *s, uint32_t drain);
void cuts_broker_fell(struct cuts *s);

#endif
