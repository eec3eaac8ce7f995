/*
 * One line an event on stderr; with a <N> priority prefix (sd-daemon(3)) when JOURNAL_STREAM is
 * set. What is not plain text in arguments (common/text.h) becomes '?': no peer writes a line of its own. Never given a
 * password, a token, a key or a URL's userinfo.
 */
#ifndef FRAMEMUX_LOG_H
#define FRAMEMUX_LOG_H

/* who: "framemuxd", "ingest porch"; copied. verbose: how often -v was given. */
void log_init(const char *who, int verbose);

/*
 * From now on the process that started this one writes its lines into the log: they go without a
 * name and with their priority. A pipe that is full loses them, which the next line says.
 */
void log_through_parent(void);

/* A line of somebody else's; priority as syslog(3)'s. */
void log_for(const char *who, int priority, const char *text);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));  /* with -v */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* with -v -v */

#endif
