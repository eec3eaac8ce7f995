/* RTSP messages and what is read from their headers. */
#include "fuzz.h"
#include "mux/ingest/rtsp.h"

static void look_at_headers(const struct rtsp_message *m)
{
	char id[64];
	struct span value;
	uint32_t number = 0;
	unsigned at = 0, channel = 0;

	MUST(m->n_headers <= RTSP_HEADERS_MAX);
	while (rtsp_header(m, "WWW-Authenticate", &at, &value))
		MUST(at <= m->n_headers);
	rtsp_cseq(m, &number);
	rtsp_session(m, id, sizeof(id), &number);
	if (rtsp_transport(m, &channel) == 0)
		MUST(channel <= 255);
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
