/* Moments as text. Pure; every process. */
#include "common/utc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_9999_MS 253402300799999ull

static void print(uint64_t unix_ms, char ret[UTC_TEXT_MAX])
{
	time_t s = (time_t)(unix_ms / 1000);
	struct tm tm;

	gmtime_r(&s, &tm);
	snprintf(ret, UTC_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		(unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		(unsigned)tm.tm_sec % 100, (unsigned)(unix_ms % 1000));
}

void utc_text(uint64_t unix_s, char ret[UTC_TEXT_MAX])
{
	*ret = 0;
	if (unix_s > YEAR_9999_MS / 1000)
		return;
	print(unix_s * 1000, ret);
	memcpy(ret + UTC_S_LEN - 1, "Z", sizeof("Z"));
}

void utc_text_ms(uint64_t unix_ms, char ret[UTC_TEXT_MAX])
{
	print(unix_ms > YEAR_9999_MS ? YEAR_9999_MS : unix_ms, ret);
}

int utc_parse(const char *text, size_t len, uint64_t *ret_ms)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.ddd";
	unsigned v[7] = {0}, at = 0;
	char again[UTC_TEXT_MAX];
	struct tm tm = {0};
	uint64_t ms;
	time_t s;

	if ((len != UTC_S_LEN && len != UTC_MS_LEN) || text[len - 1] != 'Z')
		return -EINVAL;
	for (size_t i = 0; i < len - 1; i++) {
		if (form[i] != 'd') {
			if (text[i] != form[i])
				return -EINVAL;
			at++;
		} else if (text[i] < '0' || text[i] > '9') {
			return -EINVAL;
		} else {
			v[at] = v[at] * 10 + (unsigned)(text[i] - '0');
		}
	}
	tm.tm_year = (int)v[0] - 1900;
	tm.tm_mon = (int)v[1] - 1;
	tm.tm_mday = (int)v[2];
	tm.tm_hour = (int)v[3];
	tm.tm_min = (int)v[4];
	tm.tm_sec = (int)v[5];
	s = timegm(&tm);
	if (s < 0)
		return -EINVAL;
	ms = (uint64_t)s * 1000 + v[6];
	/* timegm takes the 40th of a month for a day of the next: no such time was written. */
	print(ms, again);
	if (memcmp(again, text, UTC_S_LEN - 1) != 0)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}
