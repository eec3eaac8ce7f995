/*
 * What a compositor does with a camera, whatever its event loop is: a texture that holds the last good
 * picture, or is black. Here the "texture" is memory and the "screen" a line of text, so that the rules
 * can be read, and tests can see them kept:
 *
 *	copy or upload, then framemux_check, then show;
 *	black at once when the state says so, in the same repaint;
 *	nothing of the picture is kept beyond that.
 */
#ifndef EXAMPLE_PICTURE_H
#define EXAMPLE_PICTURE_H

#include <framemux.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct picture {
	struct framemux *fm;
	struct framemux_view *view;
	uint8_t *texture; /* owned: luma, width x height */
	uint32_t width, height;
	bool is_over; /* a final state has been told */
};

/* Asks for the camera, with the token of $FRAMEMUX_TOKEN. 0 or a negative errno. */
int picture_open(struct picture *p, const char *camera);
void picture_close(struct picture *p);

#endif
