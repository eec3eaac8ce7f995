/*
 * The attaches of this camera: each one's ring, key, slots, lease socket and counts. A slot belongs
 * to the decoder or to the client; it goes to the client with a frame message and comes back with a
 * credit, and nothing is written into a slot that the client has. Runs in framemux-decode.
 *
 * A client can stop reading, flood, lie or die: it costs its own attach its service and nobody else
 * anything. Nothing here waits.
 */
#ifndef FRAMEMUX_ATTACH_H
#define FRAMEMUX_ATTACH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mux/decode/codec.h"
#include "mux/link/broker_decode.h"

#define ATTACHES_MAX 256u /* of one camera, at a time */

struct attach;
struct attach_table;

/* Who the decoder is, and how it talks to the broker. */
struct attach_owner {
	struct camera_id id;
	uint64_t generation;
	uint8_t k_cam[KEY_BYTES];
	/* Send one message of mux/link/broker_decode.h to the broker. */
	void (*tell)(void *data, const struct wire_message *m, const void *msg);
	void *data;
};

/* owner is copied. NULL without memory. */
struct attach_table *attach_table_new(const struct attach_owner *owner);

/* Unmaps and closes everything. t may be NULL. */
void attach_table_free(struct attach_table *t);

/* Zero every mapped ring: the broker or framemuxd is gone and nobody else can. */
void attach_table_erase(struct attach_table *t);

/* The broker's messages. ring_give's descriptors are taken over or left for the caller to close. */
int attach_give(struct attach_table *t, const struct msg_ring_give *m, int fds[RING_GIVE_FDS]);
void attach_go(struct attach_table *t, const struct msg_ring_go *m);
void attach_keep(struct attach_table *t, const struct msg_ring_keep *m);
/* At once, also in the middle of attach_publish (from its before_each). */
void attach_drop(struct attach_table *t, const struct msg_ring_drop *m);

/* From now on only attaches that were made or kept for such a form get frames. */
void attach_table_set_form(struct attach_table *t, uint32_t serial, const struct image_form *form);

/* Whether anybody would get a frame. */
bool attach_table_is_wanted(const struct attach_table *t);

/* Whether anybody would get one now or soon: mapped, but not gone yet, or of an older serial. */
bool attach_table_has_takers(const struct attach_table *t);

/* A frame for everybody. */
struct attach_frame {
	struct image image;
	uint64_t media_ns; /* paces */
	uint64_t capture_ns, arrival_ns;
	/* When its own unit came: arrival_ns of a picture that the decoder held back is later. */
	uint64_t came_ns;
	uint64_t behind_ns; /* when the first came that is presented later; UINT64_MAX: none */
	/* By how much boot time is ahead; who sleeps while he writes, publishes what is old. */
	uint64_t asleep_ns;
	uint32_t flags; /* FRAMEMUX_FRAME_* */
};

/*
 * Write the frame into a free slot of each attach that is due and announce it. before_each runs
 * before each write, so that a ring_drop never waits for more than one; < 0 from it ends the round.
 */
int attach_publish(struct attach_table *t, const struct attach_frame *f,
	int (*before_each)(void *data), void *data);

/* At 4 Hz: a beat on each lease socket, changed counts to the broker. */
void attach_table_beat(struct attach_table *t);

/* Lease sockets to poll, in the order of attach_table_read; returns how many. */
size_t attach_table_poll(struct attach_table *t, struct pollfd fds[ATTACHES_MAX]);

/* Credits, after a poll; n as attach_table_poll returned. Frees what was dropped. */
void attach_table_read(struct attach_table *t, const struct pollfd *fds, size_t n);

#endif
