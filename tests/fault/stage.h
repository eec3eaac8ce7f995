/*
 * A whole mux small enough to break: a real broker, a real decoder, the real library, each a process
 * or the test itself, with framemuxd and ingest played by the test. Nothing here fails the test: a
 * run with a fault in it may end in many ways, and its scenario says which are good.
 */
#ifndef FRAMEMUX_TESTS_FAULT_STAGE_H
#define FRAMEMUX_TESTS_FAULT_STAGE_H

#include <stdbool.h>

#include "clients/lib/view.h"
#include "tests/fault/shim.h"
#include "tests/unit/broker_scene.h"

#define STAGE_SEEN_MAX 32

/* A file that reached the client, mapped once more by the test. */
struct seen {
	const uint8_t *map;
	size_t bytes;
};

struct stage {
	struct scene scene;
	bool has_broker;
	unsigned begins; /* how many there have been */
	int broker_code; /* of one that ended by itself; -1: has not */
	long blocks, events;
	/* the pair */
	pid_t decode; /* 0: none */
	int decode_daemon, stream;
	uint64_t generation, sent, next_unit_ns;
	unsigned wanted, births;
	bool is_stopped;               /* SIGSTOP: it must be killed */
	bool is_leaving, is_dismissed; /* it is to end; it has been told to */
	/* the client */
	struct framemux *fm;
	struct framemux_view *view;
	struct token token;
	char token_text[LIMIT_TOKEN];
	int connect_error, open_error;
	bool is_over; /* the connection */
	unsigned frames, bad_frames;
	uint64_t generation_seen;
	/* framemuxctl */
	int control;
	bool is_done, is_control_over;
	struct msg_ctl_done done;
	bool is_forgetful; /* what is blind is looked at no longer */
	struct seen seen[STAGE_SEEN_MAX];
	size_t n_seen;
};

void stage_begin(struct stage *t);
void stage_end(struct stage *t);
/* Everything away, whatever state it is in. */
void stage_abandon(struct stage *t);

/* Until the predicate holds: true; or for so long: false. */
bool stage_run(struct stage *t, bool (*until)(const struct stage *t), unsigned limit_ms);

void stage_connect(struct stage *t, uint64_t not_after);
void stage_shut(struct stage *t);
void stage_vanish(struct stage *t);
void stage_ask_revoke(struct stage *t);
void stage_stop_decoder(struct stage *t);
void stage_kill_decoder(struct stage *t);
void stage_skip_time(struct stage *t, uint64_t ns);

/* Client and framemuxctl go: false when the lease or pixels stay. Then the pair, as nobody wants it. */
bool stage_leave(struct stage *t);
bool stage_dismiss(struct stage *t);

/* Whether every ring that the client was given is marked and empty. */
bool stage_is_blind(const struct stage *t);
void stage_forget_seen(struct stage *t);
/* Whether the broker is as it was when it began. ret_why says what is not. */
bool stage_broker_is_idle(const struct stage *t, const char **ret_why);
int stage_decode_fds(const struct stage *t);

bool stage_has_frame(const struct stage *t);

#endif
