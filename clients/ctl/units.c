/* Parses and prints durations, sizes and times. In framemuxctl's process. */
#include "clients/ctl/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/limits.h"

#define DURATION_MAX_S (100ull * 366 * 24 * 3600)
#define TIME_MAX_S     253402300799ull /* the last second of the year 9999 */

int units_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (v > max / 10)
			return -EINVAL;
		v *= 10;
		if (max - v < (uint64_t)(*text - '0'))
			return -EINVAL;
		v += (uint64_t)(*text - '0');
	}
	*ret = v;
	return 0;
}

static uint64_t seconds_of(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

int units_duration(const char *text, uint64_t *ret_s)
{
	char digits[16];
	size_t len = strlen(text);
	uint64_t unit, v;

	if (!strcmp(text, "never")) {
		*ret_s = UNITS_NEVER;
		return 0;
	}
	if (len < 2 || len > sizeof(digits))
		return -EINVAL;
	unit = seconds_of(text[len - 1]);
	if (!unit)
		return -EINVAL;
	memcpy(digits, text, len - 1);
	digits[len - 1] = 0;
	if (units_number(digits, DURATION_MAX_S / unit, &v) < 0)
		return -EINVAL;
	*ret_s = v * unit;
	return 0;
}

int units_size(const char *text, uint32_t *ret_width, uint32_t *ret_height)
{
	char width[8];
	const char *x = strchr(text, 'x');
	uint64_t w, h;

	if (!x || (size_t)(x - text) >= sizeof(width))
		return -EINVAL;
	memcpy(width, text, (size_t)(x - text));
	width[x - text] = 0;
	if (units_number(width, LIMIT_SIDE, &w) < 0 || units_number(x + 1, LIMIT_SIDE, &h) < 0 ||
		!w || !h)
		return -EINVAL;
	*ret_width = (uint32_t)w;
	*ret_height = (uint32_t)h;
	return 0;
}

void units_time(uint64_t unix_s, char ret[UNITS_TIME_TEXT])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (unix_s > TIME_MAX_S || !gmtime_r(&t, &tm) ||
		!strftime(ret, UNITS_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*ret = 0;
}

void units_span(uint64_t s, char ret[UNITS_TIME_TEXT])
{
	unsigned long long d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;

	if (d)
		snprintf(ret, UNITS_TIME_TEXT, "%llu d %llu h", d, h);
	else if (h)
		snprintf(ret, UNITS_TIME_TEXT, "%llu h %llu min", h, m);
	else if (m)
		snprintf(ret, UNITS_TIME_TEXT, "%llu min", m);
	else
		snprintf(ret, UNITS_TIME_TEXT, "%llu s", (unsigned long long)s);
}

void units_bytes(uint64_t bytes, char ret[UNITS_TIME_TEXT])
{
	if (bytes < 1024u * 1024u)
		snprintf(ret, UNITS_TIME_TEXT, "%.0f KiB", (double)bytes / 1024.0);
	else
		snprintf(ret, UNITS_TIME_TEXT, "%.1f MiB", (double)bytes / (1024.0 * 1024.0));
}

/* "+02:00", "Z" */
static int take_zone(const char *zone, long *ret_s)
{
	int hours, minutes, n = 0;

	if (!strcmp(zone, "Z") || !strcmp(zone, "z")) {
		*ret_s = 0;
		return 0;
	}
	if ((*zone != '+' && *zone != '-') || strspn(zone + 1, "0123456789:") != strlen(zone + 1) ||
		sscanf(zone + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 || zone[1 + n] ||
		hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_s = (*zone == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
	return 0;
}

/* "2026-11-28T13:38:28", a day that there is: what stands behind it, or NULL. */
static const char *take_moment(const char *text, struct tm *ret)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	struct tm day;

	for (const char *f = form; *f; f++) {
		char c = text[f - form];

		if (*f == 'd' ? c < '0' || c > '9' : *f == 'T' ? c != 'T' && c != 't' : c != *f)
			return NULL;
	}
	if (sscanf(text, "%4d-%2d-%2d", &ret->tm_year, &ret->tm_mon, &ret->tm_mday) != 3 ||
		!strptime(text + strlen("2026-11-28T"), "%H:%M:%S", ret))
		return NULL;
	ret->tm_year -= 1900;
	ret->tm_mon--;
	day = *ret;
	day.tm_hour = day.tm_min = day.tm_sec = 0;
	timegm(&day); /* makes a day of March of the 30th of February */
	return day.tm_mday == ret->tm_mday && day.tm_mon == ret->tm_mon ? text + sizeof(form) - 1
									: NULL;
}

int units_when(const char *text, uint64_t *ret_ms)
{
	const uint64_t now_ms = clock_read_ns(CLOCK_REALTIME) / NS_PER_MS;
	struct tm tm = {0};
	unsigned ms = 0, scale = 100;
	const char *at;
	uint64_t ago;
	long zone;
	time_t t;

	if (units_duration(text, &ago) == 0) {
		if (ago == UNITS_NEVER)
			return -EINVAL;
		*ret_ms = ago > now_ms / 1000 ? 0 : now_ms - ago * 1000;
		return 0;
	}
	at = take_moment(text, &tm);
	if (!at)
		return -EINVAL;
	if (*at == '.')
		for (at++; *at >= '0' && *at <= '9'; at++, scale /= 10)
			ms += (unsigned)(*at - '0') * scale;
	if (take_zone(at, &zone) < 0)
		return -EINVAL;
	t = timegm(&tm);
	if (t < 0 || (t -= zone) < 0)
		return -EINVAL;
	*ret_ms = (uint64_t)t * 1000 + ms;
	return 0;
}
