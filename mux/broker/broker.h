/*
 * The broker's whole state, seen by all files of this folder and by nobody else. Each list has one
 * file that adds to it and takes from it, named beside it.
 */
#ifndef FRAMEMUX_BROKER_H
#define FRAMEMUX_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/cutoff.h"
#include "common/revoked.h"
#include "mux/broker/asks.h"
#include "mux/broker/list.h"
#include "mux/broker/quota.h"
#include "mux/broker/rate.h"

#define REFUSAL_LINES 10u /* a second, in the log */

struct audit;
struct event;
struct event_base;

/* What framemuxd says at the start, and again in a reload. */
struct settings {
	uint32_t key_id, older_key_id; /* keys.c; 0: there is no older one */
	bool older_is_void;            /* retired, and not known to be on disk as such */
	uint64_t key_since_s, older_since_s;
	uint64_t issue; /* of tokens minted now: above all cutoffs that are on disk */
	uint64_t stale_after_ns;
	uint32_t mux_uid;
	uint32_t *admins; /* owned */
	uint32_t n_admins;
};

struct totals {
	uint64_t leases_opened, leases_refused, revokes, revoke_us_max, erased_bytes;
	uint64_t provenance_failures;
};

struct broker {
	struct event_base *base;
	struct secrets *secrets;
	struct settings settings;
	struct clock_mark least;    /* real time is later, whatever the clock says */
	struct conn *daemon;        /* daemon_link.c */
	struct audit *audit;        /* audit.c */
	int clients_fd, control_fd; /* borrowed: listening */
	struct listener *clients_listener, *control_listener;
	LIST_HEAD(, camera) cameras;         /* camera.c */
	LIST_HEAD(, standing) standing;      /* standing.c; empty once served */
	LIST_HEAD(, minted) minted;          /* standing.c: the tokens that came of them */
	LIST_HEAD(, client) clients;         /* client.c */
	LIST_HEAD(, tenure) tenures;         /* tenure.c: the leases */
	TAILQ_HEAD(, tenure) beginners;      /* tenure.c: next in line for an attach */
	LIST_HEAD(, attach) ending;          /* erase.c: attaches on their way out */
	LIST_HEAD(, held) held;              /* held.c: ended rings that somebody still maps */
	LIST_HEAD(, control) controls;       /* control.c */
	LIST_HEAD(, revocation) revocations; /* revoke.c: not answered yet */
	LIST_HEAD(, acceptance) acceptances; /* accept.c: not answered yet */
	LIST_HEAD(, rotation) rotations;     /* keys.c: not answered yet */
	LIST_HEAD(, reloading) reloadings;   /* reload.c: not answered yet */
	LIST_HEAD(, drain) drains;           /* drain.c: not answered yet */
	uint32_t *barred;                    /* owned; barred.c */
	size_t n_barred;
	LIST_HEAD(, audit_reader) audit_readers; /* audit_read.c: not answered yet */
	struct revoked revoked;                  /* revoke.c, with the cutoffs */
	struct cutoffs cutoffs;
	struct quota quota;
	struct asks asks;    /* for leases that are to begin: unit.c, audit.c */
	struct asks surveys; /* status.c */
	struct totals totals;
	struct rate refusals;       /* log lines about them */
	uint64_t last_attach;       /* number of the newest attach */
	uint32_t last_request;      /* number of the newest request to framemuxd */
	struct event *begin_timer;  /* tenure.c */
	struct event *held_timer;   /* held.c */
	struct event *expiry_timer; /* expiry.c */
	int expiry_fd;              /* owned; expiry.c */
	struct event *clear_timer;  /* reload.c */
	bool is_clearing;           /* framemuxd waits for reload_cleared; reload.c */
	uint32_t clear_request;
	struct event *stop_timer;
	struct event *failure; /* active: the broker has to stop */
	bool is_stopping;      /* leases are being ended */
	bool is_over;          /* the loop has ended */
	int exit_code;
};

/*
 * Run until framemuxd goes away. confine is called when everything is there that can be made without
 * having heard a word. Returns the exit code: 0, or 70.
 */
int broker_run(void (*confine)(void));

/* The same on other descriptors, which stay the caller's but for daemon_fd: for tests. */
int broker_run_on(int daemon_fd, int clients_fd, int control_fd, void (*confine)(void));

/* Unix time for all that expires: the clock's, unless it was set back. */
uint64_t broker_now_s(const struct broker *b);

/* All standing tokens are sent: begin to accept. 0 or -errno. */
int broker_serve(struct broker *b);

/* End every lease, then the loop, with this exit code. The first code but 0 stays. */
void broker_stop(struct broker *b, int exit_code);

/*
 * Something is wanting without which a lease would hang or outlive its right: everything is erased
 * and framemuxd starts a new broker. Not from within the caller, who may be holding a lease.
 */
void broker_fail(struct broker *b, const char *why);

/* While stopping: called when an attach is gone. */
void broker_check_stopped(struct broker *b);

#endif
