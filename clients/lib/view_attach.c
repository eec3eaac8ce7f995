/*
 * Attaches come and go under a view. What the application holds stays mapped until it is given
 * back; everything else goes at once. In the client's process.
 */
#include "clients/lib/view_attach.h"

#include <errno.h>
#include <string.h>

#include "clients/lib/frames.h"
#include "common/cleanup.h"
#include "common/clock.h"

#define ENDED_MAX 16u /* rings that an application may sit on */

static void drop_socket(struct framemux_view *v)
{
	if (v->ring->socket_fd < 0)
		return;
	connection_unwatch(v->fm, v->ring->socket_fd);
	close(take_fd(&v->ring->socket_fd));
}

void view_end_attach(struct framemux_view *v)
{
	struct ring *r = v->ring;

	if (!r)
		return;
	drop_socket(v);
	v->ring = NULL;
	ring_end(r);
	if (r->n_acquired)
		LIST_INSERT_HEAD(&v->ended, r, link);
	else
		ring_free(r);
}

/* Not this camera's, or not what the decoder vouched for: an error that is audited, not a picture.
 */
static void provenance_failed(struct framemux_view *v, uint64_t attach, uint64_t seq)
{
	const struct msg_report report = {.view = v->number, .attach = attach, .seq = seq};

	connection_send(v->fm, &wire_report, &report);
	v->is_bad = true;
	view_set_state(v, FRAMEMUX_STATE_STALE, "a frame failed its provenance check");
}

static unsigned count_ended(const struct framemux_view *v)
{
	const struct ring *r;
	unsigned n = 0;

	LIST_FOREACH (r, &v->ended, link)
		n++;
	return n;
}

static int open_ring(
	struct framemux_view *v, const struct msg_attach *m, int fds[ATTACH_FDS], struct ring **ret)
{
	if (m->lease != v->lease)
		return -EBADMSG;
	if (v->has_camera && memcmp(v->camera.b, m->camera_id, CAMERA_ID_BYTES))
		return -EBADMSG;
	if (count_ended(v) >= ENDED_MAX)
		return -ENOBUFS;
	return ring_open(m, &v->open, fds, ret);
}

int view_begin_attach(struct framemux_view *v, const struct msg_attach *m, int fds[ATTACH_FDS])
{
	struct ring *ring = NULL;
	int r;

	view_end_attach(v);
	r = open_ring(v, m, fds, &ring);
	if (r == 0)
		r = connection_watch(v->fm, ring->socket_fd, CONNECTION_VIEW + (uint64_t)v->number);
	if (r < 0) {
		ring_free(ring);
		if (r == -EBADMSG)
			provenance_failed(v, m->attach, 0);
		return r;
	}
	v->camera = ring->camera;
	v->has_camera = true;
	v->stale_ns = m->stale_ns;
	v->ring = ring;
	return 0;
}

int view_drain(struct framemux_view *v)
{
	uint64_t seq = 0;
	int r;

	if (!v->ring)
		return 0;
	if (ring_is_dead(v->ring)) {
		view_end_attach(v);
		return 0;
	}
	r = frames_drain(v->ring, &seq);
	if (r == -EPIPE)
		drop_socket(v);
	/*
	 * The broker clears after its mark, a decoder without a broker after the trailers: neither
	 * is anybody's mix-up, and what comes of it is told by the broker, or by its end.
	 */
	if (r == -ESTALE || (r != 0 && r != -EPIPE && ring_is_dead(v->ring))) {
		view_end_attach(v);
		return 0;
	}
	if (r == -EBADMSG) {
		uint64_t attach = v->ring->attach.attach;

		view_end_attach(v);
		provenance_failed(v, attach, seq);
	}
	if (r <= 0)
		return 0;
	v->dark_at_ns = v->ring->last_publish_boot_ns + v->ring->attach.stale_ns;
	connection_wake_at(v->fm, v->dark_at_ns + 1);
	view_set_state(v, FRAMEMUX_STATE_LIVE, "");
	return 1;
}
