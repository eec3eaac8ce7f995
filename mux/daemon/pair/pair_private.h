/* The inside of a pair, for pair.c and the other files pair_*.c alone. */
#ifndef FRAMEMUX_PAIR_PRIVATE_H
#define FRAMEMUX_PAIR_PRIVATE_H

#include "common/clock.h"
#include "mux/daemon/pair/connect.h"
#include "mux/daemon/pair/digest.h"
#include "mux/daemon/pair/pair.h"
#include "mux/daemon/pair/pause.h"
#include "mux/daemon/pair/udp.h"
#include "mux/daemon/roles/peer.h"
#include "mux/daemon/trust/fingerprint_file.h"
#include "mux/link/daemon_decode.h"

enum pair_phase {
	PAIR_REST,    /* nothing lives, nothing is planned */
	PAIR_PAUSE,   /* nothing lives; the timer opens the source again */
	PAIR_OPENING, /* connecting to the source */
	PAIR_BEARING, /* both processes started; waiting for their ready */
	PAIR_RUNNING,
	PAIR_ENDING, /* links closed: they end by themselves, or are killed after a while */
	PAIR_DYING,  /* killed: waiting until both are reaped */
};

/* Whose word on why a generation ended counts: the larger one. */
enum pair_word {
	WORD_NONE,
	WORD_LINK,   /* a link has ended */
	WORD_BROKER, /* the broker wants it dead, perhaps because it already is */
	WORD_STATUS, /* a process exited */
	WORD_DECODE, /* decode says why */
	WORD_INGEST, /* ingest says why, or a process crashed: the cause rather than the effect */
	WORD_OURS,   /* a time limit, a broken protocol */
};

struct pair {
	struct pair_host *host;             /* borrowed */
	struct camera_record record;        /* owned, with its password; one for life */
	const struct camera_record *camera; /* the record */
	uint32_t number;
	enum pair_phase phase;
	uid_t uid; /* of its processes, in all of its lives; 0 before the first, or not root */
	uint32_t leases;
	uint64_t generation, reconnects;
	struct connecting *connecting;
	struct child *ingest, *decode;
	struct peer *ingest_link, *decode_link;
	bool ingest_ready, decode_ready;
	bool announced;     /* pair_born was sent for this generation */
	bool was_killed;    /* both were, in this generation */
	bool is_stuck;      /* and are there still: its block ends when they are not */
	bool aborted;       /* nobody is told of its death */
	bool stopped;       /* framemuxd ends, or a reload ends this pair: no new life */
	bool is_retired;    /* the latter */
	bool is_restarting; /* at_rest is to be told of this generation's end */
	bool is_served;     /* there is a broker: a warm camera may live */
	bool is_untold;     /* its state has changed while there was none */
	int broker_end;     /* owned until announced: the broker's end of its link to decode */
	struct event *timer, *linger, *health;
	/* why it ended */
	enum pair_word word;
	enum pause_cause cause;
	char reason[LIMIT_REASON];
	/* pauses */
	struct pause pause;
	bool was_steady;                        /* live for a good while in this generation */
	uint64_t live_since_ns, stale_since_ns; /* 0: it is not */
	/* who it is */
	struct fingerprint print;       /* of this life of framemuxd */
	struct fingerprint_record kept; /* as it is on disk */
	bool is_unkept;                 /* print is more than what is kept */
	bool was_identified;            /* in this generation */
	char block[LIMIT_REASON];       /* why it is blocked; "": it is not */
	char disabled[LIMIT_REASON];    /* the same for the kill switch */
	char forbidden[LIMIT_REASON];   /* and for a fleet's policy */
	/* as status shows it */
	enum camera_state state;
	char state_reason[LIMIT_REASON];
	char step[LIMIT_REASON]; /* while connecting: what ingest is doing */
	struct msg_decode_beat beat;
	uint64_t beat_ns; /* when the last one came */
	struct digest_memory digest;
	/* what the next life's first request is to say: pair_answer.c */
	char authorization[sizeof(((struct msg_digest_answer *)NULL)->authorization)];
	bool answer_next, was_answered;
	bool was_refused;         /* in this generation: a challenge got no answer */
	enum transport transport; /* of the next life, RTSP */
	struct udp udp;           /* of this life */
};

/* Links: what a handler may assume is one bit. */
#define PAIR_TALKING 1u

extern const struct wire_rule pair_ingest_rules[], pair_decode_rules[];
extern const size_t pair_n_ingest_rules, pair_n_decode_rules;

void pair_on_ingest_end(void *self, int error);
void pair_on_decode_end(void *self, int error);
void pair_on_ingest_exit(void *data, int status);
void pair_on_decode_exit(void *data, int status);

#define SILENT_LIMIT_NS (10 * NS_PER_S) /* a decoder that lives beats at 4 Hz */

#define SHORT_OF_MEMORY "framemuxd is short of memory"

/* 0; -ENOMEM: nothing will come of it, unless the caller sees to that. */
int pair_arm(struct event *timer, uint64_t ns);

/* ---- pair_state.c: as others see it -------------------------------------------------- */

void pair_set_state(struct pair *p, enum camera_state state, const char *reason);
void pair_set_stale(struct pair *p, uint64_t age_ns);
void pair_show_rest(struct pair *p);
void pair_init_state(struct pair *p); /* the same, when there is nobody to tell */
void pair_show_opening(struct pair *p);

/* The reason at this moment: with ages and times that run. */
void pair_reason_now(const struct pair *p, uint64_t now_ns, char ret[LIMIT_REASON]);

/* ---- pair_block.c: who it is ---------------------------------------------------------- */

/* What it calls itself; false: it is blocked now. */
bool pair_identify(struct pair *p, const struct msg_identity *identity);
bool pair_identify_realm(struct pair *p, const char *realm);

/* It has shown a picture: what it called itself is worth keeping. */
void pair_keep_identity(struct pair *p);

/* ---- pair_want.c: when it is to live ---------------------------------------------------- */

/* Blocked, or cut off by the kill switch or a policy. */
bool pair_is_barred(const struct pair *p);
bool pair_is_wanted(const struct pair *p);
uint64_t pair_pause_left_ns(const struct pair *p);
void pair_on_linger(evutil_socket_t fd, short what, void *data);

/* After what stood against it has gone. */
void pair_begin_if_wanted(struct pair *p);

/* ---- pair.c --------------------------------------------------------------------------- */

/* What this generation's end says about the camera; the worst counts. */
void pair_blame(struct pair *p, enum pause_cause cause);

#define GOODBYE_MS 1000u /* for ingest's TEARDOWN */

/* Open the source, or do so after a while; from REST or PAUSE. */
void pair_open(struct pair *p);
void pair_pause(struct pair *p, uint64_t wait_ns);

/* They see the ends of their links, clean up and exit; whoever does not in time is killed. */
void pair_end_orderly(struct pair *p, uint32_t limit_ms);

/* Before its links are closed, while there is a broker to erase what it wrote. */
void pair_kill_decode(struct pair *p);

/* Whatever happened: this generation is over, and both are killed. */
void pair_fail(struct pair *p, enum pair_word word, const char *reason);

/* Both are ready: the broker gets its end of the link. */
void pair_announce(struct pair *p);

void pair_on_health(evutil_socket_t fd, short what, void *data);

/* Memory that its decode shares, rings for the most part. 0 when it cannot be told. */
uint64_t pair_shared_mib(const struct pair *p);

/* RFC 7617. Only this camera's own ingest gets it, and only where the configuration says so. */
void pair_write_basic(const struct camera_record *cam, char ret[LIMIT_BASIC]);

/* The life of an answer to a challenge: kept; wanted by the next life; taken over by it; said. */
void pair_keep_answer(struct pair *p, const struct msg_digest_answer *answer);
void pair_answer_in_next_life(struct pair *p);
void pair_begin_answered(struct pair *p);
int pair_hand_answer(struct pair *p);

/*
 * Bring both processes to life on an open source. 0, or -errno with the reason and with what was
 * started still there: the caller kills it.
 */
int pair_bear(struct pair *p, int source, char ret_why[LIMIT_REASON]);

#endif
