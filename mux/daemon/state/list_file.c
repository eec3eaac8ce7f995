/* Reads and writes lists. Touches the disk in list_file_load alone, while framemuxd starts. */
#include "mux/daemon/state/list_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "mux/daemon/state/folder.h"

int list_file_text(const struct list_file *file, void (*print)(const void *data, FILE *f),
	const void *data, char **ret, size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool bad;

	if (!f)
		return -ENOMEM;
	fputs(file->header, f);
	print(data, f);
	bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

int list_file_load(int folder, const struct list_file *file, int (*take)(void *data, char *line),
	void *data, char *ret_why, size_t why_size)
{
	size_t len = 0, number = 1, header = strlen(file->header);
	cleanup_free char *text = NULL;
	char *save = NULL;
	int rc = folder_read(folder, file->name, file->bytes_max, &text, &len);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0) {
		snprintf(ret_why, why_size, "%s: %s", file->name, strerror(-rc));
		return rc;
	}
	if (strlen(text) != len || strncmp(text, file->header, header) != 0 ||
		text[len - 1] != '\n') {
		snprintf(ret_why, why_size, "%s is damaged", file->name);
		return -EBADMSG;
	}
	for (char *line = strtok_r(text + header, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		number++;
		rc = take(data, line);
		if (rc < 0) {
			snprintf(
				ret_why, why_size, "%s is damaged in line %zu", file->name, number);
			return rc == -ENOMEM ? rc : -EBADMSG;
		}
	}
	return 0;
}
