/* Narrowing a token: each caveat appended makes its right smaller. Pure; broker, framemuxctl. */
#include <errno.h>
#include <string.h>

#include "common/bytes.h"
#include "common/text.h"
#include "common/token_private.h"

static int append(struct token *t, enum caveat type, const uint8_t *value, size_t len)
{
	uint8_t *caveat = t->body + t->body_len;

	if (len > 255)
		return -EINVAL;
	if (t->body_len + 2 + len > LIMIT_TOKEN_BODY)
		return -E2BIG;
	caveat[0] = (uint8_t)type;
	caveat[1] = (uint8_t)len;
	memcpy(caveat + 2, value, len);
	token_chain_caveat(t->tag, caveat, 2 + len);
	t->body_len += 2 + len;
	return 0;
}

static int append_text(struct token *t, enum caveat type, const char *text, size_t limit)
{
	size_t len = strlen(text);

	if (len == 0 || len >= limit || !text_is_plain(text, len))
		return -EINVAL;
	return append(t, type, (const uint8_t *)text, len);
}

int token_limit_camera(struct token *t, const char *name, uint32_t epoch)
{
	uint8_t value[4 + LIMIT_NAME];
	size_t len = strlen(name);

	if (len == 0 || len >= LIMIT_NAME || !text_is_plain(name, len))
		return -EINVAL;
	put_le32(value, epoch);
	memcpy(value + 4, name, len);
	return append(t, CAVEAT_CAMERA, value, 4 + len);
}

int token_limit_uid(struct token *t, uint32_t uid)
{
	uint8_t value[4];

	if (uid == UINT32_MAX) /* (uid_t)-1 is nobody's */
		return -EINVAL;
	put_le32(value, uid);
	return append(t, CAVEAT_UID, value, sizeof(value));
}

/* As the kernel writes them: absolute, without empty parts, "." and "..". */
bool token_unit_is_path(const char *unit)
{
	size_t len = strlen(unit);
	const char *part = unit;

	if (*unit != '/' || len >= LIMIT_UNIT || !text_is_plain(unit, len))
		return false;
	if (len == 1)
		return true; /* of a machine, or a container, without a service manager */
	while (part) {
		size_t n = strcspn(++part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
			(n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part = strchr(part, '/');
	}
	return true;
}

int token_limit_unit(struct token *t, const char *unit)
{
	if (!token_unit_is_path(unit))
		return -EINVAL;
	return append_text(t, CAVEAT_UNIT, unit, LIMIT_UNIT);
}

int token_limit_expiry(struct token *t, uint64_t not_after)
{
	uint8_t value[8];

	put_le64(value, not_after);
	return append(t, CAVEAT_EXPIRY, value, sizeof(value));
}

int token_limit_size(struct token *t, uint32_t width, uint32_t height)
{
	uint8_t value[8];

	if (width == 0 || height == 0 || width > LIMIT_SIDE || height > LIMIT_SIDE)
		return -EINVAL;
	put_le32(value, width);
	put_le32(value + 4, height);
	return append(t, CAVEAT_SIZE, value, sizeof(value));
}

int token_limit_fps(struct token *t, uint32_t fps)
{
	uint8_t value[4];

	if (fps == 0 || fps > LIMIT_FPS)
		return -EINVAL;
	put_le32(value, fps);
	return append(t, CAVEAT_FPS, value, sizeof(value));
}

int token_limit_mask(struct token *t, const struct mask *m)
{
	uint8_t value[MASK_BYTES];

	if (!mask_is_good(m))
		return -EINVAL;
	put_le32(value, m->x);
	put_le32(value + 4, m->y);
	put_le32(value + 8, m->width);
	put_le32(value + 12, m->height);
	return append(t, CAVEAT_MASK, value, sizeof(value));
}

int token_limit_no_dump(struct token *t)
{
	return append(t, CAVEAT_NO_DUMP, (const uint8_t *)"", 0);
}

int token_limit_label(struct token *t, const char *label)
{
	return append_text(t, CAVEAT_LABEL, label, LIMIT_LABEL);
}

int token_limit_issue(struct token *t, uint64_t issue)
{
	uint8_t value[8];

	if (issue == 0)
		return -EINVAL;
	put_le64(value, issue);
	return append(t, CAVEAT_ISSUE, value, sizeof(value));
}
