/* Log lines on stderr. Owns the process's name and verbosity; every process. */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/text.h"

#define LINE_BYTES 1024

static char log_who[96] = "framemux";
static int log_verbose;
static bool log_to_journal, log_to_parent;
static unsigned log_lost; /* lines, since the last that was written */

void log_init(const char *who, int verbose)
{
	snprintf(log_who, sizeof(log_who), "%s", who);
	log_verbose = verbose;
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_through_parent(void)
{
	log_to_parent = true;
}

/* One write for one line, so that lines of several processes do not mix. */
static int put(char line[LINE_BYTES], int at)
{
	if (at > LINE_BYTES - 2)
		at = LINE_BYTES - 2;
	text_make_plain(line, (size_t)at);
	line[at++] = '\n';
	return write(STDERR_FILENO, line, (size_t)at) < 0 ? -errno : 0;
}

static int begin_line(char line[LINE_BYTES], int priority, const char *who)
{
	if (log_to_parent)
		return snprintf(line, LINE_BYTES, "<%d>", priority);
	if (log_to_journal)
		return snprintf(line, LINE_BYTES, "<%d>%s: ", priority, who);
	return snprintf(line, LINE_BYTES, "%s: ", who);
}

/* Whether there is room for more than this line, too, does not matter: the next one says it. */
static void say_lost(void)
{
	char line[LINE_BYTES];
	int at = begin_line(line, LOG_WARNING, log_who);

	if (!log_lost)
		return;
	at += snprintf(line + at, sizeof(line) - (size_t)at,
		"... %u lines lost: the log's pipe was full", log_lost);
	if (put(line, at) == 0)
		log_lost = 0;
}

__attribute__((format(printf, 3, 0))) static void log_line(
	int priority, const char *who, const char *fmt, va_list ap)
{
	char line[LINE_BYTES];
	int at = begin_line(line, priority, who), n;

	n = vsnprintf(line + at, sizeof(line) - (size_t)at - 1, fmt, ap);
	if (n < 0)
		return;
	say_lost();
	if (put(line, at + n) == -EAGAIN)
		log_lost++; /* nowhere to say it now */
}

static bool is_heard(int priority)
{
	return log_verbose >= (priority > LOG_NOTICE ? priority - LOG_NOTICE : 0);
}

__attribute__((format(printf, 3, 4))) static void log_words(
	const char *who, int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(priority, who, fmt, ap);
	va_end(ap);
}

void log_for(const char *who, int priority, const char *text)
{
	if (is_heard(priority))
		log_words(who, priority, "%s", text);
}

#define LOG_FUNCTION(name, priority)                                                               \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		if (!is_heard(priority))                                                           \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		log_line(priority, log_who, fmt, ap);                                              \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_ERR)
LOG_FUNCTION(log_warning, LOG_WARNING)
LOG_FUNCTION(log_notice, LOG_NOTICE)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)
