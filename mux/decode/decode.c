/*
 * One decoder's life: born, told its camera, fed, publishing, ended by the end of a link. One
 * thread, one poll loop; nothing in it waits but poll. Runs in framemux-decode.
 *
 * The links to framemuxd and the broker are trusted to be what they are; a message from them that
 * makes no sense is a broken invariant and ends the process. The stream and the lease sockets are
 * not trusted: the first ends the pair, the second their attach.
 */
#include "mux/decode/decode.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/stale.h"
#include "common/suspend.h"
#include "mux/decode/attach.h"
#include "mux/decode/feed.h"
#include "mux/decode/input.h"
#include "mux/decode/links.h"
#include "mux/decode/publish.h"
#include "mux/link/birth.h"
#include "mux/link/daemon_decode.h"
#include "mux/role.h"

#define BEAT_NS       (NS_PER_S / 4)
#define STREAM_BROKEN "ingest does not speak the stream's protocol"

enum { POLL_DAEMON, POLL_BROKER, POLL_STREAM, POLL_LEASES, POLL_MAX = POLL_LEASES + ATTACHES_MAX };
enum { STATE_BORN = 1, STATE_STARTED = 2 };

struct decode {
	unsigned state;
	struct links *links;           /* owned */
	struct attach_table *attaches; /* owned; from decode_start on */
	struct input *input;           /* owned; likewise */
	struct feed *feed;             /* owned; likewise */
	struct publisher publisher;
	uint64_t next_beat_ns;
	uint64_t told_stale_ns; /* this newest frame is known to be stale */
	struct suspend suspend;
	bool is_ended;
	int exit_code;
	struct pollfd polled[POLL_MAX];
};

/* --- the end --- */

/* Nobody is left who would erase the rings. */
static void end_erasing(struct decode *d, int exit_code)
{
	if (d->is_ended)
		return;
	if (d->attaches)
		attach_table_erase(d->attaches);
	d->is_ended = true;
	d->exit_code = exit_code;
}

/* The pair has to end; the broker erases once framemuxd has reaped us. */
static void end_as(struct decode *d, enum decode_failure what, const char *reason)
{
	struct msg_decode_failed m = {.what = what};

	if (d->is_ended)
		return;
	log_warning("%s", reason);
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	links_tell(d->links, LINK_DAEMON, &wire_decode_failed, &m);
	d->is_ended = true;
	d->exit_code = 1;
}

static void end_failing(struct decode *d, const char *reason)
{
	end_as(d, DECODE_AGAIN, reason);
}

static void check_links(struct decode *d)
{
	int r = links_state(d->links);

	if (r == 0 || d->is_ended)
		return;
	if (r == -EPIPE) {
		end_erasing(d, 0);
		return;
	}
	log_error("a link broke: %s", strerror(-r));
	end_erasing(d, 1);
}

/* --- the broker --- */

static int on_ring_give(void *self, const void *msg, int *fds)
{
	struct decode *d = self;

	return attach_give(d->attaches, msg, fds);
}

static int on_ring_go(void *self, const void *msg, int *fds)
{
	struct decode *d = self;

	(void)fds;
	attach_go(d->attaches, msg);
	return 0;
}

static int on_ring_keep(void *self, const void *msg, int *fds)
{
	struct decode *d = self;

	(void)fds;
	attach_keep(d->attaches, msg);
	return 0;
}

static int on_ring_drop(void *self, const void *msg, int *fds)
{
	struct decode *d = self;

	(void)fds;
	attach_drop(d->attaches, msg);
	return 0;
}

static const struct wire_rule broker_rules[] = {
	{&wire_ring_give, STATE_STARTED, RING_GIVE_FDS, on_ring_give},
	{&wire_ring_go, STATE_STARTED, 0, on_ring_go},
	{&wire_ring_keep, STATE_STARTED, 0, on_ring_keep},
	{&wire_ring_drop, STATE_STARTED, 0, on_ring_drop},
};

/* A zero-timeout look, before everything that takes long: a revoke waits 20 ms and no more. */
static int look_at_broker(void *data)
{
	struct decode *d = data;

	links_read(d->links, LINK_BROKER, broker_rules, ARRAY_SIZE(broker_rules), d->state, d);
	check_links(d);
	return d->is_ended ? -ECANCELED : 0;
}

static void tell_broker(void *data, const struct wire_message *m, const void *msg)
{
	struct decode *d = data;

	links_tell(d->links, LINK_BROKER, m, msg);
}

static void tell_format(void *data, const struct msg_format *m)
{
	log_info("format %u: %ux%u, %u:%u, encoding %u, range %u, %u.%03u fps", m->serial, m->width,
		m->height, m->sar_num, m->sar_den, m->color_encoding, m->color_range,
		m->fps_milli / 1000, m->fps_milli % 1000);
	tell_broker(data, &wire_format, m);
}

/* --- framemuxd --- */

static void tell_news(struct decode *d)
{
	const struct publish_news *n = &d->publisher.news;
	struct msg_decode_beat m = {
		.frames_decoded = n->frames_decoded,
		.frames_corrupt = n->frames_corrupt,
		.last_frame_ns = feed_last_frame_ns(d->feed),
		.width = n->width,
		.height = n->height,
		.fps_milli = n->fps_milli,
	};

	snprintf(m.codec, sizeof(m.codec), "%s", feed_codec_name(d->feed));
	links_tell(d->links, LINK_DAEMON, &wire_decode_beat, &m);
}

static void tell_first(void *data)
{
	tell_news(data);
}

static int make_feed(struct decode *d, uint32_t max_pixels)
{
	const struct feed_owner owner = {.publisher = &d->publisher,
		.attaches = d->attaches,
		.max_pixels = max_pixels,
		.tell_format = tell_format,
		.tell_first = tell_first,
		.before_each = look_at_broker,
		.data = d};

	d->feed = feed_new(&owner);
	return d->feed ? 0 : -ENOMEM;
}

static int on_start(void *self, const void *msg, int *fds)
{
	struct decode *d = self;
	const struct msg_decode_start *m = msg;
	const struct msg_decode_ready ready = {m->generation};
	struct attach_owner owner = {.generation = m->generation, .tell = tell_broker, .data = d};
	char who[sizeof("decode ") + LIMIT_NAME];
	int r;

	(void)fds;
	snprintf(who, sizeof(who), "decode %s", m->name);
	log_init(who, (int)(m->verbose < 9 ? m->verbose : 9));
	if (m->stale_after_ms == 0 || m->max_pixels == 0 || m->max_pixels > LIMIT_PIXELS)
		return -EINVAL;
	d->publisher.stale_after_ns = m->stale_after_ms * NS_PER_MS;
	r = role_limit_memory(m->memory_mb);
	if (r == 0)
		r = masks_unpack(
			m->masks, m->masks_len, d->publisher.masks.mask, &d->publisher.masks.n);
	if (r < 0)
		return r;
	memcpy(owner.id.b, m->id, sizeof(owner.id.b));
	memcpy(owner.k_cam, m->k_cam, sizeof(owner.k_cam));
	d->attaches = attach_table_new(&owner);
	d->input = input_new(LINK_FD_DECODE_STREAM, &owner.id, owner.generation);
	sodium_memzero(&owner, sizeof(owner));
	if (!d->attaches || !d->input || make_feed(d, m->max_pixels) < 0)
		return -ENOMEM;
	d->state = STATE_STARTED;
	links_tell(d->links, LINK_DAEMON, &wire_decode_ready, &ready);
	return 0;
}

static const struct wire_rule daemon_rules[] = {
	{&wire_decode_start, STATE_BORN, 0, on_start},
};

/* --- the stream --- */

/* < 0 from the feed: the pair has to end, unless it has already. */
static void check_feed(struct decode *d, int r)
{
	switch (r) {
	case 0:
	case -ECANCELED:
		return;
	case -EPROTO:
		end_as(d, DECODE_UNFIT, STREAM_BROKEN);
		return;
	case -ENOMEM:
		end_failing(d, role_no_memory());
		return;
	case -ENODATA: /* it lacks only what was lost on its way: the next one may be better */
		end_failing(d, feed_reason(d->feed));
		return;
	default:
		end_as(d, DECODE_UNFIT, feed_reason(d->feed));
	}
}

/* One message: the broker and the clients get their turn before the next. */
static void read_stream(struct decode *d)
{
	struct input_message m;
	int r = input_next(d->input, &m);

	switch (r) {
	case 0:
		check_feed(d, feed_message(d->feed, &m));
		return;
	case -EAGAIN:
		return;
	case -EPIPE:
		end_failing(d, "ingest ended");
		return;
	case -EREMCHG:
		end_as(d, DECODE_UNFIT, "ingest speaks for another camera");
		return;
	case -EPROTO:
		end_as(d, DECODE_UNFIT, STREAM_BROKEN);
		return;
	case -ENOMEM:
		end_failing(d, role_no_memory());
		return;
	default:
		end_failing(d, strerror(-r));
	}
}

/* --- the loop --- */

/* Monotonic time stands still during suspend: what was queued then must not be shown after it. */
static void notice_suspend(struct decode *d)
{
	if (suspend_notice(&d->suspend)) {
		log_notice("resumed after a suspend");
		d->publisher.not_before_ns = clock_monotonic_ns();
	}
	d->publisher.asleep_ns = d->suspend.asleep_ns;
}

/* When framemuxd has to hear that the newest frame is too old: at that moment, not a beat later. */
static uint64_t stale_at(const struct decode *d, uint64_t frame_ns)
{
	if (frame_ns == 0 || frame_ns == d->told_stale_ns)
		return UINT64_MAX;
	return frame_ns + stale_limit_ns(d->publisher.stale_after_ns, d->publisher.news.fps_milli);
}

/* Beats that are due; how long to wait for the next. */
static int until_beat_ms(struct decode *d)
{
	uint64_t now = clock_monotonic_ns(), frame_ns, next;

	if (d->state != STATE_STARTED)
		return -1;
	frame_ns = feed_last_frame_ns(d->feed);
	if (now >= stale_at(d, frame_ns)) {
		tell_news(d);
		d->told_stale_ns = frame_ns;
	}
	if (now >= d->next_beat_ns) {
		attach_table_beat(d->attaches);
		tell_news(d);
		d->next_beat_ns = now + BEAT_NS;
	}
	if (feed_is_busy(d->feed))
		return 0;
	next = stale_at(d, frame_ns);
	if (next > d->next_beat_ns)
		next = d->next_beat_ns;
	return (int)((next - now + NS_PER_MS - 1) / NS_PER_MS);
}

static void loop_once(struct decode *d)
{
	struct pollfd *p = d->polled;
	bool is_started = d->state == STATE_STARTED;
	int timeout = until_beat_ms(d);
	size_t n_leases = 0;

	p[POLL_DAEMON] = (struct pollfd){LINK_FD_DAEMON, links_events(d->links, LINK_DAEMON), 0};
	p[POLL_BROKER] = (struct pollfd){
		is_started ? LINK_FD_DECODE_BROKER : -1, links_events(d->links, LINK_BROKER), 0};
	p[POLL_STREAM] = (struct pollfd){
		is_started && feed_may_read(d->feed) ? LINK_FD_DECODE_STREAM : -1, POLLIN, 0};
	if (is_started)
		n_leases = attach_table_poll(d->attaches, p + POLL_LEASES);
	if (poll(p, (nfds_t)(POLL_LEASES + n_leases), timeout) < 0) {
		if (errno != EINTR) {
			log_error("poll: %s", strerror(errno));
			end_erasing(d, 1);
		}
		return;
	}
	role_turn();
	notice_suspend(d);
	if (p[POLL_DAEMON].revents & POLLOUT)
		links_flush(d->links, LINK_DAEMON);
	if (p[POLL_BROKER].revents & POLLOUT)
		links_flush(d->links, LINK_BROKER);
	if (p[POLL_DAEMON].revents & (POLLIN | POLLHUP | POLLERR))
		links_read(
			d->links, LINK_DAEMON, daemon_rules, ARRAY_SIZE(daemon_rules), d->state, d);
	check_links(d);
	if (d->is_ended || !is_started)
		return;
	if (look_at_broker(d) < 0)
		return;
	attach_table_read(d->attaches, p + POLL_LEASES, n_leases);
	check_feed(d, feed_turn(d->feed));
	if (p[POLL_STREAM].revents && !d->is_ended && feed_may_read(d->feed))
		read_stream(d);
	check_links(d);
}

int decode_run(void)
{
	struct decode *d = calloc(1, sizeof(*d));
	int exit_code;

	if (!d || sodium_init() < 0)
		return 1;
	codec_log_begin();
	d->state = STATE_BORN;
	d->links = links_new(LINK_FD_DAEMON, LINK_FD_DECODE_BROKER);
	if (!d->links)
		return 1;
	suspend_notice(&d->suspend);
	while (!d->is_ended)
		loop_once(d);
	exit_code = d->exit_code;
	attach_table_free(d->attaches);
	input_free(d->input);
	feed_free(d->feed);
	publisher_free(&d->publisher);
	links_free(d->links);
	free(d);
	return exit_code;
}
