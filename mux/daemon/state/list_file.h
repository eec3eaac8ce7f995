/*
 * A file of the state folder that is a list: a header that names it and its version, then a line for
 * each entry. Replaced as a whole whenever it changes, so that there is no torn line that could be
 * excused: whatever cannot be read is damage, and ends the start.
 */
#ifndef FRAMEMUX_LIST_FILE_H
#define FRAMEMUX_LIST_FILE_H

#include <stddef.h>
#include <stdio.h>

struct list_file {
	const char *name, *header; /* the header with its newline */
	size_t bytes_max;
};

/*
 * take gets each line, without its end, to cut up as it likes: 0, -ENOMEM, or -errno for damage.
 * 0 (also when there is no file), or -errno and why; -EBADMSG: damaged.
 */
int list_file_load(int folder, const struct list_file *file, int (*take)(void *data, char *line),
	void *data, char *ret_why, size_t why_size);

/* The text of one: print writes its lines. 0 or -ENOMEM; the caller frees. */
int list_file_text(const struct list_file *file, void (*print)(const void *data, FILE *f),
	const void *data, char **ret, size_t *ret_len);

#endif
