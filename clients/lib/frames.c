/*
 * The client's end of a lease socket. Owns nothing: works on a struct ring. Receives without a
 * control buffer, so that no descriptor ever comes from a decoder. In the client's process.
 */
#include "clients/lib/frames.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/sock.h"

#define DRAIN_MAX           64u /* messages a call; a flood leaves the rest for later */
#define FUTURE_TOLERANCE_NS (100u * NS_PER_MS) /* the clocks are this machine's own */
#define BEAT_GAP_NS         (20u * NS_PER_MS)  /* they come at 4 Hz: closer ones are a flood */
#define FRAME_FLAGS         FRAMEMUX_FRAME_CONCEALED
#define LEASE_MESSAGE_MAX   256u

/*
 * At most as many credits are under way as there are slots, so a socket that does not take one
 * belongs to a decoder that has stopped reading: hang up, which the drain then sees as the end.
 */
static void credit(struct ring *r, unsigned slot, bool was_acquired)
{
	struct slot *s = &r->slots[slot];
	struct msg_credit c = {.slot = slot, .acquired = was_acquired, .seq = s->frame.seq};

	s->owner = SLOT_DECODER;
	if (r->socket_fd >= 0 && sock_send_msg(r->socket_fd, &wire_credit, &c) < 0)
		shutdown(r->socket_fd, SHUT_RDWR);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Everything about a frame message but its tag. */
static bool frame_is_plausible(const struct ring *r, const struct msg_frame *m)
{
	if (m->slot >= r->attach.slots || r->slots[m->slot].owner != SLOT_DECODER)
		return false;
	if (m->seq <= r->last_seq || (m->flags & ~FRAME_FLAGS))
		return false;
	if (m->arrival_ns > m->publish_ns || m->publish_ns < r->last_publish_ns ||
		m->publish_boot_ns < r->last_publish_boot_ns)
		return false;
	return m->publish_ns <= clock_monotonic_ns() + FUTURE_TOLERANCE_NS &&
		m->publish_boot_ns <= clock_boot_ns() + FUTURE_TOLERANCE_NS;
}

/* The slot is the client's now. */
static void note_frame(struct ring *r, const struct msg_frame *m)
{
	struct slot *s = &r->slots[m->slot];

	r->last_seq = m->seq;
	r->last_publish_ns = m->publish_ns;
	r->last_publish_boot_ns = m->publish_boot_ns;
	s->owner = SLOT_READY;
	s->publish_boot_ns = m->publish_boot_ns;
	memcpy(s->tag, m->tag, TAG_BYTES);
	s->frame.seq = m->seq;
	s->frame.flags = m->flags;
	s->frame.publish_ns = m->publish_ns;
}

/*
 * What reaches the application never runs backwards. A camera that claims to have captured a
 * picture after it was published does not know its time.
 */
static void note_times(struct ring *r, const struct msg_frame *m)
{
	struct framemux_frame *f = &r->slots[m->slot].frame;

	r->last_arrival_ns = later(r->last_arrival_ns, m->arrival_ns);
	f->arrival_ns = r->last_arrival_ns;
	f->capture_ns = 0;
	if (m->capture_ns && m->capture_ns <= m->publish_ns) {
		r->last_capture_ns = later(r->last_capture_ns, m->capture_ns);
		f->capture_ns = r->last_capture_ns;
	}
}

/*
 * A decoder that has lost its broker clears its rings, and nobody sets the dead mark. There is nothing
 * wrong with such a slot, there is only nothing in it; what belongs to another frame, attach or camera
 * has its seq, and what was never written has SLOT_UNWRITTEN.
 */
static bool is_erased(const struct ring *r, unsigned slot)
{
	return slot_is_erased(ring_slot(r, slot), &r->picture) && !breakage("lib-skip-erased");
}

/* 0; -ESTALE: erased; -EBADMSG: not what its tag vouches for. */
static int verify(const struct ring *r, const struct msg_frame *m)
{
	const struct tag_header h = {
		.camera = r->camera,
		.lease = r->attach.lease,
		.attach = r->attach.attach,
		.generation = r->attach.generation,
		.seq = m->seq,
		.capture_ns = m->capture_ns,
		.arrival_ns = m->arrival_ns,
		.publish_ns = m->publish_ns,
		.publish_boot_ns = m->publish_boot_ns,
		.slot = m->slot,
		.flags = m->flags,
		.mode = r->attach.tag_mode,
		.color_encoding = r->attach.color_encoding,
		.color_range = r->attach.color_range,
		.sar_num = r->attach.sar_num,
		.sar_den = r->attach.sar_den,
		.picture = &r->picture,
	};

	if (breakage("lib-skip-tag"))
		return 0;
	/* The trailer costs nothing: an unwritten or half-written slot needs no hashing. */
	if (slot_trailer_check(ring_slot(r, m->slot), &r->picture, m->seq, m->tag) == 0 &&
		tag_verify(r->attach.k_attach, &h, ring_slot(r, m->slot), m->tag) == 0)
		return 0;
	/* Looked at last: it may have been cleared under the tag's eyes. */
	return is_erased(r, m->slot) ? -ESTALE : -EBADMSG;
}

static bool is_too_old(const struct ring *r, uint64_t publish_boot_ns)
{
	uint64_t now = clock_boot_ns();

	return now > publish_boot_ns && now - publish_boot_ns > r->attach.stale_ns &&
		!breakage("lib-skip-age");
}

void frames_drop_ready(struct ring *r)
{
	if (r->ready >= 0)
		credit(r, (unsigned)r->ready, false);
	r->ready = -1;
}

/* The newest frame of a drain takes the place of the one that waited. */
static int admit(struct ring *r, const struct msg_frame *m, uint64_t *ret_seq)
{
	int e;

	frames_drop_ready(r);
	if (is_too_old(r, m->publish_boot_ns)) {
		credit(r, m->slot, false);
		return 0;
	}
	e = verify(r, m);
	if (e == -EBADMSG)
		*ret_seq = m->seq;
	if (e < 0)
		return e;
	note_times(r, m);
	r->ready = (int)m->slot;
	return 1;
}

/* One message: 1 with a frame in *ret, 0 without, -EBADMSG. */
static int take_message(struct ring *r, const uint8_t *buf, size_t len, struct msg_frame *ret)
{
	struct msg_beat beat;

	if (wire_type(buf, len) == wire_frame.type) {
		if (wire_decode(&wire_frame, buf, len, ret) < 0)
			return -EBADMSG;
		if (!frame_is_plausible(r, ret))
			return -EBADMSG;
		note_frame(r, ret);
		return 1;
	}
	if (wire_decode(&wire_beat, buf, len, &beat) < 0 ||
		beat.boot_ns < r->last_beat_ns + BEAT_GAP_NS ||
		beat.boot_ns > clock_boot_ns() + FUTURE_TOLERANCE_NS)
		return -EBADMSG;
	r->last_beat_ns = beat.boot_ns;
	return 0;
}

int frames_drain(struct ring *r, uint64_t *ret_seq)
{
	struct msg_frame newest = {0}, m;
	uint8_t buf[LEASE_MESSAGE_MAX];
	bool have = false;
	int end = 0, e;

	if (r->socket_fd < 0)
		return -EPIPE;
	for (unsigned i = 0; i < DRAIN_MAX; i++) {
		ssize_t n = sock_recv(r->socket_fd, buf, sizeof(buf), NULL, NULL);

		if (n == -EAGAIN)
			break;
		if (n < 0 && n != -EBADMSG) {
			end = -EPIPE;
			break;
		}
		e = n < 0 ? -EBADMSG : take_message(r, buf, (size_t)n, &m);
		if (e < 0) {
			*ret_seq = r->last_seq + 1;
			return e;
		}
		if (e == 0)
			continue;
		if (have)
			credit(r, newest.slot, false);
		newest = m;
		have = true;
	}
	if (have) {
		e = admit(r, &newest, ret_seq);
		if (e != 0)
			return e; /* an end of the socket will still be there next time */
	}
	return end;
}

int frames_acquire(struct ring *r, const struct framemux_frame **ret)
{
	struct slot *s;

	if (r->ready < 0)
		return -EAGAIN;
	s = &r->slots[r->ready];
	if (is_too_old(r, s->publish_boot_ns) || is_erased(r, (unsigned)r->ready)) {
		frames_drop_ready(r);
		return -ESTALE;
	}
	s->owner = SLOT_ACQUIRED;
	r->n_acquired++;
	r->ready = -1;
	*ret = &s->frame;
	return 0;
}

int frames_check(const struct ring *r, unsigned slot)
{
	const struct slot *s = &r->slots[slot];

	if (breakage("lib-skip-check"))
		return 0;
	if (ring_is_dead(r) || is_too_old(r, s->publish_boot_ns))
		return -ESTALE;
	if (slot_trailer_check(ring_slot(r, slot), &r->picture, s->frame.seq, s->tag) < 0)
		return -ESTALE;
	/* Once more: with a mark it is the mark that comes first, without one the trailer. */
	return ring_is_dead(r) ? -ESTALE : 0;
}

void frames_release(struct ring *r, unsigned slot)
{
	r->n_acquired--;
	credit(r, slot, true);
}
