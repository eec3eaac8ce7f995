/* The checking client. In a process of its own. */
#include "clients/ctl/check/check_watch.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/ctl/check/check_look.h"
#include "clients/ctl/check/check_seen.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "framemux.h"

#define VIEW_MIN_MS  200u
#define VIEW_MAX_MS  4000u
#define ASIDE_MS     50  /* until what can only be asked again is asked again */
#define TOLD_MAX     3u  /* failures of each kind and client */
#define VIEWS_OF_ONE 16u /* views before a connection is given up as well */

struct watch {
	struct board *board;
	struct board_seat *seat;
	struct board_camera *camera;
	struct framemux *fm;
	struct framemux_view *view;
	const struct framemux_frame *held; /* the newest: whoever revokes takes it from us */
	enum framemux_state state;
	uint64_t asked_ns; /* when the view was opened */
	uint64_t limit_ns; /* of the view: older frames are stale */
	uint64_t dark_ns;  /* since when there is nothing to see; 0: there is */
	bool has_joined;
	/* Of the newest frame of all views. */
	uint64_t generation, taken_ns;
	int number;
};

static unsigned pick(unsigned n)
{
	return (unsigned)random() % n;
}

/* --- one frame ------------------------------------------------------------------------------- */

static void count_blocks(struct tally *t, const struct look *l, const struct framemux_frame *f)
{
	t->frames++;
	t->blocks += l->blocks;
	t->concealed += !!(f->flags & FRAMEMUX_FRAME_CONCEALED);
	t->stranger_blocks += l->strangers;
	t->torn_blocks += l->torn;
	t->unreadable_blocks += l->unreadable;
}

/* A guarantee did not hold: counted, and the first few times told. */
static void blame(const struct watch *w, uint64_t *count, const struct framemux_frame *f,
	int number, const char *what)
{
	uint64_t age_ms = (clock_monotonic_ns() - f->publish_ns) / NS_PER_MS;

	if (++*count > TOLD_MAX)
		return;
	fprintf(stderr,
		"check: %s, generation %" PRIu64 ", frame %" PRIu64 " (number %d, %" PRIu64
		" ms after it was published): %s\n",
		w->camera->name, f->generation, f->seq, number, age_ms, what);
}

/* Which must come after the frame before, in whichever view that was. */
static void check_order(struct watch *w, const struct framemux_frame *f, int number, uint64_t now)
{
	uint64_t sure_ns = BOARD_NUMBERS / 4 * NS_PER_S / w->camera->fps;
	unsigned ahead = (unsigned)(number - w->number) % BOARD_NUMBERS;
	struct tally *t = &w->seat->tally;

	if (f->generation < w->generation)
		blame(w, &t->disordered_frames, f, number, "of an older generation");
	else if (f->generation == w->generation && w->taken_ns && now - w->taken_ns < sure_ns &&
		(ahead == 0 || ahead > BOARD_NUMBERS / 2))
		blame(w, &t->disordered_frames, f, number, "not newer than the one before");
}

/* began: before it was acquired. */
static void check_age(struct watch *w, const struct framemux_frame *f, int number, uint64_t began)
{
	struct tally *t = &w->seat->tally;

	if (began > f->publish_ns + w->limit_ns)
		blame(w, &t->stale_frames, f, number, "acquired when it was too old");
	else if (seen_is_stale(w->camera, f->generation, number, began, w->limit_ns))
		blame(w, &t->stale_frames, f, number, "a later one was seen long before");
	if (seen_before(w->camera, f->generation, number, w->asked_ns))
		blame(w, &t->early_frames, f, number, "seen before this view was opened");
}

static bool is_revoked(const struct watch *w, uint64_t at_ns)
{
	uint64_t ns = atomic_load(&w->seat->revoked_ns);

	return ns && at_ns > ns &&
		atomic_load(&w->seat->revoked_lease) == framemux_view_lease(w->view);
}

static void let_go(struct watch *w)
{
	framemux_release(w->view, w->held);
	w->held = NULL;
}

static void judge(struct watch *w, const struct framemux_frame *f, uint64_t began)
{
	struct tally *t = &w->seat->tally;
	bool is_damaged = !w->camera->is_exact && f->flags & FRAMEMUX_FRAME_CONCEALED;
	struct look l = look_at(
		w->board, w->camera, f->plane[0], f->stride[0], f->width, f->height, is_damaged);
	uint64_t now = clock_monotonic_ns();

	if (framemux_check(w->view, f) < 0) {
		t->withdrawn++;
		return;
	}
	count_blocks(t, &l, f);
	if (l.number >= 0) {
		check_order(w, f, l.number, now);
		check_age(w, f, l.number, began);
		seen_note(w->camera, f->generation, l.number, now);
		w->number = l.number;
		w->generation = f->generation;
		w->taken_ns = now;
	}
	if (!w->has_joined)
		samples_add(&t->join, now - w->asked_ns);
	else if (w->dark_ns)
		samples_add(&t->rejoin, now - w->dark_ns);
	w->has_joined = true;
	w->dark_ns = 0;
}

static void take_frame(struct watch *w)
{
	const struct framemux_frame *f;
	uint64_t began = clock_monotonic_ns();
	int r = framemux_acquire(w->view, &f);

	if (r == -EBADMSG)
		w->seat->tally.unproven_frames++;
	if (r < 0)
		return;
	if (is_revoked(w, began))
		blame(w, &w->seat->tally.revoked_frames, f, -1, "after the revoke had returned");
	judge(w, f, began);
	let_go(w);
	w->held = f;
}

static void on_frame(void *data, struct framemux_view *view)
{
	(void)view;
	take_frame(data);
}

/* --- one view -------------------------------------------------------------------------------- */

static bool is_blank(const struct framemux_frame *f)
{
	for (uint32_t p = 0; p < f->planes; p++) {
		size_t rows = p ? (f->height + 1) / 2 : f->height;
		const uint8_t *bytes = f->plane[p];

		for (size_t i = 0; i < rows * f->stride[p]; i++)
			if (bytes[i])
				return false;
	}
	return true;
}

/* Whoever revoked says so after the last pixel is gone, and a held frame has some of them. */
static void check_revoked(struct watch *w)
{
	struct tally *t = &w->seat->tally;
	const struct framemux_frame *f;

	if (w->held && !is_blank(w->held))
		blame(w, &t->unerased_frames, w->held, w->number, "revoked, and not erased");
	if (w->held && framemux_check(w->view, w->held) == 0)
		blame(w, &t->revoked_frames, w->held, w->number,
			"revoked, and the library says that it is good");
	if (framemux_acquire(w->view, &f) == 0) {
		blame(w, &t->revoked_frames, f, -1, "acquired after the revoke");
		framemux_release(w->view, f);
	}
}

static void on_state(
	void *data, struct framemux_view *view, enum framemux_state state, const char *reason)
{
	struct watch *w = data;

	(void)view;
	(void)reason;
	atomic_store(&w->seat->lease, framemux_view_lease(w->view));
	if (state != FRAMEMUX_STATE_LIVE && w->state == FRAMEMUX_STATE_LIVE)
		w->dark_ns = clock_monotonic_ns();
	w->state = state;
	if (state == FRAMEMUX_STATE_REVOKED)
		check_revoked(w);
}

/* What is held past the limit may not be shown any more. */
static void check_held(struct watch *w)
{
	uint64_t now = clock_monotonic_ns();

	if (w->held && now > w->held->publish_ns + w->limit_ns &&
		framemux_check(w->view, w->held) == 0) {
		blame(w, &w->seat->tally.stale_frames, w->held, w->number,
			"too old, and the library says that it is good");
		let_go(w);
	}
}

/* Of a slow view: three of its intervals. */
static uint64_t limit_of(const struct board *b, uint32_t fps)
{
	uint64_t slow = 3 * NS_PER_S / fps;

	return slow > b->limit_ns ? slow : b->limit_ns;
}

static int open_view(struct watch *w, const char *token)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .state = on_state, .frame = on_frame};
	static const uint32_t formats[] = {DRM_FORMAT_NV12, DRM_FORMAT_YUV420};
	bool is_half = pick(4) == 0 && w->camera->width % 4 == 0 && w->camera->height % 4 == 0;
	const struct framemux_request rq = {
		.size = sizeof(rq),
		.width = is_half ? w->camera->width / 2 : 0,
		.height = is_half ? w->camera->height / 2 : 0,
		.fourcc = formats[pick(ARRAY_SIZE(formats))],
		.fps = pick(4) ? 0 : w->camera->fps / 2,
		.slots = 3 + pick(3),
		.flags = FRAMEMUX_OPEN_VERIFY_FULL | (pick(2) ? FRAMEMUX_OPEN_RECONNECT : 0),
		.camera = w->camera->name,
		.token = token,
	};

	w->state = FRAMEMUX_STATE_CONNECTING;
	w->limit_ns = limit_of(w->board, rq.fps ? rq.fps : w->camera->fps);
	w->has_joined = false;
	w->dark_ns = 0;
	w->asked_ns = clock_monotonic_ns();
	w->seat->tally.views++;
	return framemux_open(w->fm, &rq, &listener, w, &w->view);
}

static void close_view(struct watch *w)
{
	let_go(w);
	framemux_view_close(w->view);
	w->view = NULL;
	atomic_store(&w->seat->lease, 0);
}

/* Watch until it is time to leave. The token's serial to wait for another one, 0 to go on, or -errno. */
static int watch_view(struct watch *w)
{
	uint64_t until =
		clock_monotonic_ns() + (VIEW_MIN_MS + pick(VIEW_MAX_MS - VIEW_MIN_MS)) * NS_PER_MS;
	char token[LIMIT_TOKEN];
	uint32_t serial = board_token(w->seat, token);
	int r = serial ? open_view(w, token) : 0;

	if (r < 0 || !serial)
		return r;
	while (r == 0 && w->state < FRAMEMUX_STATE_REVOKED && !atomic_load(&w->board->is_over) &&
		clock_monotonic_ns() < until) {
		r = framemux_dispatch(w->fm, ASIDE_MS);
		check_held(w);
		take_frame(w); /* a frame that was refused calls nobody back */
	}
	/* Nobody was told, but the mux has said that it is over: then it is. */
	if (r == 0 && w->view && is_revoked(w, UINT64_MAX))
		check_revoked(w);
	close_view(w);
	return r < 0 ? r
		: w->state == FRAMEMUX_STATE_REVOKED || w->state == FRAMEMUX_STATE_REFUSED
		? (int)serial
		: 0;
}

/* Whoever revokes gives a new token at once; a refusal for another reason may be over, too. */
static void await_token(const struct watch *w, int serial)
{
	for (unsigned i = 0; i < 10 && !atomic_load(&w->board->is_over) &&
		(int)atomic_load(&w->seat->serial) == serial;
		i++)
		(void)poll(NULL, 0, ASIDE_MS);
}

static void watch_connection(struct watch *w)
{
	unsigned views = 1 + pick(VIEWS_OF_ONE);

	while (views-- && !atomic_load(&w->board->is_over)) {
		int r = watch_view(w);

		if (r < 0)
			return;
		if (r > 0 || !atomic_load(&w->seat->serial))
			await_token(w, r);
	}
}

int watch_run(struct board *b, uint32_t seat, const char *socket_path)
{
	struct watch w = {.board = b, .seat = &b->seats[seat]};

	w.camera = &b->cameras[w.seat->camera];
	srandom((unsigned)(clock_monotonic_ns() / NS_PER_US) ^ (unsigned)getpid() << 8);
	while (!atomic_load(&b->is_over)) {
		if (framemux_connect(socket_path, &w.fm) < 0) {
			(void)poll(NULL, 0, ASIDE_MS);
			continue;
		}
		watch_connection(&w);
		framemux_close(w.fm);
		w.fm = NULL;
	}
	return 0;
}
