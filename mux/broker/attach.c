/*
 * From a lease's terms to a sealed ring in the client's hands, step by step. Owns attaches until
 * erase.c takes over. Runs in the broker.
 */
#include "mux/broker/attach.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "mux/broker/audit.h"
#include "mux/broker/client.h"
#include "mux/broker/decoder.h"
#include "mux/broker/erase.h"
#include "mux/broker/held.h"
#include "mux/broker/secrets.h"
#include "mux/broker/tenure.h"

#define MAP_LIMIT_S 1 /* for a decoder to map a ring */

/* --- begin ---------------------------------------------------------------------------------- */

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct attach *a = data;

	(void)fd;
	(void)what;
	if (a->phase == ATTACH_MAPPING && a->decoder)
		decoder_kill(a->decoder, "the decoder did not map a ring in time");
	else if (a->phase == ATTACH_ENDING)
		erase_on_timer(a);
}

/* Before anything of it was given away. */
static void abandon(struct attach *a)
{
	struct ring_rest rest;

	ring_destroy(&a->ring, &rest);
	ring_rest_close(&rest);
	cleanup_close(&a->client_socket_fd);
	if (a->timer)
		event_free(a->timer);
	held_free(a->held);
	free(a);
}

static struct attach *new_attach(struct tenure *t, const struct plan *plan)
{
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->broker = t->broker;
	a->tenure = t;
	a->decoder = t->camera->decoder;
	a->generation = a->decoder->generation;
	a->serial = a->decoder->format.serial;
	a->phase = ATTACH_MAPPING;
	a->plan = *plan;
	a->ring = RING_NONE;
	a->client_socket_fd = -1;
	a->timer = evtimer_new(t->broker->base, on_timer, a);
	a->held = held_new();
	if (!a->timer || !a->held) {
		abandon(a);
		return NULL;
	}
	a->id = ++t->broker->last_attach;
	return a;
}

/*
 * The camera is named once more, from the capability: a decoder refuses a ring that is not for its
 * own camera. (The breakage shows that the key alone would be enough.)
 */
static void send_ring(struct attach *a, int decoder_socket_fd)
{
	const struct tenure *t = a->tenure;
	const struct camera_id *id =
		breakage("broker-wrong-camera") ? &t->camera->id : &t->camera_id;
	const int fds[RING_GIVE_FDS] = {
		[RING_GIVE_FD_RING] = a->ring.writer_fd,
		[RING_GIVE_FD_SOCKET] = decoder_socket_fd,
	};
	struct msg_ring_give m = {
		.generation = a->generation,
		.lease = t->id,
		.attach = a->id,
		.serial = a->serial,
		.width = a->plan.picture.width,
		.height = a->plan.picture.height,
		.fourcc = a->plan.picture.fourcc,
		.slots = a->plan.slots,
		.max_fps = a->plan.fps,
		.tag_mode = a->plan.tag_mode,
	};

	memcpy(m.id, id->b, sizeof(m.id));
	masks_pack(t->terms.masks, t->terms.n_masks, m.masks, &m.masks_len);
	decoder_send(a->decoder, &wire_ring_give, &m, fds, RING_GIVE_FDS);
}

/* Steps 1 to 3. */
static int make_and_send(struct attach *a)
{
	const struct timeval limit = {.tv_sec = MAP_LIMIT_S};
	cleanup_fd int decoder_socket_fd = -1;
	int pair[2];
	int r = ring_make(a->plan.ring_bytes, &a->ring);

	if (r == 0)
		r = ring_reopen(&a->ring);
	if (r == 0)
		r = ring_add_dead_page(&a->ring);
	if (r == 0)
		r = sock_pair(SOCK_SEQPACKET, pair);
	if (r < 0)
		return r;
	a->client_socket_fd = pair[0];
	decoder_socket_fd = pair[1];
	sock_refuse_fds(pair[0]);
	sock_refuse_fds(pair[1]);
	if (evtimer_add(a->timer, &limit) < 0)
		return -ENOMEM;
	send_ring(a, decoder_socket_fd);
	ring_writer_given(&a->ring);
	return 0;
}

/* What was reserved at the open pays for the first ring of an explicit size. */
static int charge(struct tenure *t, uint64_t bytes)
{
	struct broker *b = t->broker;
	int r;

	if (t->reserved_bytes == bytes) {
		t->reserved_bytes = 0;
		return 0;
	}
	r = quota_charge(&b->quota, t->uid, bytes);
	if (r == -EDQUOT && held_check(b))
		r = quota_charge(&b->quota, t->uid, bytes);
	return r;
}

int attach_begin(struct tenure *t)
{
	struct broker *b = t->broker;
	struct attach *a;
	struct plan plan;
	uint64_t bytes;
	int r = plan_make(
		&t->terms, &t->camera->decoder->format, b->settings.stale_after_ns, &plan);

	if (r < 0)
		return r;
	bytes = plan.ring_bytes + DEAD_PAGE_BYTES;
	r = charge(t, bytes);
	if (r < 0)
		return r;
	a = new_attach(t, &plan);
	r = a ? make_and_send(a) : -ENOMEM;
	if (r < 0) {
		quota_release(&b->quota, t->uid, bytes);
		if (a)
			abandon(a);
		return r;
	}
	a->charged_bytes = bytes;
	LIST_INSERT_HEAD(&a->decoder->attaches, a, in_decoder);
	t->attach = a;
	t->last_attach = a->id;
	t->was_reported = false;
	return 0;
}

/* --- sealed, given -------------------------------------------------------------------------- */

static void not_mapped(struct attach *a, uint32_t status)
{
	log_warning("camera %s: the decoder did not map a ring: %s", a->tenure->camera->name,
		strerror((int)(status & INT32_MAX)));
	if (status == EREMCHG) { /* it says that we took it for another camera's */
		a->broker->totals.provenance_failures++;
		audit_provenance(a->broker, a->tenure);
		log_error("PROVENANCE: lease %016llx of camera %s reached another camera's decoder",
			(unsigned long long)a->tenure->id, a->tenure->camera_name);
	}
	/* It has nothing to let go of; the probe will tell whether that is true. */
	a->decoder_let_go = true;
	if (a->phase == ATTACH_ENDING)
		erase_let_go(a);
	else
		tenure_shortage(a->tenure, "the camera's decoder could not take a ring");
}

void attach_mapped(struct attach *a, uint32_t status)
{
	int r;

	if (status) {
		not_mapped(a, status);
		return;
	}
	if (a->phase == ATTACH_ENDING)
		return; /* crossed our ring_drop */
	if (a->phase != ATTACH_MAPPING) {
		decoder_kill(a->decoder, "the decoder mapped a ring twice");
		return;
	}
	evtimer_del(a->timer);
	r = ring_seal(&a->ring); /* 4 */
	if (r == -EPERM) {
		decoder_kill(a->decoder,
			"the decoder has no mapping of its ring, or has tampered with it");
		return;
	}
	if (r < 0 || ring_check_outgoing(&a->ring) < 0) {
		log_error("lease %016llx: a ring was not sealed as it must be: it stays here",
			(unsigned long long)a->tenure->id);
		tenure_shortage(a->tenure, "the mux could not seal a ring");
		return;
	}
	a->phase = ATTACH_READY;
	client_queue(a->tenure->client, a);
}

static void fill_attach(const struct attach *a, struct msg_attach *ret)
{
	const struct tenure *t = a->tenure;
	const struct plan *p = &a->plan;

	*ret = (struct msg_attach){
		.view = t->view,
		.lease = t->id,
		.attach = a->id,
		.generation = a->generation,
		.width = p->picture.width,
		.height = p->picture.height,
		.fourcc = p->picture.fourcc,
		.slots = p->slots,
		.ring_bytes = p->ring_bytes,
		.color_encoding = p->color_encoding,
		.color_range = p->color_range,
		.sar_num = p->sar_num,
		.sar_den = p->sar_den,
		.tag_mode = p->tag_mode,
		.stale_ns = p->stale_ns,
	};
	memcpy(ret->camera, t->camera_name, sizeof(ret->camera));
	memcpy(ret->camera_id, t->camera_id.b, sizeof(ret->camera_id));
}

/* K_attach of the camera in the capability, whichever decoder writes the ring. */
static void derive_key(const struct attach *a, uint8_t ret_key[KEY_BYTES])
{
	uint8_t k_cam[KEY_BYTES];

	key_camera(a->broker->secrets->k_session, &a->tenure->camera_id, k_cam);
	key_attach(k_cam, a->tenure->id, a->id, a->generation, ret_key);
	sodium_memzero(k_cam, sizeof(k_cam));
}

void attach_give(struct attach *a, const struct attach *key_of)
{
	const struct msg_ring_go go = {.lease = a->tenure->id, .attach = a->id};
	const int fds[ATTACH_FDS] = {
		[ATTACH_FD_RING] = a->ring.reader_fd,
		[ATTACH_FD_DEAD] = a->ring.dead_reader_fd,
		[ATTACH_FD_SOCKET] = a->client_socket_fd,
	};
	struct msg_attach m;

	fill_attach(a, &m);
	derive_key(key_of, m.k_attach);
	client_give(a->tenure->client, a->id, &m, fds);
	sodium_memzero(&m, sizeof(m));
	cleanup_close(&a->client_socket_fd);
	a->client_socket_fd = -1;
	ring_readers_given(&a->ring);
	a->phase = ATTACH_GIVEN;
	a->given_ns = clock_monotonic_ns();
	audit_ring_given(a->tenure, a->generation);
	decoder_send(a->decoder, &wire_ring_go, &go, NULL, 0);
	tenure_attached(a->tenure);
}

/* --- while it lasts ------------------------------------------------------------------------- */

bool attach_is_kept(const struct attach *a)
{
	const struct tenure *t = a->tenure;
	struct plan now;

	if (a->phase == ATTACH_ENDING)
		return true; /* nothing to be done about it */
	return a->decoder &&
		plan_make(&t->terms, &a->decoder->format, a->broker->settings.stale_after_ns,
			&now) == 0 &&
		plan_is_kept(&a->plan, &now);
}

void attach_keep(struct attach *a, uint32_t serial)
{
	const struct msg_ring_keep m = {.lease = a->tenure->id, .attach = a->id, .serial = serial};

	if (a->phase == ATTACH_ENDING)
		return;
	a->serial = serial;
	decoder_send(a->decoder, &wire_ring_keep, &m, NULL, 0);
}

void attach_count(struct attach *a, uint64_t published, uint64_t delivered, uint64_t dropped)
{
	if (published < a->published || delivered < a->delivered || dropped < a->dropped)
		return;
	if (delivered > published || dropped > published - delivered)
		return;
	a->published = published;
	a->delivered = delivered;
	a->dropped = dropped;
}
