/*
 * One attach as the client has it: the mapped ring and dead page, the lease socket, and who owns
 * each slot. All of it comes from one attach message of the broker, is checked before anything is
 * mapped, and never changes afterwards but for the slots' owners. In the client's process.
 */
#ifndef FRAMEMUX_LIB_RING_H
#define FRAMEMUX_LIB_RING_H

#include <stdbool.h>
#include <sys/queue.h>

#include "clients/lib/api.h"
#include "common/picture.h"
#include "common/protocol.h"

enum slot_owner {
	SLOT_DECODER = 0, /* empty, or being written */
	SLOT_READY,       /* the newest verified frame; at most one */
	SLOT_ACQUIRED,    /* the application has it */
};

struct slot {
	enum slot_owner owner;
	uint64_t publish_boot_ns;
	uint8_t tag[TAG_BYTES];
	struct framemux_frame frame; /* the application's pointers go here */
};

struct ring {
	LIST_ENTRY(ring) link;    /* among the ended rings of its view */
	struct msg_attach attach; /* as the broker said it; holds the key */
	struct picture picture;
	struct camera_id camera;
	const uint8_t *map;        /* owned, attach.ring_bytes */
	const uint32_t *dead_page; /* owned, DEAD_PAGE_BYTES */
	int fd;                    /* owned; kept open as long as the attach lasts */
	int socket_fd;             /* owned; -1 once it is gone */
	bool has_ended;
	int ready; /* the slot that is SLOT_READY, or -1 */
	unsigned n_acquired;
	struct slot slots[LIMIT_SLOTS_MAX];
	/* The last frame message that kept the rules. */
	uint64_t last_seq, last_capture_ns, last_arrival_ns, last_publish_ns, last_publish_boot_ns;
	uint64_t last_beat_ns;
};

LIST_HEAD(ring_list, ring);

/*
 * Check and map what came with an attach message. asked: the view's own open message. fds are those
 * of the attach; taken over on success, else left to the caller. -EBADMSG: the attach is for
 * another camera; -EPERM: not sealed, writable or of another size; -EINVAL: a geometry that cannot
 * be or was not asked for; or the -errno of a system call.
 */
int ring_open(const struct msg_attach *attach, const struct msg_open *asked, int fds[ATTACH_FDS],
	struct ring **ret);

/* Unmap and close everything, wipe the key. NULL is fine. */
void ring_free(struct ring *r);

/* The attach is over: nothing of it is shown or taken any more. Its memory stays mapped. */
void ring_end(struct ring *r);

/*
 * Whether it is over: ended here, or the broker's mark is on the dead page. Ordered after every
 * read of the ring's memory before it: the broker marks first and clears then.
 */
bool ring_is_dead(const struct ring *r);

static inline const uint8_t *ring_slot(const struct ring *r, unsigned slot)
{
	return r->map + (uint64_t)slot * r->picture.slot_bytes;
}

/* The slot that an application's frame stands for, or -1 when it is none that it holds. */
int ring_find(const struct ring *r, const struct framemux_frame *frame);

#endif
