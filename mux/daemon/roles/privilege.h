/* What framemuxd itself may do: the whole of it is in privilege.c. */
#ifndef FRAMEMUX_PRIVILEGE_H
#define FRAMEMUX_PRIVILEGE_H

/*
 * Before anything is read or started: no core, not dumpable, no new privileges, the capabilities of
 * the list only, and none of the calls that neither framemuxd nor anything it starts ever has a use
 * for. 0, or -errno and what failed.
 */
int privilege_reduce(const char **ret_what);

#endif
