/*
 * The link to one pair's decoder, for one generation. What comes from it is a possibly hostile
 * camera's: anything out of order and the pair is killed. It can only speak of its own attaches.
 */
#ifndef FRAMEMUX_BROKER_DECODER_H
#define FRAMEMUX_BROKER_DECODER_H

#include "mux/broker/camera.h"
#include "mux/broker/conn.h"
#include "mux/link/broker_decode.h"

struct attach;

struct decoder {
	struct camera *camera; /* borrowed */
	struct conn *conn;     /* owned; NULL once the link has ended */
	uint64_t generation;
	struct msg_format format; /* serial 0: none yet */
	LIST_HEAD(, attach) attaches;
	struct rate messages;
	unsigned owed;     /* messages that ours ask for: no flood, however many */
	bool is_condemned; /* framemuxd was asked to kill the pair */
	bool is_retired;   /* a reload: no attach begins with it any more */
};

enum { DECODER_TALKING = 1 };

/* fd is the decoder's on success. 0 or -errno. */
int decoder_new(struct camera *c, uint64_t generation, int fd, struct decoder **ret);

/* The pair is dead and reaped: ends its attaches with this outcome. */
void decoder_free(struct decoder *d, const char *reason);

/* Have the pair killed, once; attaches end when framemuxd says that it is dead, or sooner. */
void decoder_kill(struct decoder *d, const char *reason);

/* Nothing when the link has ended. */
void decoder_send(struct decoder *d, const struct wire_message *m, const void *msg, const int *fds,
	size_t n_fds);

/* The conversation, for tests that try each message in each state. */
extern const struct wire_rule decoder_rules[];
extern const size_t decoder_n_rules;

#endif
