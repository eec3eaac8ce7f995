/*
 * Notes where each section and key of the configuration stands, and refuses what no key may have.
 * Knows which shape a statement has, not what any key means. Runs in framemuxd, before anything is
 * started.
 */
#include "mux/daemon/config/config_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "mux/daemon/config/config_text_private.h"

/* ---- errors and growing -------------------------------------------------------------- */

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

int config_fail_memory(struct config_error *err)
{
	snprintf(err->text, sizeof(err->text), "out of memory");
	return -ENOMEM;
}

/* Room for one more element. */
void *config_grow(void *array, size_t n, size_t size)
{
	if (n && (n < 16 || (n & (n - 1))))
		return array;
	return reallocarray(array, n < 16 ? 16 : 2 * n, size);
}

/* ---- statements ---------------------------------------------------------------------- */

static int fail_at(const struct config_text *t, const struct frame *f, const struct word *tok,
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
		if (!word_is_key(tok))
			return config_text_fail(t, where, err, "%s was expected", expected);
		break;
	case T_PUNCT:
		break;
	}
	return config_text_fail(t, where, err, "%s was expected, not \"%.*s\"", expected,
		(int)(tok->len > 40 ? 40 : tok->len), tok->text);
}

static int refuse_variable(const struct config_text *t, const struct frame *f,
	const struct word *tok, struct config_error *err)
{
	if (!word_has_variable(tok))
		return 0;
	return config_text_fail(t, (struct config_where){f->file, tok->line}, err,
		"\"${\" is refused: there are no variables here");
}

static int read_value(const struct config_text *t, struct frame *f, struct config_error *err)
{
	struct word tok = lexer_next(&f->lexer);
	bool list = word_is_punct(&tok, '{');

	if (!list && !word_is_value(&tok))
		return fail_at(t, f, &tok, err, "a value");
	if (!list)
		return refuse_variable(t, f, &tok, err);
	for (;;) {
		tok = lexer_next(&f->lexer);
		if (word_is_punct(&tok, '}'))
			return 0;
		if (!word_is_value(&tok))
			return fail_at(t, f, &tok, err, "a value or \"}\"");
		if (refuse_variable(t, f, &tok, err) < 0)
			return -EINVAL;
		tok = lexer_next(&f->lexer);
		if (word_is_punct(&tok, '}'))
			return 0;
		if (!word_is_punct(&tok, ','))
			return fail_at(t, f, &tok, err, "\",\" or \"}\"");
	}
}

static int note_key(struct config_text *t, const struct frame *f, const struct word *tok,
	struct config_error *err)
{
	struct key *keys = config_grow(t->keys, t->n_keys, sizeof(*keys));
	struct config_where where = {f->file, tok->line}, before;
	char *name;

	if (!keys)
		return config_fail_memory(err);
	t->keys = keys;
	name = strndup(tok->text, tok->len);
	if (!name)
		return config_fail_memory(err);
	before = config_text_key(t, f->section, name);
	keys[t->n_keys++] = (struct key){name, f->section, where};
	if (before.line)
		return config_text_fail(t, where, err,
			"\"%s\" is repeated; it stands in %s:%u already", name,
			config_text_file(t, before.file), before.line);
	return 0;
}

static int note_section(struct config_text *t, struct frame *f, const struct word *type,
	const struct word *name, struct config_error *err)
{
	struct config_section *sections =
		config_grow(t->sections, t->n_sections, sizeof(*sections));
	struct config_section *s;

	if (!sections)
		return config_fail_memory(err);
	t->sections = sections;
	s = &sections[t->n_sections];
	*s = (struct config_section){.type = strndup(type->text, type->len),
		.name = strndup(name->text, name->len),
		.where = {f->file, type->line}};
	t->n_sections++;
	if (!s->type || !s->name)
		return config_fail_memory(err);
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

static int begin_include(struct config_text *t, struct frame *f, const struct word *include,
	struct config_error *err)
{
	struct config_where where = {f->file, include->line};
	struct word name = lexer_next(&f->lexer), end;

	if (f->section != CONFIG_TOP)
		return config_text_fail(t, where, err, "include stands outside of sections only");
	if (name.kind != T_STRING || !name.len)
		return fail_at(t, f, &name, err, "a quoted file name");
	if (refuse_variable(t, f, &name, err) < 0)
		return -EINVAL;
	end = lexer_next(&f->lexer);
	if (!word_is_punct(&end, ')'))
		return fail_at(t, f, &end, err, "\")\"");
	f->emitted = f->lexer.at;
	f->emitted_line = f->lexer.line;
	return config_glob(t, f, name.text, name.len, where, err);
}

/* One statement of the topmost file. 1 when the file has ended. */
static int read_statement(struct config_text *t, struct config_error *err)
{
	struct frame *f = &t->stack[t->depth - 1];
	size_t begin = f->lexer.at;
	struct word word = lexer_next(&f->lexer), tok;

	if (word.kind == T_END) {
		if (f->section == CONFIG_TOP)
			return config_emit_until(t, f, f->lexer.at) < 0 ? config_fail_memory(err)
									: 1;
		return config_text_fail(t, (struct config_where){f->file, f->lexer.last_line}, err,
			"the file ends, but the section that begins in line %u has no closing "
			"brace",
			t->sections[f->section].where.line);
	}
	if (word_is_punct(&word, '}') && f->section != CONFIG_TOP) {
		f->section = CONFIG_TOP;
		return config_emit_until(t, f, f->lexer.at) < 0 ? config_fail_memory(err) : 0;
	}
	if (!word_is_key(&word))
		return fail_at(t, f, &word, err, "a key or section");
	tok = lexer_next(&f->lexer);
	if (word_is_punct(&tok, '(')) {
		if (word.len != 7 || memcmp(word.text, "include", 7) != 0)
			return fail_at(t, f, &tok, err, "\"=\"");
		if (config_emit_until(t, f, begin) < 0)
			return config_fail_memory(err);
		return begin_include(t, f, &word, err);
	}
	if (word_is_punct(&tok, '=')) {
		if (note_key(t, f, &word, err) < 0 || read_value(t, f, err) < 0)
			return -EINVAL;
		return config_emit_until(t, f, f->lexer.at) < 0 ? config_fail_memory(err) : 0;
	}
	if (!word_is_value(&tok))
		return fail_at(t, f, &tok, err, "\"=\" or a section's name");
	if (f->section != CONFIG_TOP)
		return fail_at(t, f, &tok, err, "\"=\"");
	if (refuse_variable(t, f, &tok, err) < 0 || note_section(t, f, &word, &tok, err) < 0)
		return -EINVAL;
	tok = lexer_next(&f->lexer);
	if (!word_is_punct(&tok, '{'))
		return fail_at(t, f, &tok, err, "\"{\"");
	return config_emit_until(t, f, f->lexer.at) < 0 ? config_fail_memory(err) : 0;
}

static int step(struct config_text *t, struct config_error *err)
{
	struct frame *f = &t->stack[t->depth - 1];
	int rc;

	if (f->has_glob) {
		struct config_where where = {f->file, f->lexer.line};

		if (f->next < f->glob.gl_pathc)
			return config_push_file(t, f->glob.gl_pathv[f->next++], &where, err);
		globfree(&f->glob);
		f->has_glob = false;
	}
	rc = read_statement(t, err);
	if (rc == 1) {
		config_pop_file(t);
		rc = config_emit_break(t) < 0 ? config_fail_memory(err) : 0;
	}
	return rc;
}

int config_text_load(const char *path, struct config_text **ret, struct config_error *ret_error)
{
	struct config_text *t = calloc(1, sizeof(*t));
	int rc;

	if (!t || !(t->merged = strdup(""))) {
		free(t);
		return config_fail_memory(ret_error);
	}
	t->merged_cap = 1;
	rc = config_push_file(t, path, NULL, ret_error);
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
		config_pop_file(t);
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

/* ---- questions ----------------------------------------------------------------------- */

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
