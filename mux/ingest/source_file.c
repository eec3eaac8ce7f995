/*
 * The file as a source: paced by its timestamps, again from the beginning at its end. Time goes on
 * over the seam, and no frame is lost to a slow decoder: the pace is ours. Runs in ingest.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "mux/ingest/movie.h"
#include "mux/ingest/source.h"

#define FILE_LATE_NS (NS_PER_S / 2)  /* further behind than this, time begins anew */
#define FILE_STEP_NS (10 * NS_PER_S) /* the longest pause between two units */

struct file {
	struct source_context cx;
	struct movie *movie;          /* owned */
	struct movie_unit unit;       /* the next one; borrowed from movie */
	uint64_t due_ns;              /* when it goes */
	uint64_t offset_ns;           /* of this round, in stream time */
	uint64_t last_dts_ns, end_ns; /* of the unit before; where the round ends */
	uint64_t round_units;
};

static void file_free(void *self)
{
	struct file *f = self;

	if (!f)
		return;
	movie_free(f->movie);
	free(f);
}

/* One JPEG over and over: nothing is delayed in the decoder, so that nothing has to be drained. */
static bool is_still(const struct file *f)
{
	struct stream_format format;

	movie_format(f->movie, &format);
	return format.codec == STREAM_MJPEG && f->round_units == 1;
}

static int begin_again(struct file *f)
{
	int r;

	if (!f->round_units)
		return fail_final(f->cx.failure, "the file holds no video");
	r = movie_rewind(f->movie, f->cx.failure);
	if (r < 0)
		return r;
	if (!is_still(f)) {
		r = stream_drain(f->cx.stream);
		if (r < 0)
			return r;
	}
	f->offset_ns += f->end_ns;
	f->due_ns += f->end_ns > f->last_dts_ns ? f->end_ns - f->last_dts_ns : 0;
	f->last_dts_ns = f->end_ns = f->round_units = 0;
	return 0;
}

/* Read the unit that comes next, over the seam if need be. */
static int fetch(struct file *f)
{
	int r = movie_read(f->movie, &f->unit, f->cx.failure);
	uint64_t step;

	if (r == -ENODATA) {
		r = begin_again(f);
		if (r == 0)
			r = movie_read(f->movie, &f->unit, f->cx.failure);
		if (r == -ENODATA)
			return fail_final(f->cx.failure, "the file holds no video");
	}
	if (r < 0)
		return r;
	step = f->unit.dts_ns > f->last_dts_ns ? f->unit.dts_ns - f->last_dts_ns : 0;
	f->due_ns += step < FILE_STEP_NS ? step : FILE_STEP_NS;
	f->last_dts_ns = f->unit.dts_ns;
	if (f->unit.dts_ns + f->unit.duration_ns > f->end_ns)
		f->end_ns = f->unit.dts_ns + f->unit.duration_ns;
	f->round_units++;
	return 0;
}

static int file_open(const struct source_context *cx, uint64_t now_ns, void **ret_self)
{
	struct stream_format format;
	struct file *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return fail_no_memory(cx->failure);
	f->cx = *cx;
	r = movie_open(cx->fd, &f->movie, cx->failure);
	if (r == 0) {
		movie_format(f->movie, &format);
		r = stream_codec(cx->stream, &format);
	}
	f->due_ns = now_ns;
	if (r == 0)
		r = fetch(f);
	if (r < 0) {
		file_free(f);
		return r;
	}
	*ret_self = f;
	return 0;
}

static uint64_t file_deadline(const void *self)
{
	const struct file *f = self;

	return stream_is_pending(f->cx.stream) ? UINT64_MAX : f->due_ns;
}

static int file_run(void *self, const struct pollfd *fds, size_t n, uint64_t now_ns)
{
	struct file *f = self;
	struct stream_unit unit;
	int r;

	(void)fds;
	(void)n;
	if (stream_is_pending(f->cx.stream) || now_ns < f->due_ns)
		return 0;
	if (now_ns - f->due_ns > FILE_LATE_NS)
		f->due_ns = now_ns;
	unit = (struct stream_unit){
		.pts_ns = f->offset_ns + f->unit.pts_ns,
		.arrival_ns = now_ns,
		.flags = f->unit.is_key ? STREAM_UNIT_KEY : 0,
		.data = f->unit.data,
		.len = f->unit.len,
	};
	r = stream_unit(f->cx.stream, &unit);
	return r < 0 ? r : fetch(f);
}

const struct source_ops source_file = {
	.open = file_open,
	.free = file_free,
	.deadline = file_deadline,
	.run = file_run,
};
