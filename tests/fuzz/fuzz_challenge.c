/* WWW-Authenticate headers: each line of the input is the value of one. */
#include <string.h>

#include "fuzz.h"
#include "mux/ingest/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct head h;
	struct span rest = {(const char *)data, len}, line;
	struct challenge c;

	h.n = 0;
	while (h.n < HEAD_LINES_MAX && span_line(&rest, &line)) {
		h.lines[h.n].name = span_of("WWW-Authenticate");
		h.lines[h.n++].value = span_trim(line);
	}
	if (challenge_pick(&h, len & 1, &c) == 0 && !c.basic) {
		MUST(c.algorithm >= DIGEST_MD5 && c.algorithm <= DIGEST_SHA256);
		MUST(!strpbrk(c.realm, "\r\n") && !strpbrk(c.nonce, "\r\n"));
	}
	return 0;
}
