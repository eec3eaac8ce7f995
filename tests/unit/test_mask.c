/* common/mask: masks as text and in messages. */
#include "common/mask.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "tests/unit/unit.h"

START_TEST(test_text)
{
	static const char *const bad[] = {"", "1,2,0x180", "1,2,320x180 ", "-1,2,320x180",
		"1,2,320", "99999,2,3x3", "8192,0,1x1", "0,0,8193x1", "1,2,3x4,5,6x7", "1 ,2,3x4"};
	struct mask m;

	ck_assert_int_eq(mask_parse("1,2,320x180", &m), 0);
	ck_assert(m.x == 1 && m.y == 2 && m.width == 320 && m.height == 180);
	ck_assert_int_eq(mask_parse("8191,8191,8192x8192", &m), 0); /* what is outside is cut off */
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(mask_parse(bad[i], &m) == -EINVAL, "%s", bad[i]);
}
END_TEST

START_TEST(test_blob)
{
	const struct mask masks[] = {{1, 2, 3, 4}, {0, 8191, 8192, 1}};
	uint8_t blob[(LIMIT_MASKS + 1) * MASK_BYTES];
	struct mask got[LIMIT_MASKS];
	uint32_t n = 77;
	uint16_t len;

	masks_pack(masks, 2, blob, &len);
	ck_assert_uint_eq(len, 2 * MASK_BYTES);
	ck_assert_mem_eq(blob, "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0", MASK_BYTES);
	ck_assert_int_eq(masks_unpack(blob, len, got, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_mem_eq(got, masks, sizeof(masks));
	ck_assert_int_eq(masks_unpack(blob, 0, got, &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(masks_unpack(blob, len - 1, got, &n), -EPROTO);
	for (unsigned i = 0; i <= LIMIT_MASKS; i++)
		memcpy(blob + i * MASK_BYTES, "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0", MASK_BYTES);
	ck_assert_int_eq(masks_unpack(blob, LIMIT_MASKS * MASK_BYTES, got, &n), 0);
	ck_assert_int_eq(masks_unpack(blob, (LIMIT_MASKS + 1) * MASK_BYTES, got, &n), -EPROTO);
	memset(blob + 8, 0, 4); /* no width */
	ck_assert_int_eq(masks_unpack(blob, MASK_BYTES, got, &n), -EPROTO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mask");
	TCase *t = tcase_create("mask");

	tcase_add_test(t, test_text);
	tcase_add_test(t, test_blob);
	suite_add_tcase(s, t);
	return unit_run(s);
}
