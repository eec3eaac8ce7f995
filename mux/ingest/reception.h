/*
 * What arrives from one RTP sender (SSRC): its sequence as RFC 3550 A.1 follows it, how many packets
 * were lost (A.3), how unevenly they come (A.8). Pure. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_RECEPTION_H
#define FRAMEMUX_INGEST_RECEPTION_H

#include "mux/ingest/rtp.h"

#define RECEPTION_DROPOUT_MAX  3000u /* further ahead, and it may be a stray */
#define RECEPTION_MISORDER_MAX 100u  /* further back, and the sender may have begun anew */

/* All zero: nothing came yet. */
struct reception {
	bool started;
	uint32_t ssrc;
	uint16_t base, max; /* sequence numbers: the first, the highest */
	uint32_t strange;   /* what would follow a packet that was far off; 65536: none was */
	uint64_t cycles, received; /* cycles: shifted by 16 bits */
	/* at the last report */
	uint64_t received_prior, expected_prior;
	/* jitter, in ticks of the RTP clock times 16 */
	bool has_transit;
	uint32_t transit, jitter;
};

enum reception_verdict {
	RECEPTION_GOOD,
	RECEPTION_STRANGE, /* far off: a stray, or the first after the sender began anew */
	RECEPTION_ANEW,    /* another sender, or the second after it began anew */
};

enum reception_verdict reception_packet(
	struct reception *c, const struct rtp_packet *p, uint32_t clock_rate, uint64_t arrival_ns);

/* What a report block says (RFC 3550 6.4.1), and begin the next interval. */
struct reception_report {
	uint8_t fraction_lost;
	int32_t lost; /* 24 bits */
	uint32_t highest, jitter;
};
void reception_report(struct reception *c, struct reception_report *ret);

#endif
