/* Records for people. In framemuxctl's process. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/audit/audit.h"
#include "clients/program/exit_code.h"
#include "common/text.h"
#include "common/utc.h"

/* What the columns before it say, or what is for machines. */
static bool is_left_out(const char *name)
{
	static const char *const names[] = {"n", "time", "event", "camera", "chain", "sig"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void print_value(const json_t *v)
{
	char text[1024];

	if (json_is_integer(v))
		printf("%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		fputs(json_is_true(v) ? "yes" : "no", stdout);
	else if (json_is_string(v)) {
		snprintf(text, sizeof(text), "%s", json_string_value(v));
		text_make_plain(text, strlen(text));
		fputs(text, stdout);
	}
}

int audit_print(const struct audit_line *l, const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	const char *name, *camera, *sep = "";
	char time[UTC_TEXT_MAX], name_text[LIMIT_NAME];
	json_t *v;

	utc_text_ms(l->unix_ms, time);
	camera = json_string_value(json_object_get(o, "camera"));
	snprintf(name_text, sizeof(name_text), "%s", camera ? camera : "-");
	text_make_plain(name_text, strlen(name_text));
	printf("%s  %-10.*s  %-12s  ", time, (int)l->event_len, l->event, name_text);
	json_object_foreach(o, name, v)
	{
		if (is_left_out(name))
			continue;
		printf("%s%s ", sep, name);
		print_value(v);
		sep = ", ";
	}
	json_decref(o);
	return putchar('\n') == EOF ? EXIT_WRITE : 0;
}
