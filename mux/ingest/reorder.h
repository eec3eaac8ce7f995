/*
 * Puts datagrams back into the order of their sequence numbers: a packet that comes before its turn
 * waits for the missing ones, for a moment and in bounded memory. Late ones and duplicates are gone.
 * Pure: bytes and times go in, packets come out through a function. Runs in ingest; RTP over TCP
 * goes past it.
 */
#ifndef FRAMEMUX_INGEST_REORDER_H
#define FRAMEMUX_INGEST_REORDER_H

#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

#define REORDER_WAIT_NS (50 * NS_PER_MS) /* then what is missing is lost */
#define REORDER_PACKETS 64u              /* that may wait: a power of two, as it divides 65536 */
#define REORDER_BYTES   (128u * 1024u)

struct reorder;

/* Takes a packet, borrowed for the call; arrival_ns never runs backwards. 0 or -errno. */
typedef int (*reorder_take)(void *data, const uint8_t *packet, size_t len, uint64_t arrival_ns);

/* NULL without memory. */
struct reorder *reorder_new(reorder_take take, void *data);
void reorder_free(struct reorder *r);

/*
 * A packet with this sequence number has come. The very first waits too, since it need not have been
 * sent first. 0, or what the taker returned. Whoever calls knows
 * that the number is no stray: what is far ahead ends the waiting for what was before.
 */
int reorder_packet(struct reorder *r, uint16_t sequence, const uint8_t *packet, size_t len,
	uint64_t arrival_ns);

/* The sender began anew: what waits goes out, and the next packet may have any number. */
int reorder_restart(struct reorder *r);

/* When to call tick at the latest; UINT64_MAX: nothing waits. */
uint64_t reorder_deadline(const struct reorder *r);
int reorder_tick(struct reorder *r, uint64_t now_ns);

#endif
