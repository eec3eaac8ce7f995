/* The inside of a reload, for reload.c, reload_disk.c and reload_swap.c alone. */
#ifndef FRAMEMUX_DAEMON_RELOAD_PRIVATE_H
#define FRAMEMUX_DAEMON_RELOAD_PRIVATE_H

#include "mux/daemon/reload/reload.h"
#include "mux/daemon/reload/reload_diff.h"

enum reload_phase {
	RELOAD_READING,
	RELOAD_PLANNING,
	RELOAD_KEEPING,
	RELOAD_KEPT, /* for a moment: a broker that is being set up has to be ready first */
	RELOAD_ENDING,
	RELOAD_ADDING,
	RELOAD_WRITING,
	RELOAD_RESTARTING,
};

struct reload {
	struct cut
		cut; /* first: what the kill switch or a policy cuts off of the new configuration */
	bool is_cutting;
	struct mux *mux; /* borrowed */
	enum reload_phase phase;
	bool is_in_thread; /* a thread has it: hands off */
	bool is_cleared;   /* the broker has nothing more of what is over */
	/* who asked */
	bool is_asked;
	uint64_t life; /* of the broker that did */
	uint32_t request;
	/* READING */
	const char *path;      /* borrowed from the options */
	struct config *config; /* owned until swapped, as all below */
	struct config_error fault;
	gid_t group; /* admin_group's; -1: there is none */
	/* PLANNING */
	uint64_t now_s;
	struct camera_record *records; /* their passwords are config's */
	struct grants *grants;
	uint8_t *revoked; /* the n_before that are dead already, then those that die now */
	size_t n_before, n_revoked;
	char *epochs_text, *grants_text;
	size_t epochs_len, grants_len;
	char why[512];
	/* made before anything is written, so that swapping cannot fail */
	struct pair **pairs, **retired; /* the new table; room for all that may go */
	bool *is_fresh;                 /* of pairs: made by this reload */
	size_t n_pairs;
	struct reload_diff diff;
};

/* ---- reload_disk.c: in the threads. Each 0 or -errno --------------------------------- */

int reload_read(void *reload);
int reload_plan(void *reload);
int reload_keep(void *reload);

/* ---- reload_swap.c: in the loop ------------------------------------------------------ */

/* Everything that takes memory: pairs, tables, the list of changes. 0 or -ENOMEM. */
int reload_make(struct reload *r);

/* The new configuration is the mux's. Cannot fail. */
void reload_swap(struct reload *r);

/* A broker that serves: what is over; what is new. */
void reload_tell_over(struct reload *r);
void reload_tell_new(struct reload *r);

/* Retired pairs are at rest, and the broker does not speak of them any more. */
void reload_bury(struct reload *r);

void reload_free(struct reload *r);

#endif
