/* Reads and writes the text of the cutoffs: "ISSUE all", "ISSUE camera NAME", "ISSUE uid UID". */
#include "mux/daemon/cutoff/cutoff_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "mux/daemon/config/parse.h"
#include "mux/daemon/state/list_file.h"

static const struct list_file list = {.name = CUTOFFS_FILE,
	.header = "framemux cutoffs 1\n",
	.bytes_max = CUTOFFS_MAX * (LIMIT_NAME + 32u)};

static void print(const void *data, FILE *f)
{
	const struct cutoffs *s = data;

	for (size_t i = 0; i < s->n; i++) {
		const struct cutoff *c = &s->list[i];

		if (c->kind == CUTOFF_ALL)
			fprintf(f, "%" PRIu64 " all\n", c->issue);
		else if (c->kind == CUTOFF_CAMERA)
			fprintf(f, "%" PRIu64 " camera %s\n", c->issue, c->camera);
		else
			fprintf(f, "%" PRIu64 " uid %" PRIu32 "\n", c->issue, c->uid);
	}
}

int cutoff_file_text(const struct cutoffs *s, char **ret, size_t *ret_len)
{
	return list_file_text(&list, print, s, ret, ret_len);
}

static int parse_line(char *line, struct cutoff *ret)
{
	char *save = NULL, *issue = strtok_r(line, " ", &save), *kind = strtok_r(NULL, " ", &save);
	char *value = strtok_r(NULL, " ", &save);
	struct cutoff c = {0};
	uint64_t uid = 0;

	if (!kind || number_parse(issue, 1, UINT64_MAX - 1, &c.issue) < 0 ||
		(value && strtok_r(NULL, " ", &save)))
		return -EBADMSG;
	if (!strcmp(kind, "all") && !value) {
		c.kind = CUTOFF_ALL;
	} else if (!strcmp(kind, "camera") && value && parse_is_name(value)) {
		c.kind = CUTOFF_CAMERA;
		memcpy(c.camera, value, strlen(value) + 1);
	} else if (!strcmp(kind, "uid") && value &&
		number_parse(value, 0, UINT32_MAX - 1, &uid) == 0) {
		c.kind = CUTOFF_UID;
		c.uid = (uint32_t)uid;
	} else {
		return -EBADMSG;
	}
	*ret = c;
	return 0;
}

static int take(void *data, char *line)
{
	struct cutoff c;
	int rc = parse_line(line, &c);

	return rc < 0 ? rc : cutoffs_add(data, &c);
}

int cutoff_file_load(int folder, struct cutoffs *ret, char *ret_why, size_t why_size)
{
	return list_file_load(folder, &list, take, ret, ret_why, why_size);
}
