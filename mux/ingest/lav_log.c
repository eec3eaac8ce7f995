/* libavformat's log messages as debug lines of ours. Runs in ingest. */
#include "mux/ingest/lav_log.h"

#include <libavutil/log.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

static void on_log(void *context, int level, const char *fmt, va_list ap)
{
	char line[256];

	(void)context;
	if (level > AV_LOG_WARNING)
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\r\n")] = 0;
	if (line[0])
		log_debug("libavformat: %s", line);
}

void lav_log_to_ours(void)
{
	av_log_set_callback(on_log);
}
