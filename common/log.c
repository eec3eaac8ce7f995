/* Log lines on stderr. Owns the process's name and verbosity; every process. */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/text.h"

#define LINE_BYTES 1024

static char log_who[96] = "framemux";
static int log_verbose;
static int log_to_journal;

void log_init(const char *who, int verbose)
{
	snprintf(log_who, sizeof(log_who), "%s", who);
	log_verbose = verbose;
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

/* One write for one line, so that lines of several processes do not mix. */
__attribute__((format(printf, 2, 0))) static void log_line(
	int priority, const char *fmt, va_list ap)
{
	char line[LINE_BYTES];
	int at = 0, n;

	if (log_to_journal)
		at = snprintf(line, sizeof(line), "<%d>", priority);
	at += snprintf(line + at, sizeof(line) - (size_t)at, "%s: ", log_who);
	n = vsnprintf(line + at, sizeof(line) - (size_t)at - 1, fmt, ap);
	if (n < 0)
		return;
	at += n;
	if (at > LINE_BYTES - 2)
		at = LINE_BYTES - 2;
	text_make_plain(line, (size_t)at);
	line[at++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)at) < 0)
		return; /* nowhere left to say it */
}

#define LOG_FUNCTION(name, priority, from)                                                         \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		if (log_verbose < (from))                                                          \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		log_line(priority, fmt, ap);                                                       \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_ERR, 0)
LOG_FUNCTION(log_warning, LOG_WARNING, 0)
LOG_FUNCTION(log_notice, LOG_NOTICE, 0)
LOG_FUNCTION(log_info, LOG_INFO, 1)
LOG_FUNCTION(log_debug, LOG_DEBUG, 2)
