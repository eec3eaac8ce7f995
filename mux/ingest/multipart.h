/*
 * Finds the JPEGs in a camera's endless body. What counts is the structure of the pictures: each is
 * walked from marker to marker until its end. Lengths that the parts claim are not believed or even
 * read, since cameras send them wrong, padded or not at all; so a body without any multipart is read
 * as well. The boundary serves to notice a picture that was cut short. Pure: no sockets, no clock.
 * Runs in ingest.
 *
 * No library: those that parse multipart (libavformat's mpjpeg too) follow Content-Length into the
 * next part when it lies, and this is one walk over bytes that each is looked at once.
 */
#ifndef FRAMEMUX_INGEST_MULTIPART_H
#define FRAMEMUX_INGEST_MULTIPART_H

#include <stddef.h>
#include <stdint.h>

struct multipart_picture {
	const uint8_t *data; /* a whole JPEG; borrowed for the call */
	size_t len;          /* at most LIMIT_ACCESS_UNIT */
	uint64_t real_ns; /* X-Timestamp: since the Unix epoch, by the camera's clock; 0 unknown */
};

struct multipart;

/* boundary: without its dashes, "" if there is none. NULL without memory. */
struct multipart *multipart_new(const char *boundary,
	int (*picture)(void *self, const struct multipart_picture *picture), void *self);
void multipart_free(struct multipart *m);

/* The next bytes. 0, -ENOMEM, or what picture returned. */
int multipart_feed(struct multipart *m, const uint8_t *buf, size_t len);

/* Pictures that began and were dropped: cut short, malformed, too large. */
uint64_t multipart_damaged(const struct multipart *m);

#endif
