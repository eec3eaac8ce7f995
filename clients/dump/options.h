/* framemux-dump's command line, checked. Knows nothing of the mux. */
#ifndef FRAMEMUX_DUMP_OPTIONS_H
#define FRAMEMUX_DUMP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum format { FORMAT_NONE, FORMAT_PNG, FORMAT_PPM, FORMAT_Y4M, FORMAT_RAW };

struct options {
	const char *socket;   /* NULL: the library's default */
	const char *key_file; /* NULL: $FRAMEMUX_TOKEN */
	const char *camera;
	const char *out;       /* "-": standard output */
	const char *meta_file; /* NULL: none */
	uint64_t frames;       /* 0: without end */
	enum format format;
	uint32_t width, height, fps, fourcc;
	uint32_t timeout_ms;
	bool verify_full;
};

/*
 * -1: go on with *ret; else the program's exit code, everything said. Strings are borrowed from
 * argv.
 */
int options_parse(int argc, char **argv, struct options *ret);

/* A drm_fourcc name or its four characters: NV12, YUV420, XRGB8888, RGB565. 0 if it is neither. */
uint32_t options_fourcc(const char *text);

#endif
