/* framemux-view's command line, checked. Knows nothing of the mux, nor of Wayland. */
#ifndef FRAMEMUX_VIEW_OPTIONS_H
#define FRAMEMUX_VIEW_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_CAMERAS_MAX 64u

struct options {
	const char *socket;   /* NULL: the library's default */
	const char *key_file; /* NULL: $FRAMEMUX_TOKEN */
	const char *title;    /* NULL: the cameras' names */
	char *const *cameras;
	uint32_t n_cameras;
	uint32_t width, height; /* of the window at first; 0: as usual */
	uint32_t fps;
	bool is_fullscreen, has_badges, verify_full, is_verbose;
};

/*
 * -1: go on with *ret; else the program's exit code, everything said. Strings are borrowed from
 * argv.
 */
int options_parse(int argc, char **argv, struct options *ret);

#endif
