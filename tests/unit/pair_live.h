/*
 * A pair that lives, with processes of the test's own (pair_roles.h), and a host that notes what it
 * is told; the clock can be made to stand.
 */
#ifndef FRAMEMUX_TESTS_PAIR_LIVE_H
#define FRAMEMUX_TESTS_PAIR_LIVE_H

#include "tests/unit/pair_scene.h"

#define EVENTS_MAX 128

struct event_seen {
	const struct wire_message *message;
	unsigned state;
	uint64_t generation, at_ns;
	char reason[LIMIT_REASON];
};

struct pair_live {
	struct event_seen seen[EVENTS_MAX];
	size_t n_seen;
	int broker_fd;
	unsigned rests, keeps, keeps_live;
	/* what run_until waits for */
	const struct wire_message *wanted;
	unsigned wanted_state;
	const struct event_seen *found;
	int fds_before;
	/* No waiting: while the clock stands, timers are seen and end at once. */
	bool stops_clock; /* at each death */
	uint64_t stopped_ns, armed_ns;
	/* Timers for which there is no memory: after so many of ten seconds, or all. */
	unsigned tens_left;
	bool refuses_tens, refuses_timers;
	unsigned times_armed;
};

extern struct pair_scene scene;
extern struct pair_live live;

void live_begin(const char *camera);
void live_begin_at(const char *camera, const char *url, bool warm);

/* With the record as it is now: a pair keeps a copy of its own. */
void live_begin_again(void);

/* All that it was is gone, its processes too. */
void live_end(void);

/* Run the loop until such a message comes; NULL: until a pair is at rest. */
const struct event_seen *live_run_until(const struct wire_message *m, unsigned state);
void live_run_for(unsigned ms);

#endif
