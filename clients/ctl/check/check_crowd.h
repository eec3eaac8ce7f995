/*
 * A crowd of checking clients against a running mux, and everything that is done to them and to it:
 * clients are stopped, killed and revoked, decoders and ingests are killed. Runs until its time is
 * up. In framemuxctl's process, which is the parent of the clients.
 */
#ifndef FRAMEMUX_CTL_CHECK_CROWD_H
#define FRAMEMUX_CTL_CHECK_CROWD_H

#include <sys/types.h>

#include "clients/ctl/check/check_board.h"
#include "clients/lib/control.h"

struct crowd_plan {
	const char *socket, *control; /* of the mux */
	pid_t mux_pid;    /* a child of the caller: its end ends the check; 0: none is */
	int signal_fd;    /* a signalfd with SIGCHLD, and what ends the check early */
	unsigned seconds; /* from when every camera has been seen */
	unsigned
		patience_s; /* for that; then, or when something is wrong, it begins all the same */
	uid_t uids[2];      /* who the clients are, by turns; only root can choose */
	bool drops_user;
	/* How often on the average, in ms; 0: never. A camera's process is killed again only after
	 * rest_ms, for its pauses grow with each fall. */
	unsigned revoke_ms, stop_ms, kill_client_ms, kill_role_ms, rest_ms;
	bool mux_may_fail; /* somebody kills its broker now and then: ask again */
	void (*progress)(void *data, unsigned seconds, const struct board *b); /* each second */
	void *data;
};

enum crowd_end {
	CROWD_DONE,
	CROWD_INTERRUPTED,
	CROWD_MUX_ENDED, /* the mux's process */
	CROWD_NO_MUX,    /* it does not answer, or refuses what an admin may do */
};

struct crowd_result {
	struct samples revokes;
	unsigned revokes_failed, stops, clients_killed, ingests_killed, decoders_killed;
	unsigned clients_crashed;    /* ended otherwise than by us */
	struct msg_ctl_mux mux;      /* its last status, before the end */
	char why[LIMIT_REASON + 64]; /* of revokes_failed, CROWD_NO_MUX: a sentence */
};

/* b has its cameras and limit; the seats are made here, seats_each for each camera. */
enum crowd_end crowd_run(const struct crowd_plan *plan, struct board *b, uint32_t seats_each,
	struct crowd_result *ret);

#endif
