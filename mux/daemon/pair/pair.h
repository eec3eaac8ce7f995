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
#include "mux/daemon/roles/roles.h"
#include "mux/link/daemon_broker.h"

struct pair;
struct fingerprint_record;

/* What all pairs share; belongs to the daemon and outlives them. */
struct pair_host {
	struct event_base *base;
	struct roles *roles;      /* borrowed */
	const uint8_t *k_session; /* of the broker that lives now */
	uint32_t stale_after_ms, linger_s;
	int verbose;
	struct pair **pairs; /* all of them, as the configuration orders them */
	size_t n_pairs;
	struct pair **retired; /* of cameras that a reload took away or changed, until they rest */
	size_t n_retired;
	uint32_t last_number; /* of the newest pair */
	void *self;           /* for the functions */
	/* A message for the broker; fds stay the caller's. Lost when there is no broker. */
	void (*tell)(void *self, const struct wire_message *m, const void *msg, const int *fds,
		size_t n_fds);
	/* A pair has come to rest after pair_abort, pair_stop, pair_retire, pair_restart or
	 * pair_disable, pair_forbid. */
	void (*at_rest)(void *self);
	/* For the audit log; the camera's members are filled in. */
	void (*note)(void *self, const struct msg_audit_note *m);
	/* What pair_record gives has changed and is to be kept. */
	void (*keep)(void *self);
};

/* The record is copied, its password too, and is never changed. NULL without memory. */
struct pair *pair_new(struct pair_host *host, const struct camera_record *camera);

/* Before anything else: what an earlier framemuxd kept of this camera. */
void pair_restore(struct pair *p, const struct fingerprint_record *kept);

/* What is to be kept of it. */
const struct fingerprint_record *pair_record(const struct pair *p);

/* Kills what still lives, without telling anybody. For the very end. */
void pair_free(struct pair *p);

const struct camera_record *pair_camera(const struct pair *p);

/* Never used twice in a boot, whatever a reload does with cameras: for uids and the like. */
uint32_t pair_number(const struct pair *p);

/* A new broker, which knows nothing yet, hears of a camera that is not idle. */
void pair_introduce(const struct pair *p);

/* The broker serves: a warm camera comes to life. */
void pair_serve(struct pair *p);

/* The kill switch is on for it: killed, and not born again; off: may live. Any number of times. */
void pair_disable(struct pair *p, const char *why);
void pair_enable(struct pair *p);

/* The same for a fleet's policy: its state is blocked. Neither lifts what the other has set. */
void pair_forbid(struct pair *p, const char *why);
void pair_allow(struct pair *p);

/* A person says so: forget what it called itself, and lift its block. */
void pair_accept(struct pair *p);

/*
 * It is not the camera that is configured, or its processes cannot be ended: its generation ends,
 * and there is no other until a person accepts it or, unless it lasts, framemuxd is started again.
 */
void pair_block(struct pair *p, const char *reason, bool lasts);

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

/* ---- pair_reload.c ------------------------------------------------------------------- */

/*
 * A reload takes the camera away, or has another pair for it: it ends as by pair_stop, and the
 * broker hears nothing more of it but its death.
 */
void pair_retire(struct pair *p);

/* The successor of a retired pair at rest, for the same id: generations count on. */
void pair_inherit(struct pair *p, const struct pair *retired);

/* To a broker that has just been told of the camera: what it is like. */
void pair_present(const struct pair *p);

/* What is told at birth has changed: one that lives ends and is born again. */
void pair_restart(struct pair *p);
bool pair_is_restarting(const struct pair *p);

/* standby and vendor, which nobody else was told of, are as in this record now. */
void pair_adjust(struct pair *p, const struct camera_record *camera);

/* For status. */
void pair_survey(const struct pair *p, uint32_t request, struct msg_survey_camera *ret);

#endif
