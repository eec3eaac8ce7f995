/* Reads times, and prints durations and bytes. In framemuxctl's process. */
#include "clients/ctl/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/number.h"

void units_span(uint64_t s, char ret[UNITS_TEXT])
{
	unsigned long long d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;

	if (d)
		snprintf(ret, UNITS_TEXT, "%llu d %llu h", d, h);
	else if (h)
		snprintf(ret, UNITS_TEXT, "%llu h %llu min", h, m);
	else if (m)
		snprintf(ret, UNITS_TEXT, "%llu min", m);
	else
		snprintf(ret, UNITS_TEXT, "%llu s", (unsigned long long)s);
}

void units_bytes(uint64_t bytes, char ret[UNITS_TEXT])
{
	if (bytes < 1024u * 1024u)
		snprintf(ret, UNITS_TEXT, "%.0f KiB", (double)bytes / 1024.0);
	else
		snprintf(ret, UNITS_TEXT, "%.1f MiB", (double)bytes / (1024.0 * 1024.0));
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

	if (number_duration(text, UNITS_DURATION_MAX_S, &ago) == 0) {
		if (ago == NUMBER_NEVER)
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
