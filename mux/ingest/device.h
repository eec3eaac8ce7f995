/*
 * What a V4L2 capture device is asked, and the form of its pictures: chosen once, and every answer
 * checked before it is used (a USB camera's firmware is behind most of them). Runs in ingest, on a
 * descriptor that framemuxd opened.
 */
#ifndef FRAMEMUX_INGEST_DEVICE_H
#define FRAMEMUX_INGEST_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "mux/ingest/failure.h"
#include "mux/link/stream.h"

struct device_format {
	enum stream_codec codec;
	uint32_t width, height;
	uint32_t matrix, range; /* see STREAM_CODEC */
	uint32_t fps_milli;     /* what the device says; 0: nothing */
	/* Of uncoded pictures, else 0. */
	uint32_t row, stride; /* bytes of a row, and from one to the next as the device has them */
	uint32_t rows;        /* of all planes */
	size_t span;          /* from the first row's begin to the last one's end */
};

/* An ioctl of the list in device.c. 0 or -errno. */
int device_ask(int fd, unsigned long request, void *arg);

/* Fill the sentence for an error of device_ask. what: "start it". Returns -EPROTO. */
int device_fail(struct failure *f, const char *what, int error);

/*
 * Make sure that it is a capture device and settle on a format: the one that it is set to (which a
 * person can change), or the best that it offers if that one cannot be used. No picture has more
 * than max_pixels, none takes more than LIMIT_ACCESS_UNIT. 0 or -EPROTO and a sentence.
 */
int device_setup(int fd, uint32_t max_pixels, struct device_format *ret, struct failure *ret_why);

/* The rows of an uncoded picture without what is between them; to has rows * row bytes. */
void device_pack(const struct device_format *format, const uint8_t *from, uint8_t *to);

#endif
