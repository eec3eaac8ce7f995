/*
 * The life of a lease as a state machine: which phase may follow which, which outcome prevails when
 * several things end it at once, and when its client is told. Pure code. Everything that a lease
 * owns is in tenure.h.
 *
 *	ASKED -> WAITING -> ATTACHING -> ATTACHED -> DETACHING -> WAITING -> OVER
 *	     \                       \________________/
 *	      \-> OVER
 *
 * Nothing is done for a lease in ASKED: the audit log does not have it yet.
 * A client hears of an end only in WAITING: after the pixels are gone.
 */
#ifndef FRAMEMUX_BROKER_LEASE_H
#define FRAMEMUX_BROKER_LEASE_H

#include <stdbool.h>

#include "common/limits.h"
#include "framemux.h"

enum lease_phase {
	LEASE_ASKED,     /* its record is being written */
	LEASE_WAITING,   /* no attach: for the pair, its format, memory or its turn */
	LEASE_ATTACHING, /* a ring is on its way to the decoder and the client */
	LEASE_ATTACHED,  /* the client has been given one */
	LEASE_DETACHING, /* the attach is being ended */
	LEASE_OVER,
};

struct lease_life {
	enum lease_phase phase;
	enum framemux_state outcome, told;
	char reason[LIMIT_REASON]; /* of the outcome */
	char told_reason[LIMIT_REASON];
};

bool lease_state_is_final(enum framemux_state state);

/* Its record is to be written. */
void lease_ask(struct lease_life *l);

/* Accepted: WAITING, and the client is to be told CONNECTING. */
void lease_begin(struct lease_life *l);

/* Go on to the next phase. -EINVAL if it cannot follow; OVER needs a final outcome. */
int lease_move(struct lease_life *l, enum lease_phase next);

/*
 * Something happened: state CONNECTING, STALE, LOST or a final one. The first final one stays;
 * while an attach is there the gravest prevails; without one the newest does.
 */
void lease_turn(struct lease_life *l, enum framemux_state state, const char *reason);

bool lease_is_ending(const struct lease_life *l);

/* Whether the client is to be told l->outcome and l->reason now; it then counts as told. */
bool lease_tell(struct lease_life *l);

/* As status shows it. */
enum framemux_state lease_shown(const struct lease_life *l);

#endif
