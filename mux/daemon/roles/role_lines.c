/* Cuts what a role wrote into lines and counts them. Runs in framemuxd. */
#include "mux/daemon/roles/role_lines.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "common/clock.h"

/* "<4>text"; without it somebody else wrote it, a library or the kernel's last word. */
static int priority_of(const char **text)
{
	const char *t = *text;
	int priority;

	if (t[0] != '<' || t[1] < '0' || t[1] > '7' || t[2] != '>')
		return LOG_WARNING;
	*text += 3;
	priority = t[1] - '0';
	return priority < LOG_ERR ? LOG_ERR : priority; /* above are framemuxd's own */
}

static void end_line(struct role_lines *l)
{
	const char *text = l->line;
	int priority;

	l->line[l->len] = 0;
	l->len = 0;
	if (++l->in_second > ROLE_LINES_MAX) {
		l->left_out++;
		return;
	}
	priority = priority_of(&text);
	if (*text)
		l->emit(l->data, priority, text);
}

static void say_left_out(struct role_lines *l)
{
	char text[48];

	if (!l->left_out)
		return;
	snprintf(text, sizeof(text), "... %u lines left out", l->left_out);
	l->left_out = 0;
	l->emit(l->data, LOG_WARNING, text);
}

static void begin_second(struct role_lines *l, uint64_t now_ns)
{
	l->second_ns = now_ns;
	l->in_second = 0;
	say_left_out(l);
}

void role_lines_feed(struct role_lines *l, const char *bytes, size_t n, uint64_t now_ns)
{
	if (now_ns - l->second_ns >= NS_PER_S)
		begin_second(l, now_ns);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			end_line(l);
			continue;
		}
		/* A zero would end the text: the rest of the line would be nowhere. */
		l->line[l->len++] = bytes[i] ? bytes[i] : '?';
		if (l->len == sizeof(l->line) - 1)
			end_line(l);
	}
}

bool role_lines_is_full(const struct role_lines *l, uint64_t *ret_until_ns)
{
	*ret_until_ns = l->second_ns + NS_PER_S;
	return l->in_second >= ROLE_LINES_MAX;
}

void role_lines_last_words(struct role_lines *l, uint64_t now_ns)
{
	begin_second(l, now_ns);
}

void role_lines_end(struct role_lines *l)
{
	if (l->len)
		end_line(l);
	say_left_out(l);
}
