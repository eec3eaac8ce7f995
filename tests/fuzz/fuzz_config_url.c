/* A camera's URL in the configuration, and whether a URL to be signed lies under it: two lines. */
#include <string.h>

#include "fuzz.h"
#include "mux/daemon/config/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct url url, again;
	struct fuzz f = {data, len};
	char text[2 * LIMIT_PATH], uri[2 * LIMIT_PATH];
	const char *why = NULL;

	fuzz_line(&f, text, sizeof(text));
	fuzz_line(&f, uri, sizeof(uri));
	if (url_parse(text, &url, &why) < 0) {
		MUST(why && *why);
		return 0;
	}
	MUST(memchr(url.url, 0, sizeof(url.url)) &&
		memchr(url.canonical, 0, sizeof(url.canonical)));
	if (url.kind == INGEST_RTSP || url.kind == INGEST_HTTP) {
		MUST(url.host[0] && url.port);
		MUST(url_parse(url.canonical, &again, &why) == 0);
		MUST(!strcmp(again.canonical, url.canonical)); /* one source, one spelling */
		MUST(url.kind == INGEST_HTTP || url_covers(url.url, url.url));
	}
	url_covers(url.url, uri);
	return 0;
}
