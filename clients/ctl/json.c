/* Builds and prints JSON. In framemuxctl's process. */
#include "clients/ctl/json.h"

#include <stdio.h>
#include <string.h>

#include "clients/program/exit_code.h"
#include "common/utc.h"

#define TEXT_MAX       1024
#define REAL_PRECISION 12

json_t *json_text(const char *text)
{
	json_t *v = json_string(text);
	char clean[TEXT_MAX];

	if (v)
		return v;
	snprintf(clean, sizeof(clean), "%s", text);
	for (char *p = clean; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(clean);
}

json_t *json_words(const char *words)
{
	json_t *list = json_array();
	char copy[TEXT_MAX], *save;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		json_array_append_new(list, json_text(w));
	return list;
}

json_t *json_u64(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

json_t *json_time(uint64_t unix_s)
{
	char text[UTC_TEXT_MAX];

	utc_text(unix_s, text);
	return unix_s && *text ? json_string(text) : json_null();
}

int json_print(json_t *v)
{
	int r = v ? json_dumpf(v, stdout, JSON_COMPACT | JSON_REAL_PRECISION(REAL_PRECISION)) : -1;

	json_decref(v);
	if (r < 0 || putchar('\n') == EOF || fflush(stdout)) {
		fputs("framemuxctl: cannot write\n", stderr);
		return EXIT_WRITE;
	}
	return 0;
}
