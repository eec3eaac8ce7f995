/* In framemux-view's process. */
#include "clients/view/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/key/key.h"
#include "clients/program/exit_code.h"

static int say_unreadable(const struct options *o, int error)
{
	fprintf(stderr, "framemux-view: %s: %s\n", o->key_file,
		error == -EBADMSG ? "not a token, nor lines \"CAMERA TOKEN\"" : strerror(-error));
	return EXIT_BAD_DATA;
}

static void free_all(const struct options *o, char *tokens[])
{
	for (uint32_t i = 0; i < o->n_cameras; i++) {
		key_free(tokens[i]);
		tokens[i] = NULL;
	}
}

/* 0 or an exit code. */
static int read_all(const struct options *o, char *ret[])
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < o->n_cameras; i++) {
		int r = key_read(o->key_file, o->cameras[i], &ret[i]);

		if (r < 0 && r != -ENOKEY)
			return say_unreadable(o, r);
		found += r == 0;
	}
	if (found)
		return 0;
	fprintf(stderr, "framemux-view: refused: %s has no token for %s\n", o->key_file,
		o->n_cameras == 1 ? o->cameras[0] : "any of these cameras");
	return EXIT_REFUSED;
}

int tokens_find(const struct options *o, char *ret[])
{
	int code;

	if (!o->key_file) {
		if (getenv("FRAMEMUX_TOKEN") && *getenv("FRAMEMUX_TOKEN"))
			return 0;
		fputs("framemux-view: refused: no token (-k FILE or $FRAMEMUX_TOKEN)\n", stderr);
		return EXIT_REFUSED;
	}
	code = read_all(o, ret);
	if (code)
		free_all(o, ret);
	return code;
}
