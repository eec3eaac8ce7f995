/*
 * Reads the configuration's files, blanks comments, puts includes in place and notes where each
 * section and key stands. Knows which shape a statement has, not what any key means. Runs in
 * framemuxd, before anything is started.
 */
#include "mux/daemon/config_text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

struct file {
	char *name, *folder; /* owned */
	dev_t dev;
	ino_t ino;
};

struct key {
	char *name; /* owned */
	int section;
	struct config_where where;
};

/* A file that is being read; above it in the stack, what it includes. */
struct frame {
	unsigned file;
	char *text; /* owned */
	size_t at, emitted;
	unsigned line, last_line, emitted_line; /* last_line: of the last token */
	int section;                            /* open section, or CONFIG_TOP */
	bool has_glob;
	glob_t glob; /* the files of an include that are still to come */
	size_t next;
};

struct config_text {
	struct file *files;
	struct config_where *lines; /* of the merged buffer */
	struct config_section *sections;
	struct key *keys;
	size_t n_files, n_lines, n_sections, n_keys;
	char *merged;
	size_t merged_len, merged_cap;
	bool line_begun;
	struct frame stack[CONFIG_DEPTH_MAX];
	size_t depth;
};

enum token_kind { T_END, T_WORD, T_STRING, T_PUNCT, T_UNENDED };

struct token {
	enum token_kind kind;
	char c; /* of T_PUNCT */
	const char *text;
	size_t len;
	unsigned line;
};

/* ---- errors and growing ------------------------------------------------------------------ */

static void write_error(const struct config_text *t, struct config_where where,
	struct config_error *err, const char *fmt, va_list ap)
{
	int n = snprintf(err->text, sizeof(err->text), "%s:%u: ", config_text_file(t, where.file),
		where.line);

	if (n > 0 && (size_t)n < sizeof(err->text))
		vsnprintf(err->text + n, sizeof(err->text) - (size_t)n, fmt, ap);
}

int config_text_fail(const struct config_text *t, struct config_where where,
	struct config_error *ret_error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_error(t, where, ret_error, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int fail_memory(struct config_error *err)
{
	snprintf(err->text, sizeof(err->text), "out of memory");
	return -ENOMEM;
}

/* Room for one more element. */
static void *grow(void *array, size_t n, size_t size)
{
	if (n && (n < 16 || (n & (n - 1))))
		return array;
	return reallocarray(array, n < 16 ? 16 : 2 * n, size);
}

/* ---- comments ---------------------------------------------------------------------------- */

/* The end of a quoted string, or of the line when it has none. */
static char *string_end(char *p)
{
	char quote = *p++;

	while (*p && *p != '\n' && *p != quote)
		p += p[0] == '\\' && p[1] && p[1] != '\n' ? 2 : 1;
	return *p == quote ? p + 1 : p;
}

unsigned config_text_blank(char *text)
{
	unsigned line = 1;

	for (char *p = text; *p;) {
		if (*p == '"' || *p == '\'') {
			p = string_end(p);
		} else if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
			while (*p && *p != '\n')
				*p++ = ' ';
		} else if (p[0] == '/' && p[1] == '*') {
			unsigned begun = line;
			char *end = strstr(p + 2, "*/");

			if (!end)
				return begun;
			for (; p < end + 2; p++) {
				if (*p == '\n')
					line++;
				else
					*p = ' ';
			}
		} else {
			line += *p++ == '\n';
		}
	}
	return 0;
}

/* ---- the merged buffer ------------------------------------------------------------------- */

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
static int emit_break(struct config_text *t)
{
	if (!t->line_begun)
		return 0;
	t->line_begun = false;
	return emit_char(t, '\n');
}

static int emit_until(struct config_text *t, struct frame *f, size_t end)
{
	for (; f->emitted < end; f->emitted++) {
		char c = f->text[f->emitted];

		if (!t->line_begun) {
			struct config_where *lines = grow(t->lines, t->n_lines, sizeof(*lines));

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

/* ---- files ------------------------------------------------------------------------------- */

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
	struct file *files = grow(t->files, t->n_files, sizeof(*files));
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

/* Errors that have no line in the file itself stand at the include, or at line 0 of the first. */
static int push_file(struct config_text *t, const char *path, const struct config_where *from,
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
		return fail_memory(err);
	if (!from)
		from = &here;
	if (!S_ISREG(st.st_mode))
		return config_text_fail(t, *from, err, "\"%s\" is not a regular file", path);
	if (is_being_read(t, &st))
		return config_text_fail(t, *from, err, "\"%s\" includes itself", path);
	if (t->depth == CONFIG_DEPTH_MAX || t->n_files > CONFIG_FILES_MAX)
		return config_text_fail(t, *from, err, "too many includes");
	if (st.st_size > (off_t)CONFIG_FILE_BYTES_MAX ||
		t->merged_len + (size_t)st.st_size > CONFIG_TOTAL_BYTES_MAX)
		return config_text_fail(t, *from, err, "\"%s\" is too large", path);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return fail_memory(err);
	rc = read_all(fd, (size_t)st.st_size, text);
	if (rc < 0)
		return config_text_fail(
			t, *from, err, "cannot read \"%s\": %s", path, strerror(-rc));
	if (strlen(text) != (size_t)st.st_size)
		return config_text_fail(t, here, err, "a NUL byte: this is not text");
	line = config_text_blank(text);
	if (line)
		return config_text_fail(t, (struct config_where){here.file, line}, err,
			"the comment that begins here does not end");
	f = &t->stack[t->depth++];
	*f = (struct frame){.file = here.file,
		.text = take_ptr(text),
		.line = 1,
		.emitted_line = 1,
		.section = CONFIG_TOP};
	return emit_break(t) < 0 ? fail_memory(err) : 0;
}

static void pop_file(struct config_text *t)
{
	struct frame *f = &t->stack[--t->depth];

	if (f->has_glob)
		globfree(&f->glob);
	explicit_bzero(f->text, strlen(f->text)); /* may hold a URL's userinfo */
	free(f->text);
}

/* ---- statements -------------------------------------------------------------------------- */

static struct token next_token(struct frame *f)
{
	const char *p = f->text + f->at;
	struct token tok;

	for (; *p && isspace((unsigned char)*p); p++)
		f->line += *p == '\n';
	tok = (struct token){.kind = T_END, .text = p, .line = f->line};
	if (*p == '"' || *p == '\'') {
		const char *end = string_end((char *)p);

		tok.kind = end > p + 1 && end[-1] == *p ? T_STRING : T_UNENDED;
		tok.text = p + 1;
		tok.len = (size_t)(end - p) - (tok.kind == T_STRING ? 2 : 1);
		p = end;
	} else if (*p && strchr("={}(),", *p)) {
		tok.kind = T_PUNCT;
		tok.c = *p;
		tok.len = 1;
		p++;
	} else if (*p) {
		tok.kind = T_WORD;
		while (*p && !isspace((unsigned char)*p) && !strchr("={}(),\"'", *p))
			p++;
		tok.len = (size_t)(p - tok.text);
	}
	f->at = (size_t)(p - f->text);
	if (tok.kind != T_END)
		f->last_line = tok.line;
	return tok;
}

static bool is_punct(const struct token *tok, char c)
{
	return tok->kind == T_PUNCT && tok->c == c;
}

static bool is_value(const struct token *tok)
{
	return tok->kind == T_STRING || tok->kind == T_WORD;
}

static bool is_key(const struct token *tok)
{
	if (tok->kind != T_WORD || isdigit((unsigned char)tok->text[0]))
		return false;
	for (size_t i = 0; i < tok->len; i++)
		if (!isalnum((unsigned char)tok->text[i]) && tok->text[i] != '_')
			return false;
	return true;
}

static int fail_at(const struct config_text *t, const struct frame *f, const struct token *tok,
	struct config_error *err, const char *expected)
{
	struct config_where where = {f->file, tok->line};

	switch (tok->kind) {
	case T_END:
		return config_text_fail(
			t, where, err, "%s was expected, but the file ends", expected);
	case T_UNENDED:
		return config_text_fail(t, where, err, "a string that does not end on its line");
	case T_STRING: /* may be a URL with a password in it: not repeated */
		return config_text_fail(t, where, err, "%s was expected, not a string", expected);
	case T_WORD:
		if (!is_key(tok))
			return config_text_fail(t, where, err, "%s was expected", expected);
		break;
	case T_PUNCT:
		break;
	}
	return config_text_fail(t, where, err, "%s was expected, not \"%.*s\"", expected,
		(int)(tok->len > 40 ? 40 : tok->len), tok->text);
}

/* A variable in a value would be whatever the environment says: no value is guessed. */
static int refuse_variable(const struct config_text *t, const struct frame *f,
	const struct token *tok, struct config_error *err)
{
	/* A brace ends a word: look one further. */
	if (!memmem(tok->text, tok->len + (tok->kind == T_WORD), "${", 2))
		return 0;
	return config_text_fail(t, (struct config_where){f->file, tok->line}, err,
		"\"${\" is refused: there are no variables here");
}

static int read_value(const struct config_text *t, struct frame *f, struct config_error *err)
{
	struct token tok = next_token(f);
	bool list = is_punct(&tok, '{');

	if (!list && !is_value(&tok))
		return fail_at(t, f, &tok, err, "a value");
	if (!list)
		return refuse_variable(t, f, &tok, err);
	for (;;) {
		tok = next_token(f);
		if (is_punct(&tok, '}'))
			return 0;
		if (!is_value(&tok))
			return fail_at(t, f, &tok, err, "a value or \"}\"");
		if (refuse_variable(t, f, &tok, err) < 0)
			return -EINVAL;
		tok = next_token(f);
		if (is_punct(&tok, '}'))
			return 0;
		if (!is_punct(&tok, ','))
			return fail_at(t, f, &tok, err, "\",\" or \"}\"");
	}
}

static int note_key(struct config_text *t, const struct frame *f, const struct token *tok,
	struct config_error *err)
{
	struct key *keys = grow(t->keys, t->n_keys, sizeof(*keys));
	struct config_where where = {f->file, tok->line}, before;
	char *name;

	if (!keys)
		return fail_memory(err);
	t->keys = keys;
	name = strndup(tok->text, tok->len);
	if (!name)
		return fail_memory(err);
	before = config_text_key(t, f->section, name);
	keys[t->n_keys++] = (struct key){name, f->section, where};
	if (before.line)
		return config_text_fail(t, where, err,
			"\"%s\" is repeated; it stands in %s:%u already", name,
			config_text_file(t, before.file), before.line);
	return 0;
}

static int note_section(struct config_text *t, struct frame *f, const struct token *type,
	const struct token *name, struct config_error *err)
{
	struct config_section *sections = grow(t->sections, t->n_sections, sizeof(*sections));
	struct config_section *s;

	if (!sections)
		return fail_memory(err);
	t->sections = sections;
	s = &sections[t->n_sections];
	*s = (struct config_section){.type = strndup(type->text, type->len),
		.name = strndup(name->text, name->len),
		.where = {f->file, type->line}};
	t->n_sections++;
	if (!s->type || !s->name)
		return fail_memory(err);
	f->section = (int)t->n_sections - 1;
	for (size_t i = 0; i + 1 < t->n_sections; i++) {
		if (strcmp(sections[i].type, s->type) != 0)
			continue;
		s->index++;
		if (!strcmp(sections[i].name, s->name))
			return config_text_fail(t, s->where, err,
				"%s \"%s\" is repeated; it stands in %s:%u already", s->type,
				s->name, config_text_file(t, sections[i].where.file),
				sections[i].where.line);
	}
	return 0;
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

static int begin_include(
	struct config_text *t, struct frame *f, const struct token *word, struct config_error *err)
{
	struct config_where where = {f->file, word->line};
	cleanup_free char *pattern = NULL;
	struct token tok = next_token(f);
	int rc;

	if (f->section != CONFIG_TOP)
		return config_text_fail(t, where, err, "include stands outside of sections only");
	if (tok.kind != T_STRING || !tok.len)
		return fail_at(t, f, &tok, err, "a quoted file name");
	if (refuse_variable(t, f, &tok, err) < 0)
		return -EINVAL;
	pattern = glob_pattern(config_text_folder(t, f->file), tok.text, tok.len);
	tok = next_token(f);
	if (!is_punct(&tok, ')'))
		return fail_at(t, f, &tok, err, "\")\"");
	f->emitted = f->at;
	f->emitted_line = f->line;
	if (!pattern)
		return fail_memory(err);
	rc = glob(pattern, 0, glob_error, &f->glob);
	if (rc && rc != GLOB_NOMATCH) {
		globfree(&f->glob);
		return config_text_fail(t, where, err, "cannot look for \"%s\"", pattern);
	}
	f->has_glob = true;
	f->next = 0;
	if (rc == GLOB_NOMATCH)
		f->glob.gl_pathc = 0;
	return 0;
}

/* One statement of the topmost file. 1 when the file has ended. */
static int read_statement(struct config_text *t, struct config_error *err)
{
	struct frame *f = &t->stack[t->depth - 1];
	size_t begin = f->at;
	struct token word = next_token(f), tok;

	if (word.kind == T_END) {
		if (f->section == CONFIG_TOP)
			return emit_until(t, f, f->at) < 0 ? fail_memory(err) : 1;
		return config_text_fail(t, (struct config_where){f->file, f->last_line}, err,
			"the file ends, but the section that begins in line %u has no closing "
			"brace",
			t->sections[f->section].where.line);
	}
	if (is_punct(&word, '}') && f->section != CONFIG_TOP) {
		f->section = CONFIG_TOP;
		return emit_until(t, f, f->at) < 0 ? fail_memory(err) : 0;
	}
	if (!is_key(&word))
		return fail_at(t, f, &word, err, "a key or section");
	tok = next_token(f);
	if (is_punct(&tok, '(')) {
		if (word.len != 7 || memcmp(word.text, "include", 7) != 0)
			return fail_at(t, f, &tok, err, "\"=\"");
		if (emit_until(t, f, begin) < 0)
			return fail_memory(err);
		return begin_include(t, f, &word, err);
	}
	if (is_punct(&tok, '=')) {
		if (note_key(t, f, &word, err) < 0 || read_value(t, f, err) < 0)
			return -EINVAL;
		return emit_until(t, f, f->at) < 0 ? fail_memory(err) : 0;
	}
	if (!is_value(&tok))
		return fail_at(t, f, &tok, err, "\"=\" or a section's name");
	if (f->section != CONFIG_TOP)
		return fail_at(t, f, &tok, err, "\"=\"");
	if (refuse_variable(t, f, &tok, err) < 0 || note_section(t, f, &word, &tok, err) < 0)
		return -EINVAL;
	tok = next_token(f);
	if (!is_punct(&tok, '{'))
		return fail_at(t, f, &tok, err, "\"{\"");
	return emit_until(t, f, f->at) < 0 ? fail_memory(err) : 0;
}

static int step(struct config_text *t, struct config_error *err)
{
	struct frame *f = &t->stack[t->depth - 1];
	int rc;

	if (f->has_glob) {
		struct config_where where = {f->file, f->line};

		if (f->next < f->glob.gl_pathc)
			return push_file(t, f->glob.gl_pathv[f->next++], &where, err);
		globfree(&f->glob);
		f->has_glob = false;
	}
	rc = read_statement(t, err);
	if (rc == 1) {
		pop_file(t);
		rc = emit_break(t) < 0 ? fail_memory(err) : 0;
	}
	return rc;
}

int config_text_load(const char *path, struct config_text **ret, struct config_error *ret_error)
{
	struct config_text *t = calloc(1, sizeof(*t));
	int rc;

	if (!t || emit_char(t, '\n') < 0) {
		free(t);
		return fail_memory(ret_error);
	}
	t->merged_len = 0;
	t->merged[0] = 0;
	rc = push_file(t, path, NULL, ret_error);
	while (!rc && t->depth)
		rc = step(t, ret_error);
	if (rc < 0) {
		config_text_free(t);
		return rc;
	}
	*ret = t;
	return 0;
}

void config_text_free(struct config_text *t)
{
	if (!t)
		return;
	while (t->depth)
		pop_file(t);
	for (size_t i = 0; i < t->n_files; i++) {
		free(t->files[i].name);
		free(t->files[i].folder);
	}
	for (size_t i = 0; i < t->n_sections; i++) {
		free(t->sections[i].type);
		free(t->sections[i].name);
	}
	for (size_t i = 0; i < t->n_keys; i++)
		free(t->keys[i].name);
	free(t->files);
	free(t->lines);
	free(t->sections);
	free(t->keys);
	if (t->merged)
		explicit_bzero(t->merged, t->merged_cap); /* may hold a URL's userinfo */
	free(t->merged);
	free(t);
}

/* ---- questions --------------------------------------------------------------------------- */

const char *config_text_buffer(const struct config_text *t)
{
	return t->merged;
}

struct config_where config_text_line(const struct config_text *t, unsigned line)
{
	if (!t->n_lines)
		return (struct config_where){0, 1};
	if (line < 1)
		line = 1;
	return t->lines[line > t->n_lines ? t->n_lines - 1 : line - 1];
}

size_t config_text_sections(const struct config_text *t, const struct config_section **ret)
{
	*ret = t->sections;
	return t->n_sections;
}

const char *config_text_nth_key(
	const struct config_text *t, size_t n, int *ret_section, struct config_where *ret_where)
{
	if (n >= t->n_keys)
		return NULL;
	*ret_section = t->keys[n].section;
	*ret_where = t->keys[n].where;
	return t->keys[n].name;
}

struct config_where config_text_key(const struct config_text *t, int section, const char *key)
{
	for (size_t i = 0; i < t->n_keys; i++)
		if (t->keys[i].section == section && !strcmp(t->keys[i].name, key))
			return t->keys[i].where;
	return (struct config_where){0, 0};
}

const char *config_text_file(const struct config_text *t, unsigned file)
{
	return file < t->n_files ? t->files[file].name : "?";
}

const char *config_text_folder(const struct config_text *t, unsigned file)
{
	return file < t->n_files ? t->files[file].folder : ".";
}
