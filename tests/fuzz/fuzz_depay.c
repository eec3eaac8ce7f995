/* RTP packets to access units: first byte the codec, a line of fmtp, then packets with their length. */
#include <string.h>

#include "common/clock.h"
#include "fuzz.h"
#include "mux/ingest/depay.h"
#include "mux/ingest/lav_log.h"

static const enum stream_codec codecs[] = {STREAM_H264, STREAM_H265, STREAM_MJPEG};

static volatile uint8_t last; /* so that the whole of a unit is there to be read */

static int on_unit(void *data, const struct stream_unit *unit)
{
	(void)data;
	MUST(unit->len > 0 && unit->len <= LIMIT_ACCESS_UNIT);
	last = unit->data[unit->len - 1];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct sdp_video video;
	struct fuzz f = {data, len};
	struct failure why = {.what = INGEST_AGAIN};
	struct stream_format format;
	struct depay *d = NULL;
	uint64_t now = 50 * NS_PER_S;
	unsigned packets = 0;

	lav_log_to_ours();
	video = (struct sdp_video){.payload_type = 96, .clock_rate = 90000};
	video.codec = codecs[fuzz_byte(&f) % 3];
	fuzz_line(&f, video.fmtp, sizeof(video.fmtp));
	for (char *p = video.fmtp; *p; p++) /* as sdp.c leaves it */
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	if (depay_new(&video, on_unit, NULL, &d, &why) < 0) {
		MUST(why.reason[0]);
		return 0;
	}
	depay_format(d, &format);
	MUST(format.extradata_len <= LIMIT_EXTRADATA);
	while (f.len && packets++ < 256) {
		struct fuzz p = fuzz_piece(&f);

		MUST(depay_packet(d, p.at, p.len, now) == 0);
		now += 3 * NS_PER_MS;
		if (depay_deadline(d) <= now)
			MUST(depay_tick(d, now) == 0);
	}
	depay_free(d);
	return 0;
}
