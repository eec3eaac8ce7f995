/* Where framemux-dump's frames go: files by pattern, one file, or standard output. */
#ifndef FRAMEMUX_DUMP_OUTPUT_H
#define FRAMEMUX_DUMP_OUTPUT_H

#include <stdio.h>

#include "clients/dump/options.h"
#include "clients/dump/out_name.h"
#include "clients/picture/shot.h"

struct output {
	const struct options *options; /* borrowed */
	enum out_kind kind;
	FILE *file, *meta; /* owned, NULL while none is open */
	uint64_t written;
	uint32_t width, height, color_range; /* of the first frame of a stream */
	char name[4096];
};

/* Opens nothing yet. 0, or an exit code with everything said. */
int output_begin(struct output *o, const struct options *options);

/* Write one shot and its line of JSON. 0, or an exit code with everything said. */
int output_put(struct output *o, const struct shot *s);

/* Flush and close. 0, or an exit code with everything said. */
int output_end(struct output *o);

#endif
