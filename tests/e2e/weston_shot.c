/*
 * weston_shot: the first screen of a Weston that was started with --debug, as a PPM on standard output.
 * What is left of an XRGB window's X byte is not looked at: Weston's renderer hands it on as it is, and
 * Weston's own program takes it for alpha.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>

#include "weston-screenshooter-client-protocol.h"

struct shot {
	struct wl_shm *shm;
	struct wl_output *output;
	struct weston_screenshooter *shooter;
	int32_t width, height;
	int is_done;
};

static void on_geometry(void *data, struct wl_output *o, int32_t x, int32_t y, int32_t width_mm,
	int32_t height_mm, int32_t subpixel, const char *make, const char *model, int32_t transform)
{
	(void)data, (void)o, (void)x, (void)y, (void)width_mm, (void)height_mm;
	(void)subpixel, (void)make, (void)model, (void)transform;
}

static void on_mode(void *data, struct wl_output *o, uint32_t flags, int32_t width, int32_t height,
	int32_t refresh)
{
	struct shot *s = data;

	(void)o, (void)refresh;
	if (flags & WL_OUTPUT_MODE_CURRENT) {
		s->width = width;
		s->height = height;
	}
}

static const struct wl_output_listener output_listener = {.geometry = on_geometry, .mode = on_mode};

static void on_global(
	void *data, struct wl_registry *r, uint32_t name, const char *interface, uint32_t version)
{
	struct shot *s = data;

	(void)version;
	if (!strcmp(interface, wl_shm_interface.name)) {
		s->shm = wl_registry_bind(r, name, &wl_shm_interface, 1);
	} else if (!strcmp(interface, wl_output_interface.name) && !s->output) {
		s->output = wl_registry_bind(r, name, &wl_output_interface, 1);
		wl_output_add_listener(s->output, &output_listener, s);
	} else if (!strcmp(interface, weston_screenshooter_interface.name)) {
		s->shooter = wl_registry_bind(r, name, &weston_screenshooter_interface, 1);
	}
}

static void on_global_remove(void *data, struct wl_registry *r, uint32_t name)
{
	(void)data, (void)r, (void)name;
}

static const struct wl_registry_listener registry_listener = {
	.global = on_global, .global_remove = on_global_remove};

static void on_done(void *data, struct weston_screenshooter *shooter)
{
	struct shot *s = data;

	(void)shooter;
	s->is_done = 1;
}

static const struct weston_screenshooter_listener shooter_listener = {.done = on_done};

static int write_ppm(const uint32_t *pixels, const struct shot *s)
{
	size_t n = (size_t)s->width * (size_t)s->height;
	uint8_t *rgb = malloc(n * 3);
	int is_bad;

	if (!rgb)
		return 1;
	for (size_t i = 0; i < n; i++) {
		rgb[3 * i] = (uint8_t)(pixels[i] >> 16);
		rgb[3 * i + 1] = (uint8_t)(pixels[i] >> 8);
		rgb[3 * i + 2] = (uint8_t)pixels[i];
	}
	printf("P6\n%d %d\n255\n", s->width, s->height);
	is_bad = fwrite(rgb, 3, n, stdout) != n || fflush(stdout) != 0;
	free(rgb);
	return is_bad;
}

static int take(struct wl_display *display, struct shot *s)
{
	size_t bytes = (size_t)s->width * (size_t)s->height * 4;
	int fd = memfd_create("weston_shot", MFD_CLOEXEC);
	struct wl_shm_pool *pool;
	uint32_t *pixels;

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return 1;
	pixels = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pixels == MAP_FAILED)
		return 1;
	pool = wl_shm_create_pool(s->shm, fd, (int32_t)bytes);
	weston_screenshooter_add_listener(s->shooter, &shooter_listener, s);
	weston_screenshooter_take_shot(s->shooter, s->output,
		wl_shm_pool_create_buffer(
			pool, 0, s->width, s->height, s->width * 4, WL_SHM_FORMAT_XRGB8888));
	while (!s->is_done)
		if (wl_display_dispatch(display) < 0)
			return 1;
	return write_ppm(pixels, s);
}

int main(void)
{
	struct wl_display *display = wl_display_connect(NULL);
	struct shot s = {0};
	int code;

	if (!display) {
		fputs("weston_shot: no display\n", stderr);
		return 1;
	}
	wl_registry_add_listener(wl_display_get_registry(display), &registry_listener, &s);
	wl_display_roundtrip(display); /* what there is */
	wl_display_roundtrip(display); /* and its modes */
	if (!s.shm || !s.output || !s.shooter || s.width <= 0 || s.height <= 0) {
		fputs("weston_shot: this compositor takes none\n", stderr);
		return 1;
	}
	code = take(display, &s);
	wl_display_disconnect(display);
	return code;
}
