/*
 * What every role does first, in its own process, right after exec: close what it was not given,
 * check that the descriptors it was given are there, raise its walls (mux/walls.h), die with
 * framemuxd or, with rings to erase, a moment later. Then it makes ready what it can without having heard a word, loads its
 * filter (mux/filter.h), and waits for START.
 */
#ifndef FRAMEMUX_ROLE_H
#define FRAMEMUX_ROLE_H

#include <stdbool.h>
#include <stdint.h>

struct role {
	const char *name;
	int last_fd;       /* the highest of its fixed descriptors; everything above is closed */
	uint32_t files;    /* RLIMIT_NOFILE; 0: as it is */
	bool logs_itself;  /* into framemuxd's own log; else framemuxd does it */
	bool erases;       /* has rings to erase when framemuxd dies; else it dies at that moment */
};

/*
 * argv: the program's name, then what walls_write() wrote. Ends the process with 78 when it was not
 * started by framemuxd, with 71 when a wall cannot be raised, after saying so.
 */
void role_begin(const struct role *role, char *const argv[]);

/* After filter_load(): ends the process with 71 when that failed. */
void role_confined(const struct role *role, int r);

/*
 * In each turn of a role's loop: a turn that takes ROLE_TURN_S of processor time is an endless loop
 * and ends the process.
 */
#define ROLE_TURN_S 10
void role_turn(void);

/*
 * No more than mb MiB of private writable memory from now on (RLIMIT_DATA: heap, anonymous and
 * private file mappings, what libraries keep in theirs). Rings are shared and do not count; the
 * broker has charged them. 0, -EINVAL for no limit, or -errno.
 */
int role_limit_memory(uint32_t mb);

/* What to say when memory is refused: "above its memory limit of 48 MB". */
const char *role_no_memory(void);

#endif
