/*
 * The files of a configuration: opened, read, found by includes, and put one into another as one
 * buffer. Runs in framemuxd while starting.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/config/config_text_private.h"

/* ---- the merged buffer --------------------------------------------------------------- */

static int emit_char(struct config_text *t, char c)
{
	if (t->merged_len + 2 > t->merged_cap) {
		size_t cap = t->merged_cap ? 2 * t->merged_cap : 4096;
		char *bigger = realloc(t->merged, cap);

		if (!bigger)
			return -ENOMEM;
		t->merged = bigger;
		t->merged_cap = cap;
	}
	t->merged[t->merged_len++] = c;
	t->merged[t->merged_len] = 0;
	return 0;
}

/* End the merged line, so that the next file begins on its own. */
int config_emit_break(struct config_text *t)
{
	if (!t->line_begun)
		return 0;
	t->line_begun = false;
	return emit_char(t, '\n');
}

int config_emit_until(struct config_text *t, struct frame *f, size_t end)
{
	for (; f->emitted < end; f->emitted++) {
		char c = f->lexer.text[f->emitted];

		if (!t->line_begun) {
			struct config_where *lines =
				config_grow(t->lines, t->n_lines, sizeof(*lines));

			if (!lines)
				return -ENOMEM;
			t->lines = lines;
			lines[t->n_lines++] = (struct config_where){f->file, f->emitted_line};
			t->line_begun = true;
		}
		if (emit_char(t, c) < 0)
			return -ENOMEM;
		if (c == '\n') {
			f->emitted_line++;
			t->line_begun = false;
		}
	}
	return 0;
}

/* ---- files --------------------------------------------------------------------------- */

static int read_all(int fd, size_t size, char *text)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, text + got, size - got);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO; /* it shrinks while we read */
		if (n > 0)
			got += (size_t)n;
	}
	text[size] = 0;
	return 0;
}

/* Absolute, for what is remembered over a restart from elsewhere. */
static char *folder_path(const char *path, const char *slash)
{
	cleanup_free char *cwd = NULL;
	char *folder;

	if (slash == path)
		return strdup("/");
	if (path[0] == '/')
		return strndup(path, (size_t)(slash - path));
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return NULL;
	if (!slash)
		return take_ptr(cwd);
	if (asprintf(&folder, "%s/%.*s", cwd, (int)(slash - path), path) < 0)
		return NULL;
	return folder;
}

static int remember_file(
	struct config_text *t, const char *path, const struct stat *st, unsigned *ret_file)
{
	struct file *files = config_grow(t->files, t->n_files, sizeof(*files));
	const char *slash = strrchr(path, '/');
	struct file *f;

	if (!files)
		return -ENOMEM;
	t->files = files;
	f = &files[t->n_files];
	*f = (struct file){
		.name = strdup(path), .dev = st ? st->st_dev : 0, .ino = st ? st->st_ino : 0};
	f->folder = folder_path(path, slash);
	if (!f->name || !f->folder) {
		free(f->name);
		free(f->folder);
		return -ENOMEM;
	}
	*ret_file = (unsigned)t->n_files++;
	return 0;
}

static bool is_being_read(const struct config_text *t, const struct stat *st)
{
	for (size_t i = 0; i < t->depth; i++) {
		const struct file *f = &t->files[t->stack[i].file];

		if (f->dev == st->st_dev && f->ino == st->st_ino)
			return true;
	}
	return false;
}

/* A packager's own user is nothing strange, but a link may lead where nobody looks. */
static void warn_of_link(const char *path, const struct stat *target)
{
	struct stat link;

	if (lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && target->st_uid != 0 &&
		target->st_uid != geteuid())
		log_warning("%s: a symbolic link to a file of uid %u, who may change it", path,
			target->st_uid);
}

/* from: where an error stands that is not one of the file's text; here: its own first line. */
static int check_file(struct config_text *t, const char *path, const struct stat *st,
	const struct config_where *from, const struct config_where *here, struct config_error *err)
{
	if (!S_ISREG(st->st_mode))
		return config_text_fail(t, *from, err, "\"%s\" is not a regular file", path);
	/* Whoever may write it may have any camera shown to himself. */
	if (st->st_mode & S_IWOTH)
		return config_text_fail(
			t, *here, err, "others may write to this file: chmod o-w it");
	if (is_being_read(t, st))
		return config_text_fail(t, *from, err, "\"%s\" includes itself", path);
	if (t->depth == CONFIG_DEPTH_MAX || t->n_files > CONFIG_FILES_MAX)
		return config_text_fail(t, *from, err, "too many includes");
	if (st->st_size > (off_t)CONFIG_FILE_BYTES_MAX ||
		t->merged_len + (size_t)st->st_size > CONFIG_TOTAL_BYTES_MAX)
		return config_text_fail(t, *from, err, "\"%s\" is too large", path);
	return 0;
}

/* Errors that have no line in the file itself stand at the include, or at line 0 of the first. */
int config_push_file(struct config_text *t, const char *path, const struct config_where *from,
	struct config_error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	cleanup_free char *text = NULL;
	struct config_where here = {0, 1};
	struct frame *f;
	struct stat st;
	unsigned line;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = -errno;
		if (from)
			config_text_fail(
				t, *from, err, "cannot read \"%s\": %s", path, strerror(-rc));
		else
			snprintf(err->text, sizeof(err->text), "%s:0: cannot read it: %s", path,
				strerror(-rc));
		return rc;
	}
	if (remember_file(t, path, &st, &here.file) < 0)
		return config_fail_memory(err);
	if (from)
		warn_of_link(path, &st);
	else
		from = &here;
	rc = check_file(t, path, &st, from, &here, err);
	if (rc < 0)
		return rc;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return config_fail_memory(err);
	rc = read_all(fd, (size_t)st.st_size, text);
	if (rc < 0)
		return config_text_fail(
			t, *from, err, "cannot read \"%s\": %s", path, strerror(-rc));
	if (strlen(text) != (size_t)st.st_size)
		return config_text_fail(t, here, err, "a NUL byte: this is not text");
	line = lexer_blank(text);
	if (line)
		return config_text_fail(t, (struct config_where){here.file, line}, err,
			"the comment that begins here does not end");
	f = &t->stack[t->depth++];
	*f = (struct frame){.file = here.file,
		.lexer = {.text = take_ptr(text), .line = 1},
		.emitted_line = 1,
		.section = CONFIG_TOP};
	return config_emit_break(t) < 0 ? config_fail_memory(err) : 0;
}

void config_pop_file(struct config_text *t)
{
	struct frame *f = &t->stack[--t->depth];

	if (f->has_glob)
		globfree(&f->glob);
	explicit_bzero(f->lexer.text, strlen(f->lexer.text)); /* may hold a URL's userinfo */
	free(f->lexer.text);
}

static int glob_error(const char *path, int error)
{
	(void)path;
	return error != ENOENT; /* a folder that is not there is no match */
}

/* dir/pattern with dir taken literally. */
static char *glob_pattern(const char *dir, const char *pattern, size_t len)
{
	size_t dir_len = strlen(dir), n = 0;
	char *out = malloc(2 * dir_len + len + 2);

	if (!out)
		return NULL;
	for (size_t i = 0; pattern[0] != '/' && i < dir_len; i++) {
		if (strchr("*?[]\\", dir[i]))
			out[n++] = '\\';
		out[n++] = dir[i];
	}
	if (n)
		out[n++] = '/';
	memcpy(out + n, pattern, len);
	out[n + len] = 0;
	return out;
}

int config_glob(struct config_text *t, struct frame *f, const char *pattern, size_t len,
	struct config_where where, struct config_error *err)
{
	cleanup_free char *full = glob_pattern(config_text_folder(t, f->file), pattern, len);
	int rc;

	if (!full)
		return config_fail_memory(err);
	rc = glob(full, 0, glob_error, &f->glob);
	if (rc && rc != GLOB_NOMATCH) {
		globfree(&f->glob);
		return config_text_fail(t, where, err, "cannot look for \"%s\"", full);
	}
	f->has_glob = true;
	f->next = 0;
	if (rc == GLOB_NOMATCH)
		f->glob.gl_pathc = 0;
	return 0;
}
