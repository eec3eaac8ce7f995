/*
 * The walls around a role that do not depend on which role it is: a uid and namespaces of its own,
 * an empty root folder, no capabilities, Landlock, no memory that becomes executable. What a role may
 * ask of the kernel is mux/filter.h's. See namespaces(7), landlock(7), capabilities(7), prctl(2).
 *
 * Nothing here can be turned off. What a kernel does not have, or does not permit, is found out once
 * by framemuxd (walls_probe), said in its log and in status; a role raises exactly the walls that
 * were found, and one of them that then fails ends it before it has heard a word.
 */
#ifndef FRAMEMUX_WALLS_H
#define FRAMEMUX_WALLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum wall {
	WALL_SECCOMP,
	WALL_UID,       /* a uid of its own; only root can give it */
	WALL_MOUNT,     /* a mount namespace whose root is an empty, read-only folder */
	WALL_NET,       /* no network but the sockets that it was given */
	WALL_IPC,
	WALL_UTS,
	WALL_CGROUP,
	WALL_PID,       /* given by framemuxd's clone(2) */
	WALL_USER,
	WALL_LANDLOCK,
	WALL_MDWE,      /* PR_SET_MDWE */
	WALLS,
};

#define WALL_BIT(w) (1u << (w))

/* What each role is to have, where the kernel permits. */
#define WALLS_BROKER                                                                               \
	(WALL_BIT(WALL_SECCOMP) | WALL_BIT(WALL_UID) | WALL_BIT(WALL_MOUNT) |                      \
		WALL_BIT(WALL_NET) | WALL_BIT(WALL_IPC) | WALL_BIT(WALL_UTS) |                     \
		WALL_BIT(WALL_CGROUP) | WALL_BIT(WALL_LANDLOCK) | WALL_BIT(WALL_MDWE))
#define WALLS_PAIR (WALLS_BROKER | WALL_BIT(WALL_PID) | WALL_BIT(WALL_USER))

/* "seccomp", "uids", "mount-namespace", ... as in status. */
const char *wall_name(enum wall w);

/*
 * Which walls can be raised here: tried in a child. uid: one that a role would get, 0 when not
 * started by root. The broker and the pairs differ when not root: without a user namespace of its
 * own, which would hide its clients' uids from it, the broker has no namespaces at all.
 *
 * What the kernel refuses is not there. What it is only short of (memory, descriptors, room for one
 * more namespace) is tried again for a moment, and then nobody knows: -errno, and which wall it was,
 * "" when it was none. A limit of no namespaces at all is not a shortage but somebody's decision.
 */
int walls_probe(uid_t uid, uint32_t *ret_broker, uint32_t *ret_pair, const char **ret_what);

/* How framemuxd tells a role: "BITS:UID", BITS in hexadecimal. */
#define WALLS_TEXT 24u
void walls_write(uint32_t bits, uid_t uid, char ret[WALLS_TEXT]);
int walls_read(const char *text, uint32_t *ret_bits, uid_t *ret_uid);

/*
 * Raise these in the calling process, which then has no capabilities whatever happens to be among
 * them. One thread only. 0, or -errno and which one failed; the process must then end.
 */
int walls_raise(uint32_t bits, uid_t uid, const char **ret_what);

#endif
