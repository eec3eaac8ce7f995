/*
 * When a picture was taken, as far as its camera says so: by sender reports (RFC 3550 6.4.1), which
 * tie RTP time to the time of day, or by a description that ties both once for all (RFC 7273). What
 * the camera's clock says is believed only where it agrees with the time of arrival; a camera whose
 * clock is wrong has no capture times. Pure: clocks are arguments. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_CAPTURE_H
#define FRAMEMUX_INGEST_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "mux/ingest/rtcp.h"
#include "mux/ingest/sdp.h"

#define CAPTURE_AGE_NS    (10 * NS_PER_S)   /* older than its arrival by more: not believed */
#define CAPTURE_AHEAD_NS  (100 * NS_PER_MS) /* a clock that is so little fast is taken for right */
#define CAPTURE_REPORT_NS (600 * NS_PER_S)  /* a report holds so long: clocks drift apart */

struct capture {
	uint32_t clock_rate;
	struct sdp_clock clock; /* of the description */
	/* the newest sender report */
	bool has_report;
	uint32_t ssrc, rtp_time;
	uint64_t real_ns, arrival_ns; /* real_ns: of 1970 */
};

void capture_begin(struct capture *c, const struct sdp_video *video);

/* A sender report that came at arrival_ns. */
void capture_report(struct capture *c, const struct rtcp_news *news, uint64_t arrival_ns);

/*
 * When the sample of this RTP time was taken, on the clock of arrival_ns (CLOCK_MONOTONIC); never
 * later than arrival_ns. 0: unknown. real_offset_ns: what is to be added to that clock for the time
 * of day, now.
 */
uint64_t capture_of(const struct capture *c, uint32_t ssrc, uint32_t rtp_time, uint64_t arrival_ns,
	uint64_t real_offset_ns);

#endif
