/*
 * The public side of a view: opening, picking up frames, closing. Everything here may be called
 * from a callback. In the client's process.
 */
#include "clients/lib/view.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clients/lib/frames.h"
#include "clients/lib/view_attach.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"

#define OPEN_FLAGS        (FRAMEMUX_OPEN_DUMP | FRAMEMUX_OPEN_VERIFY_FULL | FRAMEMUX_OPEN_RECONNECT)
#define REQUEST_BYTES_V1  (offsetof(struct framemux_request, token) + sizeof(char *))
#define LISTENER_BYTES_V1 (offsetof(struct framemux_listener, frame) + sizeof(void (*)(void)))

/* --- opening --------------------------------------------------------------------------------- */

static int fill_open(const struct framemux_request *rq, struct msg_open *ret)
{
	struct picture p;

	if (!rq->camera || !*rq->camera || strlen(rq->camera) >= sizeof(ret->camera))
		return -EINVAL;
	if (!text_is_plain(rq->camera, strlen(rq->camera)))
		return -EINVAL; /* the mux would end the connection, and every view of it */
	if (rq->flags & ~OPEN_FLAGS || rq->fps > LIMIT_FPS)
		return -EINVAL;
	memcpy(ret->camera, rq->camera, strlen(rq->camera) + 1);
	ret->width = rq->width;
	ret->height = rq->height;
	ret->fourcc = rq->fourcc ? rq->fourcc : DRM_FORMAT_NV12;
	ret->fps = rq->fps;
	ret->slots = rq->slots ? rq->slots : LIMIT_SLOTS_DEFAULT;
	ret->flags = rq->flags & ~FRAMEMUX_OPEN_RECONNECT; /* the library's own business */
	if (ret->slots < LIMIT_SLOTS_MIN || ret->slots > LIMIT_SLOTS_MAX)
		return -EINVAL;
	if (!ret->width != !ret->height)
		return -EINVAL;
	/* The camera's own size is not known yet: any will do to check the format. */
	return picture_layout(
		ret->fourcc, ret->width ? ret->width : 16, ret->width ? ret->height : 16, &p);
}

static int fill_token(const struct framemux_request *rq, struct token *ret)
{
	const char *text = rq->token ? rq->token : getenv("FRAMEMUX_TOKEN");

	if (!text || token_parse(text, ret) < 0)
		return -EINVAL;
	return 0;
}

int framemux_open(struct framemux *fm, const struct framemux_request *rq,
	const struct framemux_listener *l, void *data, struct framemux_view **ret)
{
	struct framemux_view *v;
	int r;

	if (!rq || rq->size < REQUEST_BYTES_V1 || (l && l->size < LISTENER_BYTES_V1))
		return -EINVAL;
	if (connection_is_gone(fm))
		return -EPIPE;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	r = fill_open(rq, &v->open);
	if (r == 0)
		r = fill_token(rq, &v->token);
	if (r < 0) {
		sodium_memzero(&v->token, sizeof(v->token));
		free(v);
		return r;
	}
	v->fm = fm;
	v->number = ++fm->last_number;
	v->phase = VIEW_QUEUED;
	v->listener = l;
	v->data = data;
	v->returns = rq->flags & FRAMEMUX_OPEN_RECONNECT;
	LIST_INIT(&v->ended);
	LIST_INSERT_HEAD(&fm->views, v, link);
	if (fm->state == CONNECTION_UP)
		view_ask_all(fm);
	*ret = v;
	return 0;
}

uint64_t framemux_view_lease(const struct framemux_view *v)
{
	return v->lease;
}

/* --- frames ---------------------------------------------------------------------------------- */

static int final_error(const struct framemux_view *v)
{
	switch (v->state) {
	case FRAMEMUX_STATE_REFUSED:
		return -EACCES;
	case FRAMEMUX_STATE_REVOKED:
		return -EKEYREVOKED;
	default:
		return -EPIPE;
	}
}

static int why_nothing(const struct framemux_view *v)
{
	switch (v->state) {
	case FRAMEMUX_STATE_STALE:
	case FRAMEMUX_STATE_LOST:
		return -ESTALE;
	case FRAMEMUX_STATE_LIVE: /* without a ring: what there was to see has been erased */
		if (!v->ring)
			return -ESTALE;
		/* Whoever repaints before it dispatches, after a suspend say, is not to keep what it has. */
		return clock_boot_ns() > v->dark_at_ns ? -ESTALE : -EAGAIN;
	default:
		return -EAGAIN;
	}
}

int framemux_acquire(struct framemux_view *v, const struct framemux_frame **ret)
{
	int r;

	if (v->phase == VIEW_FINAL)
		return final_error(v);
	if (v->ring && ring_is_dead(v->ring)) {
		view_end_attach(v);
		return -ESTALE;
	}
	(void)view_drain(v);
	if (v->is_bad) {
		v->is_bad = false;
		return -EBADMSG;
	}
	if (!v->ring)
		return why_nothing(v);
	r = frames_acquire(v->ring, ret);
	return r == -EAGAIN ? why_nothing(v) : r;
}

/* The ring, lasting or ended, of which the application holds this frame. */
static struct ring *find_ring(
	const struct framemux_view *v, const struct framemux_frame *frame, unsigned *ret_slot)
{
	struct ring *r = v->ring;
	int slot = r ? ring_find(r, frame) : -1;

	if (slot < 0) {
		LIST_FOREACH (r, &v->ended, link) {
			slot = ring_find(r, frame);
			if (slot >= 0)
				break;
		}
	}
	if (slot < 0)
		return NULL;
	*ret_slot = (unsigned)slot;
	return r;
}

int framemux_check(struct framemux_view *v, const struct framemux_frame *frame)
{
	unsigned slot;
	struct ring *r = find_ring(v, frame, &slot);

	if (!r)
		return -EINVAL;
	if (v->phase == VIEW_FINAL)
		return v->state == FRAMEMUX_STATE_REVOKED ? -EKEYREVOKED : -ESTALE;
	return frames_check(r, slot);
}

void framemux_release(struct framemux_view *v, const struct framemux_frame *frame)
{
	unsigned slot;
	struct ring *r = frame ? find_ring(v, frame, &slot) : NULL;

	if (!r)
		return;
	frames_release(r, slot);
	if (r->has_ended && r->n_acquired == 0) {
		LIST_REMOVE(r, link);
		ring_free(r);
	}
}

/* --- closing --------------------------------------------------------------------------------- */

/* The decoder hears what was acquired before it sees the end of the socket. */
static void give_all_back(struct ring *r)
{
	for (unsigned i = 0; i < r->attach.slots; i++)
		if (r->slots[i].owner == SLOT_ACQUIRED)
			frames_release(r, i);
	frames_drop_ready(r);
}

void framemux_view_close(struct framemux_view *v)
{
	const struct msg_shut shut = {.view = v ? v->number : 0};
	struct ring *r;

	if (!v || v->is_closed)
		return;
	v->is_closed = true;
	if (v->ring)
		give_all_back(v->ring);
	/* Before the lease socket closes: that alone would look like a fault. */
	if (v->phase == VIEW_ASKED || v->phase == VIEW_LEASED)
		connection_send(v->fm, &wire_shut, &shut);
	view_end_attach(v);
	while ((r = LIST_FIRST(&v->ended))) {
		LIST_REMOVE(r, link);
		ring_free(r);
	}
	v->phase = VIEW_FINAL;
	sodium_memzero(&v->token, sizeof(v->token));
	if (v->is_pending)
		LIST_REMOVE(v, pending_link);
	v->is_pending = false;
	LIST_REMOVE(v, link);
	LIST_INSERT_HEAD(&v->fm->graveyard, v, link);
	view_bury(v->fm);
}

void view_bury(struct framemux *fm)
{
	struct framemux_view *v;

	if (fm->depth)
		return;
	while ((v = LIST_FIRST(&fm->graveyard))) {
		LIST_REMOVE(v, link);
		free(v);
	}
}
