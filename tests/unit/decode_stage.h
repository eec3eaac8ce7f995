/*
 * The real framemux-decode with the test as framemuxd, broker, ingest and clients: what the tests of
 * it share. One stage at a time.
 */
#ifndef FRAMEMUX_TESTS_DECODE_STAGE_H
#define FRAMEMUX_TESTS_DECODE_STAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "common/identity.h"
#include "common/picture.h"
#include "common/protocol.h"
#include "mux/link/broker_decode.h"

#define GENERATION 3u
#define WAIT_MS    3000
#define WIDTH      320u
#define HEIGHT     240u
#define CLIENTS    4u

struct client {
	uint64_t attach;
	int socket, probe;
	struct picture picture;
	uint32_t slots, tag_mode;
	const uint8_t *ring;
	uint8_t key[KEY_BYTES];
};

extern struct stage {
	pid_t pid;
	int daemon, broker, stream; /* our ends */
	struct camera_id id;
	uint8_t k_cam[KEY_BYTES];
	struct client client[CLIENTS];
	uint32_t sent; /* pattern frames */
} st;

/* --- the process --- */

void place_fd(int from, int to);
/* The next message of type m on fd; others are skipped. */
int receive(int fd, const struct wire_message *m, void *ret);

void tell(int fd, const struct wire_message *m, const void *msg);
void start(const char *broken, const struct mask *masks, uint32_t n_masks);
void start_within(const char *broken, const struct mask *masks, uint32_t n_masks,
	uint32_t memory_mb, uint32_t max_pixels);
/* Waits for the end; the exit code. */
int ended(void);

void finish(void);

/* --- ingest --- */

void put(const void *p, size_t n);
void put_message(uint32_t kind, const void *body, uint32_t len);
void hello(uint8_t id_byte, uint64_t generation);
void codec(uint32_t kind, uint32_t width, uint32_t height);
/* arrival_ns: an ingest may say what it likes. */
void unit_at(uint64_t pts_ns, uint64_t arrival_ns);

void unit(void);

/* --- broker and client: CLIENTS attaches of one lease --- */

struct client *attach(uint64_t number, uint32_t serial, uint32_t width, uint32_t height,
	uint32_t fourcc, uint32_t tag_mode, const struct mask *mask);
/* A turn of the decoder: what was sent to it before has been handled. */
void settle(void);

/* What the library does with a frame message: 0, or why it would refuse. */
int verify(const struct client *c, const struct msg_frame *m);

void credit(const struct client *c, const struct msg_frame *m);
/* A frame that has to be right, and goes back. */
struct msg_frame frame(const struct client *c);

struct msg_format format(void);
/* Started, a pattern, its first unit. */
struct msg_format begin(const char *broken);
/* Until the decoder has decoded n frames. */
void wait_decoded(uint64_t n);

void check_zero(const struct client *c);
void check_failed(const char *reason);

#endif
