/*
 * What every role does first, in its own process, right after exec: make itself not dumpable, take
 * no new privileges, outlive framemuxd by no more than a moment, close what it was not given, and check that the descriptors
 * it was given are there. Confinement proper is added here, before START.
 */
#ifndef FRAMEMUX_ROLE_H
#define FRAMEMUX_ROLE_H

/*
 * last_fd: the highest of the role's fixed descriptors; everything above is closed. Ends the process
 * with 78 when it was not started by framemuxd (no LINK_FD_DAEMON), after saying so.
 */
void role_begin(const char *role, int last_fd);

#endif
