/* The connection to the mux: made again and again until there is one, and when it went. */
#ifndef FRAMEMUX_VIEW_MUX_H
#define FRAMEMUX_VIEW_MUX_H

#include "clients/view/scene.h"

struct mux {
	const char *socket;  /* borrowed; NULL: the library's default */
	struct framemux *fm; /* owned; NULL: none */
	uint64_t try_at_ns, pause_ns;
};

/* Connect if there is no connection and it is time to. What comes of it stands in the scene. */
void mux_try(struct mux *m, struct scene *s, uint64_t now);

/* -1: none. */
int mux_fd(const struct mux *m);
/* What has come. */
void mux_dispatch(struct mux *m, struct scene *s, uint64_t now);

uint64_t mux_next_ns(const struct mux *m, const struct scene *s);
void mux_close(struct mux *m);

#endif
