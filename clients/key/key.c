/* Reads a token file. Never prints any of it. In the client's process. */
#include "clients/key/key.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX        "fmx1_"
#define KEY_LINE_MAX  4096 /* a camera's name and a token of at most 2 KiB */
#define KEY_LINES_MAX 4096

static bool is_token(const char *s)
{
	return !strncmp(s, PREFIX, strlen(PREFIX));
}

/* One line, its newline gone: 1 with the token in *ret, 0 not for this camera, -EBADMSG. */
static int take_line(char *line, const char *camera, const char **ret)
{
	static const char blanks[] = " \t\r\n";
	char *save, *word = strtok_r(line, blanks, &save), *token;

	if (!word)
		return 0;
	token = strtok_r(NULL, blanks, &save);
	if (!token) {
		*ret = word;
		return is_token(word) ? 1 : -EBADMSG;
	}
	if (!is_token(token) || strtok_r(NULL, blanks, &save))
		return -EBADMSG;
	*ret = token;
	return !strcmp(word, camera);
}

static int read_lines(FILE *f, const char *camera, char **ret)
{
	char line[KEY_LINE_MAX];
	const char *token = NULL;
	int r = -ENOKEY, seen = 0;

	for (int i = 0; r == -ENOKEY && i < KEY_LINES_MAX && fgets(line, sizeof(line), f); i++) {
		int is_mine;

		if (!strchr(line, '\n') && !feof(f)) {
			r = -EBADMSG;
			break;
		}
		is_mine = take_line(line, camera, &token);
		seen += token != NULL;
		if (is_mine < 0)
			r = is_mine;
		if (is_mine <= 0)
			continue;
		*ret = strdup(token);
		r = *ret ? 0 : -ENOMEM;
	}
	explicit_bzero(line, sizeof(line));
	if (ferror(f))
		return -EIO;
	return r == -ENOKEY && !seen ? -EBADMSG : r;
}

int key_read(const char *path, const char *camera, char **ret)
{
	char buffer[KEY_LINE_MAX]; /* ours, so that it can be wiped; no thread shares it */
	FILE *f = fopen(path, "re");
	int r;

	if (!f)
		return -errno;
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	r = read_lines(f, camera, ret);
	fclose(f);
	explicit_bzero(buffer, sizeof(buffer));
	return r;
}

void key_free(char *token)
{
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
}
