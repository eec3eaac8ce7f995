/*
 * What the broker has recorded by framemuxd: leases, tokens, revocations; and in sums by uid, camera
 * and minute what anybody can cause as often as he likes: refusals, frames that failed their tag. A
 * lease or token begins when framemuxd says that its record is on the disk.
 */
#ifndef FRAMEMUX_BROKER_AUDIT_H
#define FRAMEMUX_BROKER_AUDIT_H

#include "common/limits.h"
#include "mux/audit_note.h"
#include "mux/broker/broker.h"

#define AUDIT_LIMIT_S 10 /* for framemuxd's disk: longer, and what waits for it is refused */

struct camera;
struct control;
struct rights;
struct tenure;

/* Of a lease, for its records. */
struct record {
	uint32_t request; /* for its opening */
	bool is_void;     /* which could not be written */
	bool is_dump;
	uint64_t first_generation, last_generation;
	uint64_t first_ms, last_ms; /* real time: the first ring was given, the last erased */
	uint64_t rings, erased_bytes;
};

int audit_init(struct broker *b);
void audit_free(struct broker *b);

/* Something that has happened. */
void audit_note(struct broker *b, const struct msg_audit_note *m);

/*
 * A lease is to begin: tenure_recorded follows. 0; -EBUSY, -EAGAIN: too many records of its uid, or of
 * all, wait for the disk.
 */
int audit_opening(struct tenure *t);

/* It was given a ring; one was erased, for good if is_last; it has ended, unless it never began. */
void audit_ring_given(struct tenure *t, uint64_t generation);
void audit_ring_erased(struct tenure *t, uint64_t generation, uint64_t bytes, uint64_t us);
void audit_closed(struct tenure *t);

/* A token is to be given out: control_granted follows. As audit_opening. */
int audit_granting(struct control *c, const struct rights *rights,
	const uint8_t token[TOKEN_ID_BYTES], uint32_t *ret_request);

/* Sums. camera: "" for none that exists. */
void audit_refused(struct broker *b, uint32_t uid, const char *camera, const char *why);
void audit_provenance(struct broker *b, const struct tenure *t);
void audit_denied(struct broker *b, const struct control *c, const char *verb);

/* A camera, as it is now. */
void audit_accepted(const struct control *c, const struct camera *camera);

/* From framemuxd. */
void audit_written(struct broker *b, uint32_t request, uint32_t status);

/* Why something was refused for want of a record, for whoever asked. */
void audit_refusal_reason(uint32_t status, char ret[LIMIT_REASON]);

#endif
