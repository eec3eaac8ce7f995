/*
 * A lease with all that it owns and is tied to: whose it is, what it may have, its camera, its
 * present attach, its timer and its counts. Its phases are lease.h's; the decision to make one is
 * open.c's.
 *
 * Whoever ends or darkens a lease may find it freed on return.
 */
#ifndef FRAMEMUX_BROKER_TENURE_H
#define FRAMEMUX_BROKER_TENURE_H

#include "common/identity.h"
#include "common/token.h"
#include "mux/broker/audit.h"
#include "mux/broker/broker.h"
#include "mux/broker/lease.h"
#include "mux/broker/verify.h"

struct tenure_counts {
	uint64_t published, delivered, dropped, withheld;
};

struct tenure {
	LIST_ENTRY(tenure) in_broker, in_camera, in_client;
	TAILQ_ENTRY(tenure) in_line; /* of beginners, while is_in_line */
	bool is_in_line;
	struct broker *broker; /* borrowed */
	struct client *client; /* borrowed; NULL once it has gone or shut the view */
	struct camera *camera; /* borrowed: where frames come from */
	/* The camera that the capability names; keys and the attach message are made from these. */
	struct camera_id camera_id;
	char camera_name[LIMIT_NAME];
	uint64_t id;
	uint32_t view;
	uint8_t token[TOKEN_ID_BYTES];
	uint32_t key_id; /* of the root key that it was made with */
	char label[LIMIT_LABEL];
	struct terms terms;
	uint32_t uid, pid;
	uint64_t since_s, not_after_s; /* real time, for status; 0: never */
	uint64_t expires_boot_ns;      /* UINT64_MAX: never */
	uint64_t reserved_bytes;       /* charged for the next attach */
	char unit[LIMIT_UNIT];         /* that the capability is bound to; "": none */
	uint32_t unit_request;         /* unit.c */
	struct record record;          /* audit.c */
	struct lease_life life;
	struct attach *attach;         /* owned */
	uint64_t last_attach;          /* its number, or its predecessor's */
	bool is_open;                  /* its record is written, and watchers know */
	bool was_reported;             /* last_attach was: it counts once */
	bool is_unproven;              /* last_attach ended before the client took it */
	bool is_exposed;               /* somebody who could not be ended can write an old ring */
	bool ends_by_reload;           /* a reload waits until it is over */
	unsigned faults;               /* of the client's, in a row */
	uint64_t attach_not_before_ns; /* monotonic */
	struct event *timer;           /* owned: next try, or dark after all */
	struct tenure_counts counts;   /* of its ended attaches */
};

/* What open.c has found out about a lease that is to be. */
struct tenure_ask {
	struct client *client;
	struct camera *camera;
	const struct rights *rights;
	const struct terms *terms;
	const uint8_t *token;
	uint32_t key_id;
	uint32_t view;
	uint64_t reserved_bytes; /* the lease's on success */
	uint64_t now_s, now_boot_ns;
	bool is_dump; /* the declared purpose */
};

/* The line of those whose attach is to begin: one a round of the loop. */
int tenure_init_line(struct broker *b);
void tenure_free_line(struct broker *b);
void tenure_leave_line(struct tenure *t);

/* Try again, or look whether it is dark by now, at this monotonic time. */
void tenure_try_at(struct tenure *t, uint64_t at_ns, uint64_t now_ns);

/* 0, -EUSERS, -ENOMEM; -EBUSY, -EAGAIN: of asks.h. The client is told of lease and state when its record is written. */
int tenure_new(struct broker *b, const struct tenure_ask *ask);

/* From unit.c: its process is of the unit (NULL), or why it is not known to be, for the log. */
void tenure_placed(struct tenure *t, const char *wrong);

/* From audit.c: its record is written (0), or it cannot be (an errno): then it is refused. */
void tenure_recorded(struct tenure *t, uint32_t status);

/* End it for good: state REVOKED, REFUSED or CLOSED. */
void tenure_end(struct tenure *t, enum framemux_state state, const char *reason);

/*
 * End for good, as REVOKED, all those that are meant: dead marks first, of all of them, as erasing
 * takes time. by_reload: a reload waits for them.
 */
typedef bool tenure_is_meant(const void *data, const struct tenure *t);
void tenure_end_those(struct broker *b, tenure_is_meant *is_meant, const void *data, bool by_reload,
	const char *reason);

/* No picture for now: STALE or LOST. */
void tenure_darken(struct tenure *t, enum framemux_state state, const char *reason);

/* The present attach is no longer right: end it and begin the next when that may be. */
void tenure_reattach(struct tenure *t);

/* The attach cannot be made just now, for a reason that may pass: dark, and tried again. */
void tenure_shortage(struct tenure *t, const char *reason);

/* Something that it may have waited for has come. */
void tenure_try(struct tenure *t);

/* From attach.c: it has reached the client. From erase.c: it is gone, its counts added. */
void tenure_attached(struct tenure *t);
void tenure_detached(struct tenure *t);

/* The client's fault: its attach ends, and the lease after several in a row. */
void tenure_fault(struct tenure *t, const char *reason);

/* The camera has no new frame: dark at once, or once the lease's own limit is over too. */
void tenure_camera_stale(struct tenure *t);
/* It has frames again. */
void tenure_camera_back(struct tenure *t);

/* The client has gone, or does not want to hear of this view any more. */
void tenure_client_gone(struct tenure *t, const char *reason);

/* Counts with those of the present attach. */
void tenure_count(const struct tenure *t, struct tenure_counts *ret);

#endif
