/* Memory with pictures in it is wiped before it is given back. In framemux-view's process. */
#include "clients/view/canvas.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IN_TURN 3u
#define BLACK   0xff000000u

static void destroy(struct buffer *b)
{
	if (!b->wl)
		return;
	explicit_bzero(b->pixels, b->bytes);
	wl_buffer_destroy(b->wl);
	munmap(b->pixels, b->bytes);
	memset(b, 0, sizeof(*b));
}

static void on_release(void *data, struct wl_buffer *wl)
{
	struct buffer *b = data;

	(void)wl;
	b->is_held = false;
	if (b->is_old)
		destroy(b);
}

static const struct wl_buffer_listener buffer_listener = {.release = on_release};

/* Sealed, as compositors look for the seal: what cannot shrink cannot hurt them. */
static int make_memory(size_t bytes, uint32_t **ret_pixels)
{
	int fd = memfd_create("framemux-view", MFD_CLOEXEC | MFD_ALLOW_SEALING), e;
	void *p;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		goto fail;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		goto fail;
	(void)madvise(p, bytes, MADV_DONTDUMP); /* a core file is no place for pictures */
	(void)madvise(p, bytes, MADV_DONTFORK);
	*ret_pixels = p;
	return fd;
fail:
	e = errno;
	close(fd);
	return -e;
}

static int make(const struct canvas *c, struct buffer *ret)
{
	struct buffer b = {.width = c->width, .height = c->height};
	struct wl_shm_pool *pool;
	int fd;

	b.bytes = (size_t)b.width * b.height * 4; /* the window's sides are limited */
	fd = make_memory(b.bytes, &b.pixels);
	if (fd < 0)
		return fd;
	pool = wl_shm_create_pool(c->shm, fd, (int32_t)b.bytes);
	close(fd);
	if (pool) {
		b.wl = wl_shm_pool_create_buffer(pool, 0, (int32_t)b.width, (int32_t)b.height,
			(int32_t)b.width * 4, WL_SHM_FORMAT_XRGB8888);
		wl_shm_pool_destroy(pool);
	}
	if (!b.wl) {
		munmap(b.pixels, b.bytes);
		return -ENOMEM;
	}
	scene_paint_ground(b.pixels, (size_t)b.width * b.height);
	*ret = b;
	wl_buffer_add_listener(ret->wl, &buffer_listener, ret);
	return 0;
}

void canvas_resize(struct canvas *c, uint32_t width, uint32_t height)
{
	if (width == c->width && height == c->height)
		return;
	c->width = width;
	c->height = height;
	c->last = NULL;
	for (unsigned i = 0; i < CANVAS_BUFFERS; i++) {
		struct buffer *b = &c->buffers[i];

		b->is_old = b->wl;
		if (!b->is_held)
			destroy(b);
	}
}

int canvas_take(struct canvas *c, struct buffer **ret)
{
	struct buffer *place = NULL, *old = NULL;
	unsigned in_turn = 0;
	int r;

	for (unsigned i = 0; i < CANVAS_BUFFERS; i++) {
		struct buffer *b = &c->buffers[i];

		if (b->wl && !b->is_old && !b->is_held) {
			*ret = b;
			return 0;
		}
		in_turn += b->wl && !b->is_old;
		if (!b->wl)
			place = b;
		else if (b->is_old)
			old = b;
	}
	*ret = NULL;
	if (in_turn >= IN_TURN)
		return 0;
	if (!place) { /* a compositor that gives nothing back */
		destroy(old);
		place = old;
	}
	r = make(c, place);
	if (r == 0)
		*ret = place;
	return r;
}

void canvas_give(struct canvas *c, struct buffer *b)
{
	b->is_held = true;
	c->last = b;
}

void canvas_wipe(struct canvas *c, uint32_t tile, const struct box *cell)
{
	for (unsigned i = 0; i < CANVAS_BUFFERS; i++) {
		struct buffer *b = &c->buffers[i];

		if (!b->wl)
			continue;
		if (b->is_old) { /* its cells were elsewhere */
			explicit_bzero(b->pixels, b->bytes);
			continue;
		}
		for (uint32_t y = cell->y; y < cell->y + cell->height; y++)
			for (uint32_t x = cell->x; x < cell->x + cell->width; x++)
				b->pixels[(size_t)y * b->width + x] = BLACK;
		b->look.serial[tile] = 0;
	}
}

void canvas_free(struct canvas *c)
{
	for (unsigned i = 0; i < CANVAS_BUFFERS; i++)
		destroy(&c->buffers[i]);
	c->last = NULL;
}
