/* Kinds of values, read out of a section. Runs in framemuxd while starting, and in a reload's thread. */
#include "mux/daemon/config/scope.h"

#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "mux/daemon/config/parse.h"

struct config_where scope_where(const struct scope *s, const char *key)
{
	struct config_where w = config_text_key(s->r->text, s->section, key);

	return w.line ? w : s->begin;
}

bool scope_has(const struct scope *s, const char *key)
{
	return config_text_key(s->r->text, s->section, key).line != 0;
}

struct scope scope_of(struct config_reader *r, cfg_t *cfg, const char *type, unsigned index)
{
	const struct config_section *sections;
	size_t n = config_text_sections(r->text, &sections);
	struct scope s = {r, cfg, CONFIG_TOP, {0, 1}};

	for (size_t i = 0; type && i < n; i++) {
		if (strcmp(sections[i].type, type) != 0 || sections[i].index != index)
			continue;
		s.section = (int)i;
		s.begin = sections[i].where;
	}
	return s;
}

int scope_text(const struct scope *s, const char *key, char *ret, size_t cap)
{
	const char *v;

	if (!scope_has(s, key))
		return 0;
	v = cfg_getstr(s->cfg, key);
	if (!v || !*v)
		return SCOPE_FAIL(s, key, "\"%s\" is empty", key);
	if (!parse_is_text(v, cap))
		return SCOPE_FAIL(
			s, key, "\"%s\" takes at most %zu printable characters", key, cap - 1);
	snprintf(ret, cap, "%s", v);
	return 0;
}

int scope_number(const struct scope *s, const char *key, uint32_t min, uint32_t max, uint32_t *ret)
{
	const char *v;

	if (!scope_has(s, key))
		return 0;
	v = cfg_getstr(s->cfg, key);
	if (!v || number_parse_u32(v, min, max, ret) < 0)
		return SCOPE_FAIL(
			s, key, "\"%s\" takes a whole number from %u to %u", key, min, max);
	return 0;
}

int scope_path(const struct scope *s, const char *key, char *ret, size_t cap)
{
	const char *v, *folder;
	int n;

	if (!scope_has(s, key))
		return 0;
	v = cfg_getstr(s->cfg, key);
	if (!v || !*v || !parse_is_text(v, LIMIT_PATH))
		return SCOPE_FAIL(s, key, "\"%s\" takes a path", key);
	folder = config_text_folder(s->r->text, scope_where(s, key).file);
	n = snprintf(ret, cap, "%s%s%s", v[0] == '/' ? "" : folder, v[0] == '/' ? "" : "/", v);
	if (n < 0 || (size_t)n >= cap)
		return SCOPE_FAIL(
			s, key, "the path of \"%s\" is longer than %zu bytes", key, cap - 1);
	return 0;
}

int scope_choice(const struct scope *s, const char *key, const char *const *words, unsigned *ret)
{
	char list[128] = "";
	const char *v;

	if (!scope_has(s, key))
		return 0;
	v = cfg_getstr(s->cfg, key);
	for (unsigned i = 0; words[i]; i++) {
		size_t at = strlen(list);

		if (v && !strcmp(v, words[i])) {
			*ret = i;
			return 0;
		}
		snprintf(list + at, sizeof(list) - at, "%s%s", i ? " or " : "", words[i]);
	}
	return SCOPE_FAIL(s, key, "\"%s\" takes %s", key, list);
}

int scope_masks(const struct scope *s, struct mask *ret_masks, uint32_t *ret_n)
{
	unsigned n = scope_has(s, "mask") ? cfg_size(s->cfg, "mask") : 0;

	if (n > LIMIT_MASKS)
		return SCOPE_FAIL(s, "mask", "at most %u masks", LIMIT_MASKS);
	for (unsigned i = 0; i < n; i++)
		if (mask_parse(cfg_getnstr(s->cfg, "mask", i), &ret_masks[i]) < 0)
			return SCOPE_FAIL(
				s, "mask", "a mask is \"X,Y,WxH\" in the camera's pixels");
	*ret_n = n;
	return 0;
}
