/*
 * A video file read by libavformat through an open descriptor: packets in decoding order, H.264 and
 * H.265 as Annex-B. Opens nothing itself: formats that name other files are not in its list. Runs
 * in ingest.
 */
#ifndef FRAMEMUX_INGEST_MOVIE_H
#define FRAMEMUX_INGEST_MOVIE_H

#include "mux/ingest/failure.h"
#include "mux/ingest/stream.h"

struct movie;

struct movie_unit {
	const uint8_t *data; /* borrowed until the next call */
	size_t len;
	uint64_t pts_ns, dts_ns; /* from the file's beginning */
	uint64_t duration_ns;
	bool is_key;
};

/* fd: a regular file, stays the caller's. 0, or -errno with the reason. */
int movie_open(int fd, struct movie **ret, struct failure *ret_why);
void movie_free(struct movie *m);

/* Borrowed from m. */
void movie_format(const struct movie *m, struct stream_format *ret);

/* The next unit. 0, -ENODATA at the end, or another -errno with the reason. */
int movie_read(struct movie *m, struct movie_unit *ret, struct failure *ret_why);

/* Begin anew. 0, or -errno with the reason. */
int movie_rewind(struct movie *m, struct failure *ret_why);

#endif
