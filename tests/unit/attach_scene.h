/* One camera's attach table, with the broker's ear and one client. */
#ifndef FRAMEMUX_TESTS_ATTACH_SCENE_H
#define FRAMEMUX_TESTS_ATTACH_SCENE_H

#include "common/protocol.h"
#include "common/tag.h"
#include "mux/decode/attach.h"
#include "mux/link/broker_decode.h"

#define SLOTS 3u
#define SIDE  64u

/* The broker's ear and one client. */
struct scene {
	struct attach_table *table;
	struct picture picture;
	int client, ring_fd; /* ring_fd: the probe's description */
	const uint8_t *ring;
	uint8_t key[KEY_BYTES];
	struct msg_ring_give give;
	/* heard */
	struct msg_ring_mapped mapped;
	struct msg_let_go let_go;
	struct msg_counts counts;
	struct msg_client_fault fault;
	unsigned n_mapped, n_let_go, n_counts, n_fault;
	struct image_buffer buffer;
	struct attach_frame frame;
	uint8_t *luma;
};

extern struct scene sc;

/* Fixtures: a ring of SLOTS is given and mapped, nothing is said yet. */
void scene_setup(void);
void scene_teardown(void);

/* What the decoder says to a ring of so many bytes: the status of its ring_mapped. */
uint32_t scene_give(const struct msg_ring_give *m, uint64_t bytes, int *ret_client);

/* The broker's words. */
void scene_go(void);
void scene_drop(void);

/* A picture all of one grey; between two attaches nothing happens. */
void scene_publish(uint8_t luma);
int scene_nothing(void *data);

/* The next frame message, checked like the library does; 0 when there is none. */
int scene_receive(struct msg_frame *ret);
void scene_credit(uint32_t slot, uint64_t seq, uint32_t acquired);

/* One turn of the decoder's loop for the lease sockets. */
void scene_turn(void);

/* Ends the attach. */
void scene_check_counts(uint64_t published, uint64_t delivered, uint64_t dropped);

#endif
