/* Reads and writes the text of the cutoffs: "ISSUE all", "ISSUE camera NAME", "ISSUE uid UID". */
#include "mux/daemon/cutoff_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "mux/daemon/folder.h"
#include "mux/daemon/parse.h"

#define HEADER     "framemux cutoffs 1\n"
#define FILE_BYTES (CUTOFFS_MAX * (LIMIT_NAME + 32u))

int cutoff_file_text(const struct cutoffs *s, char **ret, size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool bad;

	if (!f)
		return -ENOMEM;
	fputs(HEADER, f);
	for (size_t i = 0; i < s->n; i++) {
		const struct cutoff *c = &s->list[i];

		if (c->kind == CUTOFF_ALL)
			fprintf(f, "%" PRIu64 " all\n", c->issue);
		else if (c->kind == CUTOFF_CAMERA)
			fprintf(f, "%" PRIu64 " camera %s\n", c->issue, c->camera);
		else
			fprintf(f, "%" PRIu64 " uid %" PRIu32 "\n", c->issue, c->uid);
	}
	bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

static int parse_line(char *line, struct cutoff *ret)
{
	char *save = NULL, *issue = strtok_r(line, " ", &save), *kind = strtok_r(NULL, " ", &save);
	char *value = strtok_r(NULL, " ", &save);
	struct cutoff c = {0};
	uint64_t uid = 0;

	if (!kind || parse_number(issue, 1, UINT64_MAX - 1, &c.issue) < 0 ||
		(value && strtok_r(NULL, " ", &save)))
		return -EBADMSG;
	if (!strcmp(kind, "all") && !value) {
		c.kind = CUTOFF_ALL;
	} else if (!strcmp(kind, "camera") && value && parse_is_name(value)) {
		c.kind = CUTOFF_CAMERA;
		memcpy(c.camera, value, strlen(value) + 1);
	} else if (!strcmp(kind, "uid") && value &&
		parse_number(value, 0, UINT32_MAX - 1, &uid) == 0) {
		c.kind = CUTOFF_UID;
		c.uid = (uint32_t)uid;
	} else {
		return -EBADMSG;
	}
	*ret = c;
	return 0;
}

int cutoff_file_load(int folder, struct cutoffs *ret, char *ret_why, size_t why_size)
{
	cleanup_free char *text = NULL;
	size_t len = 0, number = 1;
	char *save = NULL;
	int rc = folder_read(folder, CUTOFFS_FILE, FILE_BYTES, &text, &len);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0) {
		snprintf(ret_why, why_size, CUTOFFS_FILE ": %s", strerror(-rc));
		return rc;
	}
	/* Replaced as a whole whenever it changes: there is no torn line that could be excused. */
	if (strlen(text) != len || strncmp(text, HEADER, strlen(HEADER)) != 0 ||
		text[len - 1] != '\n') {
		snprintf(ret_why, why_size, CUTOFFS_FILE " is damaged");
		return -EBADMSG;
	}
	for (char *line = strtok_r(text + strlen(HEADER), "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		struct cutoff c;

		number++;
		rc = parse_line(line, &c);
		if (!rc)
			rc = cutoffs_add(ret, &c);
		if (rc < 0) {
			snprintf(ret_why, why_size, CUTOFFS_FILE " is damaged in line %zu", number);
			return rc == -ENOMEM ? rc : -EBADMSG;
		}
	}
	return 0;
}
