/*
 * The text of the configuration before its grammar: framemux.conf and what it includes, as one
 * buffer for libconfuse, and a table of where each section and key stands.
 *
 * libconfuse miscounts lines at comments, refuses them inside braces, expands ${ENV}, resolves
 * includes against the working folder without globbing, and lets a repeated key win silently. So
 * comments are blanked here, includes are put in place here, and repeats and ${ are refused here.
 */
#ifndef FRAMEMUX_CONFIG_TEXT_H
#define FRAMEMUX_CONFIG_TEXT_H

#include <stddef.h>

#define CONFIG_FILE_BYTES_MAX  (1024u * 1024u)
#define CONFIG_TOTAL_BYTES_MAX (8u * 1024u * 1024u)
#define CONFIG_FILES_MAX       512u
#define CONFIG_DEPTH_MAX       8u
#define CONFIG_TOP             (-1) /* "section" of the keys outside of all sections */

/* "FILE:LINE: what is wrong" */
struct config_error {
	char text[1024];
};

struct config_where {
	unsigned file, line;
};

struct config_section {
	char *type, *name; /* owned; as written, without quotes */
	struct config_where where;
	unsigned index; /* among the sections of its type */
};

struct config_text;

/* 0 and the text, or -errno and what is wrong. */
int config_text_load(const char *path, struct config_text **ret, struct config_error *ret_error);
void config_text_free(struct config_text *t);

/* For cfg_parse_buf(); lines are those of config_text_line(). */
const char *config_text_buffer(const struct config_text *t);
struct config_where config_text_line(const struct config_text *t, unsigned line);

size_t config_text_sections(const struct config_text *t, const struct config_section **ret);

/* Each key in order; section is a number of config_text_sections() or CONFIG_TOP. NULL at the end.
 */
const char *config_text_nth_key(
	const struct config_text *t, size_t n, int *ret_section, struct config_where *ret_where);

/* Where a key stands; line 0 when it is not there. */
struct config_where config_text_key(const struct config_text *t, int section, const char *key);

/* The file's name as it was opened, and the absolute folder that its relative paths begin in. */
const char *config_text_file(const struct config_text *t, unsigned file);
const char *config_text_folder(const struct config_text *t, unsigned file);

/* Write "FILE:LINE: " and the message; returns -EINVAL. */
int config_text_fail(const struct config_text *t, struct config_where where,
	struct config_error *ret_error, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
