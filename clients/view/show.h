/* From the scene to the screen: when to repaint, into which buffer, and black at once. */
#ifndef FRAMEMUX_VIEW_SHOW_H
#define FRAMEMUX_VIEW_SHOW_H

#include "clients/view/canvas.h"
#include "clients/view/scene.h"
#include "clients/view/window.h"

struct show {
	struct scene *scene; /* borrowed, all of them */
	struct canvas *canvas;
	struct window *window;
	struct look on_screen; /* what was committed last */
	bool owes_black;       /* what has gone dark is not committed yet */
	uint32_t scale;        /* of what was placed; 0: nothing yet */
	bool is_verbose;
	/* What was said to be shown: width << 32 | height. */
	uint64_t said[OPTIONS_CAMERAS_MAX];
};

void show_init(struct show *s, struct scene *scene, struct canvas *canvas, struct window *window,
	bool is_verbose);

/* Bring the screen up to date, as far as its turn has come; what is dark does not wait. 0 or -errno. */
int show_update(struct show *s, uint64_t now);

#endif
