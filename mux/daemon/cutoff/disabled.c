/* The list of the kill switch, and its text: "camera NAME", "uid UID", "vendor NAME". In framemuxd. */
#include "mux/daemon/cutoff/disabled.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/number.h"
#include "common/text.h"
#include "mux/daemon/config/parse.h"
#include "mux/daemon/state/list_file.h"

#define ROOM_FIRST 16u

void disabled_free(struct disabled *d)
{
	free(d->list);
	*d = (struct disabled){0};
}

/* Vendors' names as policies take them, without regard to case: in haste "acme" is Acme. */
static bool is_same(const struct disabled_entry *a, const struct disabled_entry *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == SWITCH_UID)
		return a->uid == b->uid;
	return a->kind == SWITCH_VENDOR ? !strcasecmp(a->name, b->name) : !strcmp(a->name, b->name);
}

bool disabled_concerns(const struct disabled_entry *e, const char *camera, const char *vendor)
{
	if (e->kind == SWITCH_CAMERA)
		return !strcmp(e->name, camera);
	return e->kind == SWITCH_VENDOR && !strcasecmp(e->name, vendor);
}

static bool is_well_formed(const struct disabled_entry *e)
{
	size_t len = strnlen(e->name, sizeof(e->name));

	switch (e->kind) {
	case SWITCH_CAMERA:
		return len < sizeof(e->name) && parse_is_name(e->name);
	case SWITCH_VENDOR:
		return len && len < sizeof(e->name) && text_is_plain(e->name, len);
	case SWITCH_UID:
		return e->uid != UINT32_MAX;
	default:
		return false;
	}
}

static struct disabled_entry *find(const struct disabled *d, const struct disabled_entry *e)
{
	for (size_t i = 0; i < d->n; i++)
		if (is_same(&d->list[i], e))
			return &d->list[i];
	return NULL;
}

bool disabled_has(const struct disabled *d, const struct disabled_entry *e)
{
	return find(d, e) != NULL;
}

int disabled_add(struct disabled *d, const struct disabled_entry *e)
{
	size_t room = d->room ? 2 * d->room : ROOM_FIRST;
	void *list;

	if (!is_well_formed(e))
		return -EINVAL;
	if (find(d, e))
		return 0;
	if (d->n >= DISABLED_MAX)
		return -ENOSPC;
	if (d->n == d->room) {
		list = reallocarray(d->list, room, sizeof(*d->list));
		if (!list)
			return -ENOMEM;
		d->list = list;
		d->room = room;
	}
	d->list[d->n++] = *e;
	return 0;
}

void disabled_remove(struct disabled *d, const struct disabled_entry *e)
{
	struct disabled_entry *found = find(d, e);

	if (found)
		*found = d->list[--d->n];
}

int disabled_copy(const struct disabled *d, struct disabled *ret)
{
	struct disabled_entry *list = reallocarray(NULL, d->n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	if (d->n)
		memcpy(list, d->list, d->n * sizeof(*list));
	*ret = (struct disabled){.list = list, .n = d->n, .room = d->n + 1};
	return 0;
}

static struct disabled_entry named(uint32_t kind, const char *name)
{
	struct disabled_entry e = {.kind = kind};

	snprintf(e.name, sizeof(e.name), "%s", name);
	return e;
}

/* framemux-dump knows by the word "disabled" that it is not its own right that has ended. */
bool disabled_why(
	const struct disabled *d, const char *camera, const char *vendor, char ret[LIMIT_REASON])
{
	const struct disabled_entry by_name = named(SWITCH_CAMERA, camera);
	const struct disabled_entry by_vendor = named(SWITCH_VENDOR, vendor);

	if (find(d, &by_name))
		snprintf(ret, LIMIT_REASON, "disabled: the kill switch is on for this camera");
	else if (*vendor && find(d, &by_vendor))
		snprintf(
			ret, LIMIT_REASON, "disabled: the kill switch is on for vendor %s", vendor);
	else
		return false;
	return true;
}

/* ---- the file ------------------------------------------------------------------------ */

static const struct list_file list = {.name = DISABLED_FILE,
	.header = "framemux disabled 1\n",
	.bytes_max = DISABLED_MAX * (LIMIT_LABEL + 16u)};

static void print(const void *data, FILE *f)
{
	const struct disabled *d = data;

	for (size_t i = 0; i < d->n; i++) {
		const struct disabled_entry *e = &d->list[i];

		if (e->kind == SWITCH_UID)
			fprintf(f, "uid %" PRIu32 "\n", e->uid);
		else
			fprintf(f, "%s %s\n", e->kind == SWITCH_CAMERA ? "camera" : "vendor",
				e->name);
	}
}

int disabled_text(const struct disabled *d, char **ret, size_t *ret_len)
{
	return list_file_text(&list, print, d, ret, ret_len);
}

static int parse_line(char *line, struct disabled_entry *ret)
{
	char *value = strchr(line, ' ');
	uint64_t uid;

	if (!value)
		return -EBADMSG;
	*value++ = 0;
	if (strlen(value) >= sizeof(ret->name))
		return -EBADMSG;
	if (!strcmp(line, "camera")) {
		*ret = named(SWITCH_CAMERA, value);
	} else if (!strcmp(line, "vendor")) {
		*ret = named(SWITCH_VENDOR, value);
	} else if (!strcmp(line, "uid") && number_parse(value, 0, UINT32_MAX - 1, &uid) == 0) {
		*ret = (struct disabled_entry){.kind = SWITCH_UID, .uid = (uint32_t)uid};
	} else {
		return -EBADMSG;
	}
	return is_well_formed(ret) ? 0 : -EBADMSG;
}

static int take(void *data, char *line)
{
	struct disabled_entry e;
	int rc = parse_line(line, &e);

	return rc < 0 ? rc : disabled_add(data, &e);
}

int disabled_load(int folder, struct disabled *ret, char *ret_why, size_t why_size)
{
	return list_file_load(folder, &list, take, ret, ret_why, why_size);
}
