/*
 * One attach: ring, key, socket, generation, geometry, none of which ever changes. From
 * attach_begin to the client's acknowledgement; how it ends is in erase.h, its memory in ring.h.
 */
#ifndef FRAMEMUX_BROKER_ATTACH_H
#define FRAMEMUX_BROKER_ATTACH_H

#include "mux/broker/broker.h"
#include "mux/broker/plan.h"
#include "mux/broker/ring.h"

enum attach_phase {
	ATTACH_MAPPING, /* the decoder has the ring; it is to say that it is mapped */
	ATTACH_READY,   /* sealed; waiting for its turn on the client's connection */
	ATTACH_GIVEN,   /* the client has it, the decoder publishes */
	ATTACH_ENDING,
};

struct attach {
	LIST_ENTRY(attach) in_decoder, in_ending;
	TAILQ_ENTRY(attach) in_queue; /* of the client, while READY */
	struct broker *broker;        /* borrowed */
	struct tenure *tenure;        /* borrowed: it owns this */
	struct decoder *decoder;      /* borrowed; NULL once the pair is dead */
	enum attach_phase phase;
	bool is_queued;
	uint64_t id, generation;
	uint32_t serial; /* of the decoder's format */
	struct plan plan;
	struct ring ring;
	uint64_t charged_bytes;
	struct held *held;    /* owned: for when it has ended, so that nothing is wanting then */
	int client_socket_fd; /* owned: the client's end of the lease socket, until it is sent */
	uint64_t given_ns;    /* monotonic */
	uint64_t published, delivered, dropped; /* as the decoder says */
	/* the end */
	struct event *timer;  /* owned */
	uint64_t ending_ns;   /* monotonic: since when */
	unsigned patience_ms; /* with the decoder, before its pair is killed */
	bool is_hasty;        /* somebody's right has ended */
	bool decoder_let_go, was_killed;
};

/* 0; -EDQUOT: more than the uid may hold; -EINVAL: no such picture; or -errno of a shortage. */
int attach_begin(struct tenure *t);

/* From the decoder: ring_mapped. */
void attach_mapped(struct attach *a, uint32_t status);

/*
 * It is this attach's turn: the client gets it, the decoder may publish. key_of is a itself, but in
 * the breakages of swap.h.
 */
void attach_give(struct attach *a, const struct attach *key_of);

/* The decoder has a newer format under which this attach stays as it is. */
void attach_keep(struct attach *a, uint32_t serial);

/* Whether the present format of its decoder leaves it as it is. */
bool attach_is_kept(const struct attach *a);

/* Running counts, from a decoder that may lie: they only rise and add up. */
void attach_count(struct attach *a, uint64_t published, uint64_t delivered, uint64_t dropped);

#endif
