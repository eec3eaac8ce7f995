/*
 * libavcodec's log: to ours, bounded, and counted, because for some codecs an error line is the
 * only sign of damage. Runs in framemux-decode (one thread).
 */
#include "mux/decode/av_log.h"

#include <libavutil/log.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

#define LINES_A_SECOND 5u
#define LINE_BYTES     256

static uint64_t complaints;

static void on_log(void *avcl, int level, const char *fmt, va_list ap)
{
	static uint64_t second;
	static unsigned lines;
	static int prefix = 1;
	char line[LINE_BYTES];
	uint64_t now;

	if (level > AV_LOG_WARNING)
		return;
	if (level <= AV_LOG_ERROR)
		complaints++;
	now = clock_monotonic_ns() / NS_PER_S;
	if (now != second) {
		if (lines > LINES_A_SECOND)
			log_debug("libavcodec: %u more lines", lines - LINES_A_SECOND);
		second = now;
		lines = 0;
	}
	if (lines++ >= LINES_A_SECOND)
		return;
	av_log_format_line2(avcl, level, fmt, ap, line, sizeof(line), &prefix);
	log_debug("libavcodec: %s", line);
}

void av_log_begin(void)
{
	av_log_set_callback(on_log);
}

uint64_t av_log_complaints(void)
{
	return complaints;
}
