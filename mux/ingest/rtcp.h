/*
 * RTCP (RFC 3550 6): reads what a sender says of its time and its end, writes a receiver's reports.
 * Pure: bytes in, bytes out. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_RTCP_H
#define FRAMEMUX_INGEST_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mux/ingest/reception.h"

#define RTCP_BYE_MAX 31u /* senders in one BYE: its count has five bits */

/* What a compound packet says, as far as it matters here. */
struct rtcp_news {
	bool has_report;   /* of a sender */
	uint32_t ssrc;     /* whose */
	uint64_t ntp;      /* seconds since 1900, 32.32 */
	uint32_t rtp_time; /* the same moment on the RTP clock */
	unsigned n_bye;
	uint32_t bye[RTCP_BYE_MAX]; /* who has left */
};

/*
 * 0, or -EPROTO: not a compound packet (RFC 3550 A.2). Kinds that are not known are passed over. Of
 * several reports the last counts.
 */
int rtcp_read(const uint8_t *buf, size_t len, struct rtcp_news *ret);

/* A receiver: its own number and its name (RFC 7022: random, says nothing of this machine). */
#define RTCP_CNAME_BYTES 17u /* 96 bits in base64, and a NUL */
struct rtcp_self {
	uint32_t ssrc;
	char cname[RTCP_CNAME_BYTES];
};
void rtcp_self_make(struct rtcp_self *ret);

/* The sender report that a receiver's report refers to (LSR, DLSR). */
struct rtcp_last {
	bool is_known;
	uint64_t ntp, arrival_ns;
};

/* A receiver report and a source description. Returns the length. */
#define RTCP_REPORT_BYTES 64u
size_t rtcp_write(const struct rtcp_self *self, uint32_t sender,
	const struct reception_report *report, const struct rtcp_last *last, uint64_t now_ns,
	uint8_t ret[RTCP_REPORT_BYTES]);

#endif
