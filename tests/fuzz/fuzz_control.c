/* Control URLs: a line of Content-Base, a line of the control attribute. Never another host. */
#include <string.h>

#include "fuzz.h"
#include "mux/ingest/url.h"

#define HOME "rtsp://cam.lan:554"

static void must_be_home(const char *url)
{
	MUST(!strncmp(url, HOME "/", sizeof(HOME)));
	MUST(strlen(url) < LIMIT_PATH && !strpbrk(url, " \r\n\t\""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct home home = {HOME "/live", "10.0.0.7"};
	struct fuzz f = {data, len};
	char base[2 * LIMIT_PATH], control[2 * LIMIT_PATH], out[LIMIT_PATH],
		url[LIMIT_PATH] = HOME "/live";

	fuzz_line(&f, base, sizeof(base));
	fuzz_line(&f, control, sizeof(control));
	if (url_base(&home, span_trim(span_of(base)), out) == 0) {
		must_be_home(out);
		memcpy(url, out, sizeof(url));
	}
	if (url_resolve(&home, url, span_of(control), out) == 0)
		must_be_home(out);
	url_is_valid(control);
	return 0;
}
