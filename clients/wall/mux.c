/*
 * The connection to the mux, in the compositor's loop: one descriptor, and a timer that beats once
 * a second for what is said in seconds and what is to be tried again. Nothing here blocks. In
 * framemux-wall's process.
 */
#include "clients/wall/mux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-core.h>

#include "clients/wall/tile.h"
#include "clients/wall/wall.h"

#define BEAT_MS 1000

struct mux {
	struct wall *wall;
	struct framemux *fm; /* owned */
	struct wl_event_source *readable, *beat;
};

static void disconnect(struct mux *m)
{
	if (m->readable) /* before its descriptor */
		wl_event_source_remove(m->readable);
	m->readable = NULL;
	framemux_close(m->fm);
	m->fm = NULL;
}

static void lose(struct mux *m, int error)
{
	char reason[128];

	snprintf(reason, sizeof(reason), "the mux cannot be reached: %s", strerror(-error));
	for (size_t i = 0; i < m->wall->n_tiles; i++) /* their views go before the connection */
		tile_lose_mux(m->wall->tiles[i], reason);
	disconnect(m);
}

void mux_look(struct mux *m)
{
	int r = m->fm ? framemux_dispatch(m->fm, 0) : 0;

	if (r < 0)
		lose(m, r);
}

static int on_readable(int fd, uint32_t mask, void *data)
{
	(void)fd;
	(void)mask;
	mux_look(data);
	return 0;
}

static void connect_now(struct mux *m)
{
	struct wl_event_loop *loop = wl_display_get_event_loop(m->wall->display);
	int r = framemux_connect(m->wall->config->socket, &m->fm);

	if (r == 0) {
		m->readable = wl_event_loop_add_fd(
			loop, framemux_fd(m->fm), WL_EVENT_READABLE, on_readable, m);
		r = m->readable ? 0 : -ENOMEM;
	}
	if (r < 0) {
		lose(m, r);
		return;
	}
	for (size_t i = 0; i < m->wall->n_tiles; i++)
		tile_ask(m->wall->tiles[i]);
}

static int on_beat(void *data)
{
	struct mux *m = data;

	wl_event_source_timer_update(m->beat, BEAT_MS);
	if (!m->fm)
		connect_now(m);
	for (size_t i = 0; i < m->wall->n_tiles; i++)
		tile_beat(m->wall->tiles[i]);
	return 0;
}

struct mux *mux_create(struct wall *w)
{
	struct mux *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->wall = w;
	m->beat = wl_event_loop_add_timer(wl_display_get_event_loop(w->display), on_beat, m);
	if (!m->beat) {
		free(m);
		return NULL;
	}
	wl_event_source_timer_update(m->beat, 1); /* once everything else is there */
	return m;
}

void mux_destroy(struct mux *m)
{
	if (!m)
		return;
	disconnect(m);
	wl_event_source_remove(m->beat);
	free(m);
}

struct framemux *mux_connection(const struct mux *m)
{
	return m ? m->fm : NULL;
}
