/* Access units: first byte the codec. Putting one in order changes nothing that counts. */
#include <string.h>

#include "fuzz.h"
#include "mux/ingest/au.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz f = {data, len};
	enum stream_codec codec = fuzz_byte(&f) & 1 ? STREAM_H265 : STREAM_H264;
	struct au_facts before, after;
	uint8_t *unit = malloc(f.len + 1); /* of its own size, so that a step too far is seen */
	size_t n;

	MUST(unit);
	memcpy(unit, f.at, f.len);
	au_begins_with(codec, unit, f.len);
	au_inspect(codec, unit, f.len, &before);
	n = au_normalise(codec, unit, f.len);
	MUST(n <= f.len);
	au_inspect(codec, unit, n, &after);
	MUST(before.has_picture == after.has_picture);
	free(unit);
	return 0;
}
