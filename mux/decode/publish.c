/* What every frame goes through once before each attach gets its own. Runs in framemux-decode. */
#include "mux/decode/publish.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/stale.h"
#include "framemux.h"

/*
 * Three intervals of a slow camera are longer than what is stale for others, so the broker has to
 * know a slow rate, which only some streams say of themselves. Told anew when it was measured and
 * is another one, but not with every wobble: a new serial may cost every client its ring.
 */
#define SLOW_FPS_MILLI   10000u
#define RATE_SURE_FRAMES 4u
#define RATE_TOLD_MIN_NS (10 * NS_PER_S)

void publisher_free(struct publisher *p)
{
	image_buffer_free(&p->masked);
}

void publisher_rest(struct publisher *p, bool is_resting)
{
	p->is_resting = is_resting;
	/* Arrival and media times do not mix, nor what was decoded before with what is now. */
	p->rate = (struct rate_meter){0};
}

static void measure_rate(struct publisher *p)
{
	uint32_t fps_milli = rate_meter_fps_milli(&p->rate);

	if (fps_milli && (p->rate.n >= RATE_SURE_FRAMES || p->news.fps_milli == 0))
		p->news.fps_milli = fps_milli;
}

void publisher_note_unit(struct publisher *p, uint64_t arrival_ns)
{
	if (!p->is_resting)
		return;
	rate_meter_add(&p->rate, arrival_ns);
	measure_rate(p);
}

/*
 * A camera's times jump, repeat, are missing or lie in the future; what clients get is between the
 * frame before and now. capture 0 stays: unknown.
 */
static void settle_times(
	struct publisher *p, const struct unit_times *t, uint64_t now, struct attach_frame *f)
{
	f->came_ns = t->arrival_ns == 0 || t->arrival_ns > now ? now : t->arrival_ns;
	f->arrival_ns = f->came_ns;
	if (f->arrival_ns < p->arrival_ns)
		f->arrival_ns = p->arrival_ns;
	p->arrival_ns = f->arrival_ns;
	if (t->capture_ns == 0)
		return;
	f->capture_ns = t->capture_ns < f->arrival_ns ? t->capture_ns : f->arrival_ns;
	if (f->capture_ns < p->capture_ns)
		f->capture_ns = p->capture_ns;
	p->capture_ns = f->capture_ns;
}

static bool is_rate_news(const struct publisher *p, uint64_t now)
{
	uint32_t told = p->told_fps_milli, is = rate_meter_fps_milli(&p->rate);

	if (p->is_resting || p->rate.n < RATE_SURE_FRAMES || is == 0)
		return false;
	if (is >= SLOW_FPS_MILLI && (told == 0 || told >= SLOW_FPS_MILLI))
		return false;
	if (told && (is > told - told / 4 && is < told + told / 4))
		return false;
	return told == 0 || now - p->told_ns >= RATE_TOLD_MIN_NS;
}

static void count_frame(struct publisher *p, const struct decoded *d, uint64_t now,
	uint64_t media_ns, uint32_t fallback_fps_milli)
{
	if (!p->is_resting)
		rate_meter_add(&p->rate, media_ns);
	p->news.frames_decoded++;
	p->news.frames_corrupt += d->is_concealed;
	p->news.last_frame_ns = now;
	p->news.width = d->image.form.width;
	p->news.height = d->image.form.height;
	measure_rate(p);
	if (p->news.fps_milli == 0)
		p->news.fps_milli = fallback_fps_milli;
}

/* A new serial: this form and this rate. */
static void next_serial(
	struct publisher *p, const struct image_form *form, uint64_t now, struct msg_format *ret)
{
	p->serial++;
	p->form = *form;
	p->told_fps_milli = p->news.fps_milli;
	p->told_ns = now;
	*ret = (struct msg_format){p->serial, form->width, form->height, form->sar_num,
		form->sar_den, form->color_encoding, form->color_range, p->news.fps_milli};
}

/*
 * A decoder that cannot keep up, or has a long group to go through, is at units that came long ago:
 * what it makes of them is no picture of now. (Pictures that the stream itself holds back are judged
 * by the unit that brought them out.)
 */
static bool is_too_late(const struct publisher *p, const struct decoded *d, uint64_t now)
{
	uint64_t limit = stale_limit_ns(p->stale_after_ns, p->news.fps_milli);

	return p->stale_after_ns && d->newest_ns && now > d->newest_ns &&
		now - d->newest_ns > limit;
}

int publish_frame(struct publisher *p, struct attach_table *attaches, const struct decoded *decoded,
	uint32_t fallback_fps_milli, void (*tell_format)(void *data, const struct msg_format *m),
	int (*before_each)(void *data), void *data)
{
	const struct image_form *form = &decoded->image.form;
	uint64_t now = clock_monotonic_ns();
	struct attach_frame f = {
		.flags = decoded->is_concealed ? FRAMEMUX_FRAME_CONCEALED : 0,
		.behind_ns = decoded->behind_ns,
		.asleep_ns = p->asleep_ns,
	};
	struct msg_format m;
	int r;

	settle_times(p, &decoded->times, now, &f);
	f.media_ns = media_clock_step(&p->media, decoded->times.pts_ns, f.arrival_ns);
	count_frame(p, decoded, now, f.media_ns, fallback_fps_milli);
	if (p->serial == 0 || !image_form_is(form, &p->form) || is_rate_news(p, now)) {
		next_serial(p, form, now, &m);
		attach_table_set_form(attaches, m.serial, form);
		tell_format(data, &m);
	}
	if (f.came_ns < p->not_before_ns || is_too_late(p, decoded, now) ||
		!attach_table_is_wanted(attaches))
		return 0;
	r = convert_mask(&decoded->image, &p->masks, &p->masked, &f.image);
	if (r < 0) { /* unmasked is not an option */
		log_error("a frame is lost: %s", strerror(-r));
		return 0;
	}
	return attach_publish(attaches, &f, before_each, data);
}
