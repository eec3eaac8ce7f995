/*
 * A section of framemux.conf while it is read: its values, and where each stands, so that what is wrong
 * with one is said with its file and line. A value that is not there leaves what it would set as it is.
 */
#ifndef FRAMEMUX_CONFIG_SCOPE_H
#define FRAMEMUX_CONFIG_SCOPE_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mux/daemon/config/config_text.h"
#include "mux/daemon/config/config_values.h"

struct scope {
	struct config_reader *r;
	cfg_t *cfg;
	int section; /* of config_text, or CONFIG_TOP */
	struct config_where begin;
};

/* The index-th section of a type; type NULL: what is outside of all. */
struct scope scope_of(struct config_reader *r, cfg_t *cfg, const char *type, unsigned index);

/* Where a key stands, or where the section begins that lacks it. */
struct config_where scope_where(const struct scope *s, const char *key);
bool scope_has(const struct scope *s, const char *key);

/* What is wrong with a key's value: -EINVAL. */
#define SCOPE_FAIL(s, key, ...)                                                                    \
	config_text_fail((s)->r->text, scope_where(s, key), (s)->r->error, __VA_ARGS__)

/* Each 0, or -EINVAL and the error. */
int scope_text(const struct scope *s, const char *key, char *ret, size_t cap);
int scope_number(const struct scope *s, const char *key, uint32_t min, uint32_t max, uint32_t *ret);

/* Made absolute: they begin in the folder of the file that names them. */
int scope_path(const struct scope *s, const char *key, char *ret, size_t cap);

/* One of several words, NULL after the last: its place among them. */
int scope_choice(const struct scope *s, const char *key, const char *const *words, unsigned *ret);

/* The key "mask", at most LIMIT_MASKS of them. */
int scope_masks(const struct scope *s, struct mask *ret_masks, uint32_t *ret_n);

#endif
