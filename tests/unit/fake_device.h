/*
 * A V4L2 device that a test plays, one at a time. Link with
 * -Wl,--wrap=ioctl,--wrap=mmap,--wrap=munmap: what is asked of dev.fd is answered here, all else by
 * the kernel. An ioctl that ingest has no business with fails the test.
 */
#ifndef FRAMEMUX_TESTS_FAKE_DEVICE_H
#define FRAMEMUX_TESTS_FAKE_DEVICE_H

#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdint.h>

#define FAKE_BUFFERS 40u
#define FAKE_BYTES   65536u
#define FAKE_QUEUE   16u

/* One format, size and interval that the device offers. */
struct fake_row {
	uint32_t fourcc, width, height, numerator, denominator;
};

extern struct fake_device {
	int fd;
	unsigned long failing; /* this request fails */
	int error;
	struct v4l2_capability cap;
	struct v4l2_pix_format pix;
	struct v4l2_pix_format answer; /* to S_FMT, if pixelformat is set */
	struct v4l2_fract interval;
	const struct fake_row *rows;
	uint32_t n_rows;
	const struct v4l2_frmsizeenum *range; /* instead of rows' sizes */
	bool gives_count;                     /* not as many buffers as it was asked for */
	uint32_t count, length;               /* of buffers */
	struct v4l2_buffer filled[FAKE_QUEUE];
	unsigned n_filled, n_taken;
	bool is_queued[FAKE_BUFFERS], is_streaming, map_fails;
	unsigned mapped, unmapped, asked;
	_Alignas(4096) uint8_t memory[FAKE_BUFFERS][FAKE_BYTES];
} dev;

/* A device of 32x16 YUYV at 30 fps that offers nothing else; memory and fd are new. */
void fake_device_begin(void);

/* Everything was unmapped and streaming ended. */
void fake_device_end(void);

#endif
