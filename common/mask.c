/* Masks as text and in messages. Pure; framemuxd, broker, decode, framemuxctl. */
#include "common/mask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/limits.h"

bool mask_is_good(const struct mask *m)
{
	return m->width > 0 && m->height > 0 && m->x < LIMIT_SIDE && m->y < LIMIT_SIDE &&
		m->width <= LIMIT_SIDE && m->height <= LIMIT_SIDE;
}

int mask_parse(const char *text, struct mask *ret)
{
	struct mask m;
	int end = 0;

	/* %u takes signs and blanks; a mask has digits, commas and an x only. */
	if (strspn(text, "0123456789,x") != strlen(text) || strlen(text) > 23 ||
		sscanf(text, "%5u,%5u,%5ux%5u%n", &m.x, &m.y, &m.width, &m.height, &end) != 4 ||
		text[end] || !mask_is_good(&m))
		return -EINVAL;
	*ret = m;
	return 0;
}

void masks_pack(const struct mask *masks, uint32_t n, uint8_t *ret_blob, uint16_t *ret_len)
{
	for (uint32_t i = 0; i < n; i++) {
		put_le32(ret_blob + i * MASK_BYTES, masks[i].x);
		put_le32(ret_blob + i * MASK_BYTES + 4, masks[i].y);
		put_le32(ret_blob + i * MASK_BYTES + 8, masks[i].width);
		put_le32(ret_blob + i * MASK_BYTES + 12, masks[i].height);
	}
	*ret_len = (uint16_t)(n * MASK_BYTES);
}

int masks_unpack(const uint8_t *blob, uint16_t len, struct mask *ret_masks, uint32_t *ret_n)
{
	uint32_t n = len / MASK_BYTES;

	if (len % MASK_BYTES || n > LIMIT_MASKS)
		return -EPROTO;
	for (uint32_t i = 0; i < n; i++, blob += MASK_BYTES) {
		ret_masks[i] = (struct mask){get_le32(blob), get_le32(blob + 4), get_le32(blob + 8),
			get_le32(blob + 12)};
		if (!mask_is_good(&ret_masks[i]))
			return -EPROTO;
	}
	*ret_n = n;
	return 0;
}
