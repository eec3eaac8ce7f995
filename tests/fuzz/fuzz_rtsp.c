/* RTSP messages and what is read from their headers. */
#include "fuzz.h"
#include "mux/ingest/rtsp.h"
#include "mux/ingest/transport.h"

static void look_at_headers(const struct rtsp_message *m)
{
	char id[64];
	struct span value;
	uint32_t number = 0;
	struct transport_reply transport;
	unsigned at = 0;

	MUST(m->head.n <= HEAD_LINES_MAX);
	while (head_find(&m->head, "WWW-Authenticate", &at, &value))
		MUST(at <= m->head.n);
	rtsp_cseq(m, &number);
	rtsp_session(m, id, sizeof(id), &number);
	if (transport_read(m, &transport) == 0)
		MUST(transport.rtp_channel <= 255 && transport.rtcp_channel <= 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rtsp_message m;
	size_t used = 0;

	for (;;) {
		const char *why = NULL;
		ssize_t n = rtsp_next(data + used, len - used, &m, &why);

		if (n < 0)
			MUST(why && *why);
		if (n == 0)
			MUST(len - used < RTSP_MESSAGE_MAX);
		if (n <= 0)
			return 0;
		MUST((size_t)n <= len - used);
		if (m.kind != RTSP_KIND_BLANK) {
			MUST(m.body >= data && m.body + m.body_len <= data + len);
			look_at_headers(&m);
		}
		used += (size_t)n;
	}
}
