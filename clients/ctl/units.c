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

int units_when(const char *text, uint64_t *ret_ms)
{
	const uint64_t now = clock_unix_s();
	struct tm tm = {0};
	unsigned ms = 0, scale = 100;
	const char *at;
	uint64_t ago;
	long zone;
	time_t t;

	if (number_duration(text, UNITS_DURATION_MAX_S, &ago) == 0) {
		*ret_ms = ago > now ? 0 : (now - ago) * 1000;
		return 0;
	}
	at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
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
