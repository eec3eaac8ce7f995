/* What all caveats of a token permit together. Pure; broker, framemuxctl. */
#include <errno.h>
#include <string.h>

#include "common/bytes.h"
#include "common/text.h"
#include "common/token_private.h"

static uint32_t tighter(uint32_t a, uint32_t b)
{
	return a == 0 || b < a ? b : a;
}

/* Text of a caveat into a fixed field. Two different ones contradict each other. */
static int take_text(char *ret, size_t size, const uint8_t *v, size_t n)
{
	char text[LIMIT_UNIT] = {0};

	if (n == 0 || n >= size || n >= sizeof(text) || !text_is_plain(v, n))
		return -EACCES;
	memcpy(text, v, n);
	if (*ret && strcmp(ret, text))
		return -EACCES;
	memcpy(ret, text, size < sizeof(text) ? size : sizeof(text));
	return 0;
}

static int take_camera(struct rights *ret, const uint8_t *v, size_t n)
{
	uint32_t epoch;

	if (n < 5)
		return -EACCES;
	epoch = get_le32(v);
	if (ret->has_camera && ret->epoch != epoch)
		return -EACCES;
	ret->has_camera = true;
	ret->epoch = epoch;
	return take_text(ret->camera, sizeof(ret->camera), v + 4, n - 4);
}

static int take_uid(struct rights *ret, uint32_t uid)
{
	if (uid == UINT32_MAX || (ret->has_uid && ret->uid != uid))
		return -EACCES;
	ret->has_uid = true;
	ret->uid = uid;
	return 0;
}

static void take_expiry(struct rights *ret, uint64_t not_after)
{
	if (!ret->has_expiry || not_after < ret->not_after)
		ret->not_after = not_after;
	ret->has_expiry = true;
	ret->never_expires = ret->not_after == UINT64_MAX;
}

static int take_size(struct rights *ret, uint32_t width, uint32_t height)
{
	if (width == 0 || height == 0)
		return -EACCES;
	ret->max_width = tighter(ret->max_width, width);
	ret->max_height = tighter(ret->max_height, height);
	return 0;
}

static int take_fps(struct rights *ret, uint32_t fps)
{
	if (fps == 0)
		return -EACCES;
	ret->max_fps = tighter(ret->max_fps, fps);
	return 0;
}

static int take_mask(struct rights *ret, const uint8_t *v)
{
	struct mask m = {get_le32(v), get_le32(v + 4), get_le32(v + 8), get_le32(v + 12)};

	if (ret->n_masks == LIMIT_MASKS || !mask_is_good(&m))
		return -EACCES;
	ret->masks[ret->n_masks++] = m;
	return 0;
}

/* The newest label is the most telling one: a label limits nothing. */
static int take_label(struct rights *ret, const uint8_t *v, size_t n)
{
	memset(ret->label, 0, sizeof(ret->label));
	return take_text(ret->label, sizeof(ret->label), v, n);
}

/* The older number is the one that more cutoffs kill. */
static int take_issue(struct rights *ret, uint64_t issue)
{
	if (issue == 0)
		return -EACCES;
	if (!ret->has_issue || issue < ret->issue)
		ret->issue = issue;
	ret->has_issue = true;
	return 0;
}

static int take_caveat(struct rights *ret, unsigned type, const uint8_t *v, size_t n)
{
	switch (type) {
	case CAVEAT_CAMERA:
		return take_camera(ret, v, n);
	case CAVEAT_UID:
		return n == 4 ? take_uid(ret, get_le32(v)) : -EACCES;
	case CAVEAT_UNIT:
		return take_text(ret->unit, sizeof(ret->unit), v, n);
	case CAVEAT_EXPIRY:
		if (n != 8)
			return -EACCES;
		take_expiry(ret, get_le64(v));
		return 0;
	case CAVEAT_SIZE:
		return n == 8 ? take_size(ret, get_le32(v), get_le32(v + 4)) : -EACCES;
	case CAVEAT_FPS:
		return n == 4 ? take_fps(ret, get_le32(v)) : -EACCES;
	case CAVEAT_MASK:
		return n == MASK_BYTES ? take_mask(ret, v) : -EACCES;
	case CAVEAT_NO_DUMP:
		ret->no_dump = true;
		return n == 0 ? 0 : -EACCES;
	case CAVEAT_LABEL:
		return take_label(ret, v, n);
	case CAVEAT_ISSUE:
		return n == 8 ? take_issue(ret, get_le64(v)) : -EACCES;
	default:
		return -EACCES; /* what we do not understand might have narrowed */
	}
}

int token_body_rights(const uint8_t *body, size_t len, struct rights *ret)
{
	struct rights rights = {0};
	const uint8_t *caveat;
	size_t at = TOKEN_HEAD_BYTES, n;
	int r;

	if (!token_head_is_good(body, len))
		return -EBADMSG;
	while ((r = token_next_caveat(body, len, &at, &caveat, &n)) > 0) {
		r = take_caveat(&rights, caveat[0], caveat + 2, n - 2);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	*ret = rights;
	return 0;
}
