/*
 * The media of a camera: first byte the codec and whether over TCP or datagrams, then pieces with
 * their length, RTP or RTCP by the first byte of each. Whatever comes, units have their times in order and reports are of a sane size.
 */
#include <string.h>

#include "common/clock.h"
#include "fuzz.h"
#include "mux/ingest/lav_log.h"
#include "mux/ingest/media.h"

static uint64_t newest_ns;

static int on_unit(void *self, const struct stream_unit *unit)
{
	(void)self;
	MUST(unit->len > 0 && unit->len <= LIMIT_ACCESS_UNIT);
	MUST(unit->arrival_ns >= newest_ns && unit->capture_ns <= unit->arrival_ns);
	newest_ns = unit->arrival_ns;
	return 0;
}

static void on_report(void *self, const uint8_t *buf, size_t len)
{
	(void)self;
	MUST(len >= 8 && len <= 256 && buf[0] >> 6 == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct media_ops ops = {.unit = on_unit, .report = on_report};
	static struct sdp_video video;
	struct fuzz f = {data, len};
	struct failure why = {.what = INGEST_AGAIN};
	struct media *m = NULL;
	uint64_t now = 50 * NS_PER_S;
	unsigned packets = 0;
	uint8_t how;

	lav_log_to_ours();
	video = (struct sdp_video){.payload_type = 96, .clock_rate = 90000};
	how = fuzz_byte(&f);
	video.codec = how & 1 ? STREAM_H264 : STREAM_MJPEG;
	newest_ns = 0;
	if (media_new(&video, &ops, NULL, &m, &why) < 0)
		return 0;
	while (f.len && packets++ < 512) {
		struct fuzz p = fuzz_piece(&f);
		uint8_t kind = fuzz_byte(&p);

		if (kind & 1) {
			if (media_rtcp(m, p.at, p.len, now, &why) < 0) {
				MUST(why.reason[0]);
				break;
			}
		} else {
			MUST((how & 2 ? media_packet : media_datagram)(m, p.at, p.len, now) == 0);
		}
		now += (uint64_t)(kind >> 2) * NS_PER_MS;
		if (media_deadline(m) <= now)
			MUST(media_tick(m, now) == 0);
	}
	media_free(m);
	return 0;
}
