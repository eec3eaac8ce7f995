/* The memory that the processes of a check share. In framemuxctl's process and its children. */
#include "clients/ctl/check/check_board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/pattern.h"

struct board *board_new(void)
{
	void *p = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void board_free(struct board *b)
{
	if (b)
		munmap(b, sizeof(*b));
}

static unsigned bits_of(const char *name)
{
	return pattern_camera_bits(pattern_code(name, 0));
}

int board_add_camera(struct board *b, const char *name, uint32_t width, uint32_t height,
	uint32_t fps, bool is_exact)
{
	struct board_camera *c = &b->cameras[b->n_cameras];

	if (b->n_cameras == BOARD_CAMERAS_MAX)
		return -ENOSPC;
	if (strlen(name) >= sizeof(c->name) || width < PATTERN_BLOCK || height < PATTERN_BLOCK ||
		!fps)
		return -EINVAL;
	for (uint32_t i = 0; i < b->n_cameras; i++)
		if (bits_of(b->cameras[i].name) == bits_of(name))
			return -EEXIST;
	strcpy(c->name, name);
	c->width = width;
	c->height = height;
	c->fps = fps;
	c->is_exact = is_exact;
	b->n_cameras++;
	return 0;
}

uint32_t board_token(const struct board_seat *s, char ret[LIMIT_TOKEN])
{
	for (;;) {
		uint32_t serial = atomic_load(&s->serial);

		if (!serial)
			return 0;
		memcpy(ret, s->token, sizeof(s->token));
		atomic_thread_fence(memory_order_acquire);
		if (serial % 2 == 0 && serial == atomic_load(&s->serial))
			return serial;
	}
}

void board_set_token(struct board_seat *s, const char *token)
{
	atomic_fetch_add(&s->serial, 1);
	strncpy(s->token, token, sizeof(s->token) - 1);
	atomic_fetch_add(&s->serial, 1);
}

void samples_add(struct samples *s, uint64_t ns)
{
	uint64_t us = ns / NS_PER_US;
	uint32_t v = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;

	s->us[s->n++ % BOARD_SAMPLES] = v;
	if (v > s->max_us)
		s->max_us = v;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

struct percentiles samples_percentiles(const struct samples *s, size_t n, size_t stride)
{
	struct percentiles p = {0};
	size_t kept = 0;
	uint32_t *all = malloc(n * BOARD_SAMPLES * sizeof(*all) + 1);

	for (size_t i = 0; i < n; i++, s = (const struct samples *)((const char *)s + stride)) {
		size_t k = s->n < BOARD_SAMPLES ? s->n : BOARD_SAMPLES;

		if (all)
			memcpy(all + kept, s->us, k * sizeof(*all));
		kept += k;
		p.n += s->n;
		if (s->max_us > p.max_us)
			p.max_us = s->max_us;
	}
	if (all && kept) {
		qsort(all, kept, sizeof(*all), compare);
		p.p50_us = all[kept / 2];
		p.p99_us = all[kept - 1 - kept / 100];
	}
	free(all);
	return p;
}

struct tally board_sum(const struct board *b)
{
	/* The counters stand before the samples, and are all of one type. */
	const size_t n = offsetof(struct tally, join) / sizeof(uint64_t);
	struct tally sum = {0};
	uint64_t *to = (uint64_t *)&sum;

	for (uint32_t i = 0; i < b->n_seats; i++) {
		const uint64_t *from = (const uint64_t *)&b->seats[i].tally;

		for (size_t k = 0; k < n; k++)
			to[k] += __atomic_load_n(&from[k], __ATOMIC_RELAXED);
	}
	return sum;
}

uint64_t tally_failures(const struct tally *t)
{
	return t->stranger_blocks + t->torn_blocks + t->unreadable_blocks + t->stale_frames +
		t->early_frames + t->disordered_frames + t->revoked_frames + t->unerased_frames +
		t->unproven_frames;
}

bool board_was_seen(const struct board *b, uint32_t camera)
{
	for (uint32_t i = 0; i < b->n_seats; i++)
		if (b->seats[i].camera == camera &&
			__atomic_load_n(&b->seats[i].tally.frames, __ATOMIC_RELAXED))
			return true;
	return false;
}

bool board_all_seen(const struct board *b)
{
	for (uint32_t i = 0; i < b->n_cameras; i++)
		if (!board_was_seen(b, i))
			return false;
	return true;
}
