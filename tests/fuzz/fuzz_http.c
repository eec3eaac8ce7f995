/*
 * What an HTTP camera says: first byte how it is cut into pieces, then its answer's head, its body
 * (chunked or not) and the pictures in it.
 */
#include <string.h>

#include "fuzz.h"
#include "mux/ingest/http.h"
#include "mux/ingest/multipart.h"

static volatile uint8_t last;

static int on_picture(void *self, const struct multipart_picture *p)
{
	(void)self;
	MUST(p->len >= 4 && p->len <= LIMIT_ACCESS_UNIT);
	MUST(p->data[0] == 0xff && p->data[1] == 0xd8);
	MUST(p->data[p->len - 2] == 0xff && p->data[p->len - 1] == 0xd9);
	last = p->data[p->len / 2];
	return 0;
}

static void read_body(struct http_body *body, struct multipart *m, struct fuzz f, size_t piece)
{
	while (f.len && body->state != HTTP_BODY_DONE) {
		size_t n = f.len < piece ? f.len : piece;
		const char *why = NULL;
		struct span data = {"", 0};
		ssize_t used = http_body_take(body, f.at, n, &data, &why);

		if (used < 0) {
			MUST(why && *why);
			return;
		}
		MUST(used > 0 && (size_t)used <= n && data.len <= n);
		MUST(multipart_feed(m, (const uint8_t *)data.at, data.len) == 0);
		f.at += used;
		f.len -= (size_t)used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct http_response response;
	char boundary[HTTP_BOUNDARY_BYTES];
	struct fuzz f = {data, len};
	uint8_t how = fuzz_byte(&f);
	const char *why = NULL;
	struct multipart *m;
	struct http_body body;
	enum http_content content;
	ssize_t n = http_next(f.at, f.len, &response, &why);

	if (n < 0)
		MUST(why && *why);
	if (n <= 0)
		return 0;
	f.at += n;
	f.len -= (size_t)n;
	content = http_content(&response.head, boundary);
	if (http_body_begin(&response, content != HTTP_OTHER, 65536, &body, &why) < 0)
		return 0;
	m = multipart_new(boundary, on_picture, NULL);
	MUST(m);
	read_body(&body, m, f, how + 1u);
	multipart_free(m);
	return 0;
}
