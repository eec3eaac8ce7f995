/* In ingest; a description or a file that names another is to lead nowhere. */
#include "mux/ingest/lav_open.h"

int lav_open_nothing(
	AVFormatContext *s, AVIOContext **pb, const char *url, int flags, AVDictionary **options)
{
	(void)s;
	(void)pb;
	(void)url;
	(void)flags;
	(void)options;
	return AVERROR(EPERM);
}
