/* Reads a token file. Never prints any of it. In the client's process. */
#include "clients/key/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX        "fmx1_"
#define KEY_LINE_MAX  4096 /* a camera's name and a token of at most 2 KiB */
#define KEY_LINES_MAX 4096

static bool is_token(const char *s)
{
	return !strncmp(s, PREFIX, strlen(PREFIX));
}

int key_line(char *line, const char *camera, const char **ret)
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
	return !camera || !strcmp(word, camera);
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
		is_mine = key_line(line, camera, &token);
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

/*
 * A pipe that has no writer yet would stop whoever opens it, a compositor's loop too: only those that are
 * open already, as the shell's <(...) is.
 */
static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), e = EBADMSG;
	struct stat st;
	FILE *f;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && strncmp(path, "/dev/", 5) != 0))
		goto fail;
	if (fcntl(fd, F_SETFL, 0) < 0)
		goto fail;
	f = fdopen(fd, "r");
	if (f)
		return f;
	e = errno;
fail:
	close(fd);
	errno = e;
	return NULL;
}

int key_read(const char *path, const char *camera, char **ret)
{
	char buffer[KEY_LINE_MAX]; /* ours, so that it can be wiped; no thread shares it */
	FILE *f = open_file(path);
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
