/*
 * What framemux-resolve may do while the C library reads replies from the network for it: read the
 * system's configuration and libraries, ask name servers. Nothing is written, started, or looked
 * into.
 */
#ifndef FRAMEMUX_RESOLVE_CONFINE_H
#define FRAMEMUX_RESOLVE_CONFINE_H

#include <stdbool.h>

/*
 * For good. has_own_uid: else it is the mux's, whose control socket would take it for the mux: then it
 * has no UNIX sockets, and a name that only a local service knows (mDNS) is not found. 0, or -errno and
 * what failed.
 */
int resolve_confine(bool has_own_uid, const char **ret_what);

#endif
