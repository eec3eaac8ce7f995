/*
 * A camera at work: its source, and the ingest and decode pair that lives on it. One state machine
 * a camera; each life of the pair is a generation. The two are born together, and when one ends
 * both are killed and reaped before the broker is told and before the next are born.
 */
#ifndef FRAMEMUX_PAIR_H
#define FRAMEMUX_PAIR_H

#include <event2/event.h>

#include "common/camera_state.h"
#include "mux/daemon/camera.h"
#include "mux/daemon/roles.h"
#include "mux/link.h"

struct pair;
struct fingerprint_record;

/* What all pairs share; belongs to the daemon and outlives them. */
struct pair_host {
	struct event_base *base;
	struct roles *roles; /* borrowed */
	const uint8_t *k_session; /* of the broker that lives now */
	uint32_t stale_after_ms, linger_s;
	int verbose;
	struct pair **pairs; /* all of them */
	size_t n_pairs;
	void *self; /* for the functions */
	/* A message for the broker; fds stay the caller's. Lost when there is no broker. */
	void (*tell)(void *self, const struct wire_message *m, const void *msg, const int *fds,
		size_t n_fds);
	/* A pair has come to rest after pair_abort or pair_stop. */
	void (*at_rest)(void *self);
	/* What pair_record gives has changed and is to be kept. */
	void (*keep)(void *self);
};

/* camera is borrowed and immutable. NULL without memory. */
struct pair *pair_new(struct pair_host *host, const struct camera_record *camera, size_t index);

/* Before anything else: what an earlier framemuxd kept of this camera. */
void pair_restore(struct pair *p, const struct fingerprint_record *kept);

/* What is to be kept of it. */
const struct fingerprint_record *pair_record(const struct pair *p);

/* Kills what still lives, without telling anybody. For the very end. */
void pair_free(struct pair *p);

const struct camera_record *pair_camera(const struct pair *p);

/* A new broker, which knows nothing yet, hears of a camera that is not idle. */
void pair_introduce(const struct pair *p);

/* The broker serves: a warm camera comes to life. */
void pair_serve(struct pair *p);

/* A person says so: forget what it called itself, and lift its block. */
void pair_accept(struct pair *p);

/* So many leases want frames now. */
void pair_want(struct pair *p, uint32_t leases);

/* The broker wants this generation dead. Ignored when it is. */
void pair_kill(struct pair *p, uint64_t generation, const char *reason);

/* The broker died: let decode erase, reap, tell nobody; then at_rest. */
void pair_abort(struct pair *p);

/* framemuxd ends: let ingest say goodbye to the camera, then kill; then at_rest. */
void pair_stop(struct pair *p);

/* Nothing of it lives. */
bool pair_is_at_rest(const struct pair *p);

/* For status. */
void pair_survey(const struct pair *p, uint32_t request, struct msg_survey_camera *ret);

#endif
