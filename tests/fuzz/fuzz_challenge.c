/* WWW-Authenticate headers: each line of the input is the value of one. */
#include <string.h>

#include "fuzz.h"
#include "mux/ingest/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rtsp_message m;
	struct span rest = {(const char *)data, len}, line;
	struct challenge c;

	m = (struct rtsp_message){.kind = RTSP_KIND_RESPONSE, .status = 401};
	while (m.n_headers < RTSP_HEADERS_MAX && span_line(&rest, &line)) {
		m.headers[m.n_headers].name = span_of("WWW-Authenticate");
		m.headers[m.n_headers++].value = span_trim(line);
	}
	if (challenge_pick(&m, &c) == 0) {
		MUST(c.algorithm >= DIGEST_MD5 && c.algorithm <= DIGEST_SHA256);
		MUST(!strpbrk(c.realm, "\r\n") && !strpbrk(c.nonce, "\r\n"));
	}
	return 0;
}
