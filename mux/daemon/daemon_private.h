/* The inside of framemuxd: what its loop owns, and what its parts ask of each other. */
#ifndef FRAMEMUX_DAEMON_PRIVATE_H
#define FRAMEMUX_DAEMON_PRIVATE_H

#include "common/cutoff.h"
#include "common/revoked.h"
#include "mux/daemon/audit/audit.h"
#include "mux/daemon/broker/broker_link.h"
#include "mux/daemon/config/grants.h"
#include "mux/daemon/cutoff/cut.h"
#include "mux/daemon/cutoff/kill_switch.h"
#include "mux/daemon/listen.h"
#include "mux/daemon/options.h"
#include "mux/daemon/pair/pair.h"
#include "mux/daemon/policy/enforce.h"
#include "mux/daemon/state/clock_floor.h"
#include "mux/daemon/state/disk.h"
#include "mux/daemon/state/key_file.h"
#include "mux/daemon/trust/fingerprint_file.h"

/* Secrets of the mux, in memory of locked_alloc(). */
struct mux_keys {
	struct root_keys root;      /* of all tokens */
	uint8_t session[KEY_BYTES]; /* of all frames while one broker lives */
};

struct mux {
	const struct options *options; /* borrowed */
	struct config *config;         /* owned, as all below */
	struct state *state;
	struct mux_keys *keys;
	struct event_base *base;
	struct event *signals[3];
	struct disk *disk;
	struct audit *audit;
	struct roles roles;
	struct listening listening;
	struct camera_record *cameras; /* while starting: the pairs have records of their own */
	char *epochs_text;             /* while starting: kept once what is gone is recorded */
	size_t epochs_len;
	struct pair_host pair_host; /* and the pairs */
	struct grants *grants;
	uint8_t *revoked; /* as the broker is told */
	size_t n_revoked;
	struct revoked revoked_set; /* the same, to look up */
	struct cutoffs cutoffs;
	struct kill_switch *kill_switch;
	struct kill_socket *kill_socket;
	struct cuts *cuts;
	struct enforce *enforce;         /* the fleet's policy */
	struct policy_drop *policy_drop; /* its folder; NULL: none */
	struct broker *broker;
	uint64_t started_ns;
	struct fingerprint_record *prints; /* as they were at the start */
	unsigned files_pending;            /* token files that the writer thread still has */
	bool files_failed;                 /* one of those of the last time */
	struct reload *reload;             /* under way; NULL: none. reload.c */
	bool reload_again;                 /* and one after it */
	struct disk *reader;               /* the thread that reads configurations */
	struct event *reload_timer;
	bool prints_pending, prints_changed; /* being written; newer ones since that began */
	struct event *prints_timer;          /* when that has failed; NULL: it never has */
	unsigned prints_pause_s;             /* before the next attempt */
	struct clock_floor clock;            /* clock_keep.c, as all of the clock's */
	struct event *clock_timer;
	uint64_t clock_kept_s; /* what is on disk; 0: nothing */
	bool clock_pending, clock_failed, clock_is_behind;
	bool key_pending, key_waits; /* being written; its asker waits for the token files: */
	uint64_t key_life;
	uint32_t key_unkept; /* retired, and not yet on disk: that can be asked for again */
	uint32_t key_request;
	bool broker_ready, announced, stopping;
};

/* ---- broker_talk.c: what is said on the link to the broker --------------------------- */
extern const struct wire_rule mux_broker_rules[];
extern const size_t mux_n_broker_rules;

/* A fresh session key, and everything that a new broker needs. 0 or -errno. */
int mux_set_up_broker(void *mux);
/* For the init system's watchdog: nothing is said to it unless the broker answers. */
void mux_ask_alive(void *mux);

/* Parts of it, for a reload too. */
void mux_send_admins(struct mux *m);
void mux_send_camera(struct mux *m, const struct camera_record *cam);
void mux_send_grant(struct mux *m, const struct standing *st);

/* How many messages that can be at most. */
size_t mux_set_up_messages(const struct mux *m);

/* ---- hand_out.c: tokens to files ------------------------------------------------------ */

/* The standing tokens are all there: keep their ids, write the token files, then announce. */
void mux_hand_out(struct mux *m);

/* Remove the token files that no grant has any more. */
void mux_take_back(struct mux *m);

/* ---- keep_revoked.c: revocations to disk ---------------------------------------------- */

/* The answer to the broker follows; -errno: it does not. n: at least one. */
int mux_keep_revoked(struct mux *m, uint32_t request, const uint8_t *ids, size_t n);
int mux_keep_cutoff(struct mux *m, uint32_t request, const struct cutoff *c);

/* ---- key_talk.c: a new root key, and the end of an old one ----------------------------- */

/* The standing tokens that are under an older key go over to the newest. 0, or -ENOMEM: not all. */
int mux_rekey_tokens(struct mux *m);

/* To a broker that is being set up, or serves. */
void mux_send_key(struct mux *m, const struct root_key *key, bool is_current);

/* Token files are written: is that what somebody waits for? */
void mux_key_go_on(struct mux *m);
/* A new broker: what is not on disk is tried again. */
void mux_key_keep(struct mux *m);

int mux_on_key_rotate(void *self, const void *msg, int *fds);
int mux_on_key_retire(void *self, const void *msg, int *fds);

/* ---- clock_keep.c: a clock that is set back revives nothing ---------------------------- */

/* Unix time for all that expires, is issued or is dated by others: the clock's, unless that was set
 * back. In the loop only. */
uint64_t mux_now_s(const struct mux *m);

/* From the state folder: 0, or -errno and why, -EBADMSG for damage. Then, with a loop: 0 or -ENOMEM. */
int mux_clock_load(struct mux *m, char *ret_why, size_t why_size);
int mux_clock_watch(struct mux *m);
void mux_clock_free(struct mux *m);

/* At the very end, without the writer thread. */
void mux_clock_write(struct mux *m);

/* To a broker that is being set up, or serves. */
void mux_send_clock(struct mux *m);

/* ---- accept.c: what cameras call themselves, to disk --------------------------------- */

/* Write what the pairs want kept. */
void mux_keep_prints(void *mux);

/* The same at the very end, without the writer thread. */
void mux_write_prints(const struct mux *m);
void mux_free_prints(struct mux *m);

/* For the broker: lift this camera's block; told when that is on disk. */
int mux_accept(struct mux *m, uint32_t request, struct pair *p);

/* ---- audit_talk.c: what framemuxd itself has to record, and what the broker asks for --- */
void mux_note_start(struct mux *m);
void mux_note_stop(struct mux *m);
void mux_note_token(struct mux *m, const struct standing *st);
void mux_note_token_end(struct mux *m, const struct msg_token_end *end);
void mux_note_reload(struct mux *m, const struct msg_reload_ask *ask);
void mux_note_change(struct mux *m, const char *kind, const char *name, const char *what);
void mux_note_camera(struct mux *m, const char *name, uint32_t epoch, const char *what);
void mux_note_key(struct mux *m, uint32_t by_uid, uint32_t by_pid);
void mux_note_broker(struct mux *m, enum audit_event event);
void mux_written(void *mux, uint64_t life, uint32_t request, int status);
int mux_on_audit_note(void *self, const void *msg, int *fds);
int mux_on_audit_ask(void *self, const void *msg, int *fds);
int mux_on_state_accept(void *self, const void *msg, int *fds);

#define MUX_OUTBOX_SPARE 16384u /* messages for the broker beyond its set-up: ASKS_MAX, and more */

/* ---- daemon.c ------------------------------------------------------------------------ */

/* uid 0, the mux's own, and admins. */
bool mux_may_change(const struct mux *m, uid_t uid);

/* Ready, if the broker is and the token files are written: says so once. */
void mux_announce(struct mux *m);

#endif
