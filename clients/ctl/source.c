/* Reads and prints tokens; never names one in a message. In framemuxctl's process. */
#include "clients/ctl/source.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/key/key.h"
#include "clients/program/exit_code.h"

#define LINE_BYTES (LIMIT_NAME + LIMIT_TOKEN + 8)
#define LINES_MAX  4096

static int read_file(FILE *f, const char *camera, struct token *ret)
{
	char line[LINE_BYTES];
	const char *text = NULL;
	int r = 0, found = 0;

	for (int i = 0; r >= 0 && i < LINES_MAX && fgets(line, sizeof(line), f); i++) {
		if (!strchr(line, '\n') && !feof(f)) {
			r = -EBADMSG;
			break;
		}
		r = key_line(line, camera, &text);
		if (r > 0)
			r = ++found > 1 ? -E2BIG : token_parse(text, ret);
	}
	sodium_memzero(line, sizeof(line));
	if (ferror(f))
		return -EIO;
	if (r < 0)
		return r;
	return found ? 0 : text ? -ENOKEY : -EBADMSG;
}

static int explain(const char *where, int r)
{
	fprintf(stderr, "framemuxctl: %s: %s\n", where,
		r == -EBADMSG          ? "that is no token"
			: r == -E2BIG  ? "several tokens; say which with --camera"
			: r == -ENOKEY ? "no token in it is for that camera"
				       : strerror(-r));
	return EXIT_BAD_DATA;
}

int source_token(const char *key_file, const char *camera, struct token *ret)
{
	static char buffer[BUFSIZ]; /* ours, so that it can be wiped */
	const char *env = getenv("FRAMEMUX_TOKEN");
	FILE *f = stdin;
	int r;

	if (!key_file && env && *env) {
		r = token_parse(env, ret);
		return r < 0 ? explain("$FRAMEMUX_TOKEN", r) : 0;
	}
	if (key_file && !(f = fopen(key_file, "re")))
		return explain(key_file, -errno);
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	r = read_file(f, camera, ret);
	if (f != stdin)
		fclose(f);
	sodium_memzero(buffer, sizeof(buffer));
	return r < 0 ? explain(key_file ? key_file : "standard input", r) : 0;
}

int source_print(const struct token *t)
{
	char text[LIMIT_TOKEN];
	int r = token_format(t, text);

	if (r == 0 && (puts(text) == EOF || fflush(stdout)))
		r = -EIO;
	sodium_memzero(text, sizeof(text));
	if (r < 0)
		fputs("framemuxctl: cannot write the token\n", stderr);
	return r < 0 ? EXIT_WRITE : 0;
}
