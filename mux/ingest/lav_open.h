/* What a demuxer of libavformat may open by itself: nothing. Its bytes come through our own I/O. In ingest. */
#ifndef FRAMEMUX_INGEST_LAV_OPEN_H
#define FRAMEMUX_INGEST_LAV_OPEN_H

#include <libavformat/avformat.h>

/* For AVFormatContext's io_open. */
int lav_open_nothing(
	AVFormatContext *s, AVIOContext **pb, const char *url, int flags, AVDictionary **options);

#endif
