/* Attaches: rings, slots, credits, lease sockets. Owns mappings and sockets; runs in
 * framemux-decode. */
#include "mux/decode/attach.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "common/tag.h"
#include "mux/decode/convert.h"
#include "mux/decode/forms.h"
#include "mux/decode/pace.h"
#include "mux/decode/ring.h"

#define CREDITS_A_RUN 32u /* messages read from one client before others get their turn */
/* Also when the descriptors of an attach never reached a client whose table is full. */
#define SOCKET_CLOSED "the lease socket is closed at the client's end"
#define CREDIT_CAP    64u /* more than a credit's bytes */

enum attach_state {
	ATTACH_MAPPED, /* until ring_go */
	ATTACH_LIVE,
	ATTACH_SILENT, /* the client is gone or broke the rules: mapped until ring_drop */
	ATTACH_GONE,   /* let go; waits for its memory to be freed */
};

struct attach_counts {
	uint64_t published, delivered, dropped;
};

struct attach {
	TAILQ_ENTRY(attach) entry;
	uint64_t lease, attach;
	enum attach_state state;
	struct forms_fit fit;
	uint32_t tag_mode;
	uint64_t live_ns; /* since when */
	uint8_t key[KEY_BYTES];
	struct ring ring; /* owned */
	int socket;       /* owned; -1 once let go */
	struct pacer pacer;
	struct mask_list masks;
	struct attach_counts counts, told;
};

struct attach_table {
	struct attach_owner owner;
	TAILQ_HEAD(, attach) list;
	size_t n;
	struct forms_told forms;
	struct image_buffer masked, scratch;
};

struct attach_table *attach_table_new(const struct attach_owner *owner)
{
	struct attach_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->owner = *owner;
	TAILQ_INIT(&t->list);
	return t;
}

static void attach_let_go(struct attach *a)
{
	ring_unmap(&a->ring);
	sock_close_fds(&a->socket, 1);
	sodium_memzero(a->key, sizeof(a->key));
	a->state = ATTACH_GONE;
}

static void attach_free(struct attach_table *t, struct attach *a)
{
	attach_let_go(a);
	TAILQ_REMOVE(&t->list, a, entry);
	t->n--;
	free(a);
}

void attach_table_free(struct attach_table *t)
{
	if (!t)
		return;
	while (!TAILQ_EMPTY(&t->list))
		attach_free(t, TAILQ_FIRST(&t->list));
	image_buffer_free(&t->masked);
	image_buffer_free(&t->scratch);
	sodium_memzero(t, sizeof(*t));
	free(t);
}

void attach_table_erase(struct attach_table *t)
{
	struct attach *a;

	TAILQ_FOREACH (a, &t->list, entry)
		ring_erase(&a->ring);
}

static struct attach *attach_find(struct attach_table *t, uint64_t lease, uint64_t attach)
{
	struct attach *a;

	TAILQ_FOREACH (a, &t->list, entry)
		if (a->lease == lease && a->attach == attach && a->state != ATTACH_GONE)
			return a;
	return NULL;
}

static void tell_counts(struct attach_table *t, struct attach *a)
{
	const struct msg_counts m = {
		a->lease, a->attach, a->counts.published, a->counts.delivered, a->counts.dropped};

	t->owner.tell(t->owner.data, &wire_counts, &m);
	a->told = a->counts;
}

/* Nothing more goes to this client; the broker is told, and sends ring_drop. */
static void silence(struct attach_table *t, struct attach *a, const char *fault)
{
	struct msg_client_fault m = {.lease = a->lease, .attach = a->attach};

	if (a->state == ATTACH_GONE || a->state == ATTACH_SILENT)
		return;
	a->state = ATTACH_SILENT;
	strncpy(m.reason, fault, sizeof(m.reason) - 1);
	t->owner.tell(t->owner.data, &wire_client_fault, &m);
}

/* Whether the broker means us: a ring for another camera would put our picture under its name. */
static int check_owner(const struct attach_table *t, const struct msg_ring_give *m)
{
	struct camera_id id;

	memcpy(id.b, m->id, CAMERA_ID_BYTES);
	if (!camera_id_equal(&id, &t->owner.id)) {
		log_error("provenance: a ring for another camera was refused");
		return -EREMCHG;
	}
	if (m->generation != t->owner.generation) {
		log_error("provenance: a ring for another generation was refused");
		return -EREMCHG;
	}
	return 0;
}

static int attach_make(
	struct attach_table *t, const struct msg_ring_give *m, int fds[RING_GIVE_FDS])
{
	struct picture picture;
	struct attach *a;
	int r = check_owner(t, m);

	if (r < 0)
		return r;
	if (m->lease == 0 || m->attach == 0 || m->max_fps > LIMIT_FPS ||
		(m->tag_mode != TAG_SAMPLED && m->tag_mode != TAG_FULL))
		return -EINVAL;
	if (attach_find(t, m->lease, m->attach))
		return -EEXIST;
	if (t->n >= ATTACHES_MAX)
		return -ENOSPC;
	r = picture_layout(m->fourcc, m->width, m->height, &picture);
	if (r < 0)
		return r;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	r = masks_unpack(m->masks, m->masks_len, a->masks.mask, &a->masks.n);
	if (r == 0)
		r = ring_map(fds[RING_GIVE_FD_RING], &picture, m->slots, &a->ring);
	if (r < 0) {
		free(a);
		return r;
	}
	a->lease = m->lease;
	a->attach = m->attach;
	forms_fit_add(&a->fit, &t->forms, m->serial);
	a->tag_mode = m->tag_mode;
	key_attach(t->owner.k_cam, m->lease, m->attach, m->generation, a->key);
	pacer_init(&a->pacer, m->max_fps);
	a->socket = take_fd(&fds[RING_GIVE_FD_SOCKET]);
	TAILQ_INSERT_TAIL(&t->list, a, entry);
	t->n++;
	return 0;
}

int attach_give(struct attach_table *t, const struct msg_ring_give *m, int fds[RING_GIVE_FDS])
{
	struct msg_ring_mapped answer = {.lease = m->lease, .attach = m->attach};
	int r = attach_make(t, m, fds);

	/* Before the answer: the broker seals when no writable descriptor is left. */
	sock_close_fds(&fds[RING_GIVE_FD_RING], 1);
	answer.status = (uint32_t)-r;
	t->owner.tell(t->owner.data, &wire_ring_mapped, &answer);
	return 0;
}

void attach_go(struct attach_table *t, const struct msg_ring_go *m)
{
	struct attach *a = attach_find(t, m->lease, m->attach);

	if (!a || a->state != ATTACH_MAPPED)
		return;
	a->state = ATTACH_LIVE;
	a->live_ns = clock_monotonic_ns();
}

void attach_keep(struct attach_table *t, const struct msg_ring_keep *m)
{
	struct attach *a = attach_find(t, m->lease, m->attach);

	if (a)
		forms_fit_add(&a->fit, &t->forms, m->serial);
}

void attach_table_set_form(struct attach_table *t, uint32_t serial, const struct image_form *form)
{
	forms_tell(&t->forms, serial, form);
}

static bool gets_frames(const struct attach_table *t, const struct attach *a)
{
	return a->state == ATTACH_LIVE && forms_fit_now(&a->fit, &t->forms);
}

bool attach_table_is_wanted(const struct attach_table *t)
{
	const struct attach *a;

	TAILQ_FOREACH (a, &t->list, entry)
		if (gets_frames(t, a))
			return true;
	return false;
}

bool attach_table_has_takers(const struct attach_table *t)
{
	const struct attach *a;

	TAILQ_FOREACH (a, &t->list, entry)
		if (a->state == ATTACH_MAPPED || a->state == ATTACH_LIVE)
			return true;
	return false;
}

/*
 * One credit. 0, or -EPROTO when the client does not hold what it gives back. Of the first picture
 * that was seen the broker hears at once: should we be killed before the next beat, the record of who
 * saw what is not to say that nothing was.
 */
static int take_credit(struct attach_table *t, struct attach *a, const uint8_t *buf, size_t len)
{
	struct msg_credit m;

	if (wire_decode(&wire_credit, buf, len, &m) < 0 || m.acquired > 1 ||
		ring_take_back(&a->ring, m.slot, m.seq) < 0)
		return -EPROTO;
	if (m.acquired)
		a->counts.delivered++;
	else
		a->counts.dropped++; /* superseded by a newer one */
	if (m.acquired && a->counts.delivered == 1)
		tell_counts(t, a);
	return 0;
}

static void read_credits(struct attach_table *t, struct attach *a)
{
	uint8_t buf[CREDIT_CAP];

	for (unsigned i = 0; i < CREDITS_A_RUN; i++) {
		ssize_t n = sock_recv(a->socket, buf, sizeof(buf), NULL, NULL);

		if (n == -EAGAIN)
			return;
		if (n == -EBADMSG || (n >= 0 && take_credit(t, a, buf, (size_t)n) < 0)) {
			silence(t, a,
				n < 0 ? "malformed message on the lease socket"
				      : "credit for a slot that the client does not hold");
			return;
		}
		if (n < 0) {
			silence(t, a, SOCKET_CLOSED);
			return;
		}
	}
}

/* A send found its end closed: what the client said before is still there, and counts. */
static void client_gone(struct attach_table *t, struct attach *a)
{
	read_credits(t, a);
	silence(t, a, SOCKET_CLOSED);
}

#ifdef ENABLE_BREAKAGE
/* "decode-keeps-writing": it says that it let go, and goes on through a second mapping. */
static void *second_mapping(const struct ring *r)
{
	void *again = MAP_FAILED;

	if (r->memory && breakage("decode-keeps-writing"))
		again = mremap(r->memory, 0, r->bytes, MREMAP_MAYMOVE);
	return again == MAP_FAILED ? NULL : again;
}

static void keep_writing(void *memory, size_t bytes)
{
	while (memory)
		memset(memory, 0xee, bytes);
}
#else
#define second_mapping(r)           NULL
#define keep_writing(memory, bytes) ((void)(memory), (void)(bytes))
#endif

void attach_drop(struct attach_table *t, const struct msg_ring_drop *m)
{
	struct msg_let_go answer = {.lease = m->lease, .attach = m->attach};
	struct attach *a = attach_find(t, m->lease, m->attach);
	size_t bytes = a ? a->ring.bytes : 0;
	void *again = a ? second_mapping(&a->ring) : NULL;

	if (a) { /* also what was never mapped is let go of */
		if (a->state == ATTACH_LIVE)
			read_credits(t, a);
		answer.published = a->counts.published;
		answer.delivered = a->counts.delivered;
		answer.dropped = a->counts.dropped;
		attach_let_go(a);
	}
	t->owner.tell(t->owner.data, &wire_let_go, &answer);
	keep_writing(again, bytes);
}

/* Pixels, tag and trailer into the slot; m becomes the announcement. */
static int write_frame(
	struct attach_table *t, struct attach *a, const struct attach_frame *f, struct msg_frame *m)
{
	const struct picture *p = &a->ring.picture;
	uint32_t slot = m->slot;
	struct image image;
	uint8_t *memory;
	struct tag_header h = {
		.camera = t->owner.id,
		.lease = a->lease,
		.attach = a->attach,
		.generation = t->owner.generation,
		.seq = m->seq,
		.capture_ns = m->capture_ns,
		.arrival_ns = m->arrival_ns,
		.slot = m->slot,
		.flags = m->flags,
		.mode = a->tag_mode,
		.color_encoding = f->image.form.color_encoding,
		.color_range = f->image.form.color_range,
		.sar_num = f->image.form.sar_num,
		.sar_den = f->image.form.sar_den,
		.picture = p,
	};
	int r = convert_mask(&f->image, &a->masks, &t->masked, &image);

	if (breakage("decode-wrong-slot"))
		slot = (slot + 1) % a->ring.slots;
	memory = ring_slot(&a->ring, slot);
	if (r == 0)
		r = convert_write(&image, p, &t->scratch, memory);
	if (r < 0)
		return r;
	m->publish_ns = h.publish_ns = clock_monotonic_ns();
	m->publish_boot_ns = h.publish_boot_ns = m->publish_ns + f->asleep_ns;
	if (breakage("decode-stale-tag"))
		h.seq--;
	tag_make(a->key, &h, memory, m->tag);
	slot_trailer_write(memory, p, m->seq, m->tag);
	return 0;
}

static void publish_one(struct attach_table *t, struct attach *a, const struct attach_frame *f)
{
	struct msg_frame m = {
		.flags = f->flags,
		.seq = ++a->counts.published,
		.capture_ns = f->capture_ns,
		.arrival_ns = f->arrival_ns,
	};
	int r = ring_find_free(&a->ring, &m.slot);

	if (r == 0)
		r = write_frame(t, a, f, &m);
	if (r == 0)
		r = sock_send_msg(a->socket, &wire_frame, &m);
	if (r == 0) {
		ring_hand_over(&a->ring, m.slot, m.seq);
		return;
	}
	/* No slot, no memory, a full socket: the slot stays ours and a newer frame comes. */
	a->counts.dropped++;
	if (r == -EPIPE)
		client_gone(t, a);
}

/*
 * Nothing from before the attach: not what is on its way to others, not what the decoder held back,
 * not what was kept while nobody looked. Where pictures are reordered, one that came before may be
 * presented behind one that came later; the attach begins behind the last of them, so that no
 * picture is missing in its midst.
 */
static bool came_in_time(const struct attach *a, const struct attach_frame *f)
{
	return (f->came_ns >= a->live_ns && f->behind_ns >= a->live_ns) ||
		breakage("decode-skip-arrival");
}

int attach_publish(struct attach_table *t, const struct attach_frame *f,
	int (*before_each)(void *data), void *data)
{
	struct attach *a;

	TAILQ_FOREACH (a, &t->list, entry) {
		int r = before_each(data);

		if (r < 0)
			return r;
		if (gets_frames(t, a) && came_in_time(a, f) && pacer_take(&a->pacer, f->media_ns))
			publish_one(t, a, f);
	}
	return 0;
}

void attach_table_beat(struct attach_table *t)
{
	const struct msg_beat beat = {clock_boot_ns()};
	struct attach *a;

	TAILQ_FOREACH (a, &t->list, entry) {
		if (a->state == ATTACH_LIVE &&
			sock_send_msg(a->socket, &wire_beat, &beat) == -EPIPE)
			client_gone(t, a);
		if (a->state != ATTACH_GONE && memcmp(&a->told, &a->counts, sizeof(a->counts)))
			tell_counts(t, a);
	}
}

size_t attach_table_poll(struct attach_table *t, struct pollfd fds[ATTACHES_MAX])
{
	struct attach *a;
	size_t n = 0;

	TAILQ_FOREACH (a, &t->list, entry) {
		bool listens = a->state == ATTACH_LIVE || a->state == ATTACH_MAPPED;

		fds[n++] = (struct pollfd){.fd = listens ? a->socket : -1, .events = POLLIN};
	}
	return n;
}

void attach_table_read(struct attach_table *t, const struct pollfd *fds, size_t n)
{
	struct attach *a = TAILQ_FIRST(&t->list), *next;

	for (size_t i = 0; a; a = next, i++) {
		next = TAILQ_NEXT(a, entry);
		if (i < n && fds[i].revents && a->state != ATTACH_GONE && a->state != ATTACH_SILENT)
			read_credits(t, a);
		if (a->state == ATTACH_GONE)
			attach_free(t, a);
	}
}
