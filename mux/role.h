/*
 * What every role does first, in its own process, right after exec: make itself not dumpable, take
 * no new privileges, outlive framemuxd by no more than a moment, close what it was not given, and check that the descriptors
 * it was given are there. Confinement proper is added here, before START.
 */
#ifndef FRAMEMUX_ROLE_H
#define FRAMEMUX_ROLE_H

#include <stdint.h>

/*
 * last_fd: the highest of the role's fixed descriptors; everything above is closed. Ends the process
 * with 78 when it was not started by framemuxd (no LINK_FD_DAEMON), after saying so.
 */
void role_begin(const char *role, int last_fd);

/*
 * No more than mb MiB of private writable memory from now on (RLIMIT_DATA: heap, anonymous and
 * private file mappings, what libraries keep in theirs). Rings are shared and do not count; the
 * broker has charged them. 0, -EINVAL for no limit, or -errno.
 */
int role_limit_memory(uint32_t mb);

/* What to say when memory is refused: "above its memory limit of 48 MB". */
const char *role_no_memory(void);

#endif
