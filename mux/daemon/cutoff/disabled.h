/*
 * What the kill switch has cut off: cameras, vendors, users; by their names, whether they are in the
 * configuration at the moment or not. The file "disabled" of the state folder. Pure but for loading.
 */
#ifndef FRAMEMUX_DISABLED_H
#define FRAMEMUX_DISABLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/protocol.h"

#define DISABLED_FILE "disabled"
#define DISABLED_MAX  65536u

struct disabled_entry {
	uint32_t kind;          /* enum switch_kind */
	char name[LIMIT_LABEL]; /* of a camera or vendor */
	uint32_t uid;
};

struct disabled {
	struct disabled_entry *list; /* owned */
	size_t n, room;
};

void disabled_free(struct disabled *d);

/* 0 (also when it is there), -EINVAL, -ENOSPC, -ENOMEM. */
int disabled_add(struct disabled *d, const struct disabled_entry *e);
void disabled_remove(struct disabled *d, const struct disabled_entry *e);
bool disabled_has(const struct disabled *d, const struct disabled_entry *e);

/* ret is empty before. 0 or -ENOMEM. */
int disabled_copy(const struct disabled *d, struct disabled *ret);

/* Whether the entry is about this camera: by its name, or its vendor's. */
bool disabled_concerns(const struct disabled_entry *e, const char *camera, const char *vendor);

/* Why this camera is cut off, in ret; false: it is not. */
bool disabled_why(
	const struct disabled *d, const char *camera, const char *vendor, char ret[LIMIT_REASON]);

/* 0 (also when there is no file), or -errno and why; -EBADMSG: damaged. */
int disabled_load(int folder, struct disabled *ret, char *ret_why, size_t why_size);

/* The caller frees. */
int disabled_text(const struct disabled *d, char **ret, size_t *ret_len);

#endif
