/* The inside of a configuration text, for config_text.c and config_files.c alone. */
#ifndef FRAMEMUX_CONFIG_TEXT_PRIVATE_H
#define FRAMEMUX_CONFIG_TEXT_PRIVATE_H

#include <glob.h>
#include <sys/types.h>

#include "common/lexer.h"
#include "mux/daemon/config/config_text.h"

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
	struct lexer lexer; /* its text is owned */
	size_t emitted;
	unsigned emitted_line;
	int section; /* open section, or CONFIG_TOP */
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

/* Room for one more element of an array of n; NULL without memory. */
void *config_grow(void *array, size_t n, size_t size);
int config_fail_memory(struct config_error *err);

/* The text up to end goes into the merged buffer; -ENOMEM. */
int config_emit_until(struct config_text *t, struct frame *f, size_t end);

/* End the merged line, so that the next file begins on its own. */
int config_emit_break(struct config_text *t);

/* Begin to read a file. from: the include that asks for it, NULL for the first. */
int config_push_file(struct config_text *t, const char *path, const struct config_where *from,
	struct config_error *err);
void config_pop_file(struct config_text *t);

/* Find the files of an include; they are pushed one after another. */
int config_glob(struct config_text *t, struct frame *f, const char *pattern, size_t len,
	struct config_where where, struct config_error *err);

#endif
