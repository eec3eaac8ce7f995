/*
 * A broker and a decoder for tests of libframemux, in the test's own thread: the library never
 * blocks, so test and library take turns. Every field can be bent before it is sent.
 */
#ifndef FRAMEMUX_TESTS_FAKE_MUX_H
#define FRAMEMUX_TESTS_FAKE_MUX_H

#include "common/picture.h"
#include "common/protocol.h"

#define FAKE_CAMERA "porch"

struct fake_ring {
	uint8_t *map;   /* writable, kept as the real decoder's and broker's are */
	uint32_t *dead; /* writable */
	struct picture picture;
	uint64_t bytes;
	struct msg_attach attach;
	int socket_fd; /* the decoder's end */
};

/* How the descriptors of an attach are spoiled. */
enum fake_fault {
	FAKE_GOOD,
	FAKE_UNSEALED,
	FAKE_WRITABLE,
	FAKE_SMALL,         /* the file is a page smaller than said */
	FAKE_DEAD_UNSEALED, /* the dead page is */
	FAKE_NO_SOCKET,     /* a file in place of the lease socket */
};

struct fake_mux {
	char folder[64], path[96], token_text[LIMIT_TOKEN];
	int listen_fd, conn_fd;
	uint8_t challenge[TOKEN_CHALLENGE_BYTES];
	struct token token;
	struct fake_ring ring;
	uint64_t next_attach;
};

void fake_begin(struct fake_mux *f);
void fake_end(struct fake_mux *f);

/* Accept, expect hello, send welcome. */
void fake_welcome(struct fake_mux *f);

/* Expect this message and decode it. */
void fake_expect(struct fake_mux *f, const struct wire_message *m, void *ret_msg);
/* Whether nothing waits. */
bool fake_is_quiet(struct fake_mux *f);
void fake_send(struct fake_mux *f, const struct wire_message *m, const void *msg);
void fake_state(struct fake_mux *f, uint32_t view, uint32_t state, const char *reason);

/* Expect an open, check its proof, accept it as lease 7. Returns the view's number. */
uint32_t fake_lease(struct fake_mux *f);

/* A good attach of lease 7: 64x32 NV12, 4 slots, 1 s. Bend it, then send it. */
struct msg_attach fake_attach_for(struct fake_mux *f, uint32_t view);
void fake_attach(struct fake_mux *f, const struct msg_attach *m, enum fake_fault fault);
/* Close and unmap the ring's writable side. */
void fake_drop_ring(struct fake_ring *r);
/* The broker's order of erasing. */
void fake_erase(struct fake_ring *r);

/* A good frame message for a slot whose pixels are all value; bend it, then send it. */
struct msg_frame fake_frame(struct fake_ring *r, uint32_t slot, uint64_t seq, uint8_t value);
/* Tag and trailer for what m says now. */
void fake_tag(struct fake_ring *r, struct msg_frame *m);
void fake_publish(struct fake_ring *r, uint32_t slot, uint64_t seq, uint8_t value);
void fake_send_lease(struct fake_ring *r, const struct wire_message *m, const void *msg);

/* The next credit, or false when none waits. */
bool fake_credit(struct fake_ring *r, struct msg_credit *ret);

#endif
