/* Session descriptions. */
#include <string.h>

#include "fuzz.h"
#include "mux/ingest/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct sdp_video video;
	struct failure why = {.what = INGEST_AGAIN};

	memset(&video, 0, sizeof(video));
	if (sdp_parse(data, len, &video, &why) < 0) {
		MUST(why.reason[0]);
		return 0;
	}
	MUST(*sdp_encoding(video.codec));
	MUST(video.payload_type <= 127 && video.clock_rate);
	MUST(memchr(video.fmtp, 0, sizeof(video.fmtp)));
	MUST(memchr(video.control, 0, sizeof(video.control)));
	MUST(!strpbrk(video.fmtp, "\r\n") && !strpbrk(video.control, "\r\n"));
	return 0;
}
