/* mux/ingest/au: key units, parameter sets between slices. */
#include "mux/ingest/au.h"

#include <string.h>

#include "common/cleanup.h"
#include "ingest_material.h"
#include "unit.h"

/* A unit is written as NAL unit types; each becomes a start code, a head and two bytes. */
static size_t build(enum stream_codec codec, const char *types, uint8_t *out)
{
	size_t n = 0;

	for (const char *p = types; *p;) {
		char *end;
		long type = strtol(p, &end, 10);
		uint8_t variant = 1;

		for (; *end == '\''; end++) /* 7' is an SPS other than 7 */
			variant++;
		memcpy(out + n, "\0\0\0\1", 4);
		n += 4;
		out[n++] = (uint8_t)(codec == STREAM_H264 ? 0x60 | type : type << 1);
		out[n++] = codec == STREAM_H264 ? variant : 1;
		out[n++] = (uint8_t)(codec == STREAM_H264 ? 0x80 : variant);
		p = *end ? end + 1 : end;
	}
	return n;
}

static void assert_normalised(enum stream_codec codec, const char *in, const char *expected)
{
	uint8_t unit[512], want[512];
	size_t n = au_normalise(codec, unit, build(codec, in, unit));
	size_t m = build(codec, expected, want);

	ck_assert_msg(n == m && memcmp(unit, want, n) == 0, "%s is not made %s", in, expected);
}

static struct au_facts inspect(enum stream_codec codec, const char *types)
{
	uint8_t unit[512];
	struct au_facts f;

	au_inspect(codec, unit, build(codec, types, unit), &f);
	return f;
}

START_TEST(parameter_sets_move_before_the_first_slice)
{
	assert_normalised(STREAM_H264, "9 7 8 6 5 5 5", "9 7 8 6 5 5 5");
	assert_normalised(STREAM_H264, "9 6 7 8 5 7 8 5 7 8 5", "9 6 7 8 5 5 5");
	assert_normalised(STREAM_H264, "9 5 7 8 5 7 8 5", "9 7 8 5 5 5");
	assert_normalised(STREAM_H264, "9 7 8 5 8' 5", "9 7 8 8' 5 5");
	assert_normalised(STREAM_H264, "1 1 7", "7 1 1");
	assert_normalised(STREAM_H264, "5 6 5 7' 7' 7 5", "7' 7 5 6 5 5");
	assert_normalised(STREAM_H265, "35 32 33 34 19 32 33 34 19", "35 32 33 34 19 19");
	assert_normalised(STREAM_H265, "35 39 19 32 33 34 19 40", "35 39 32 33 34 19 19 40");
}
END_TEST

START_TEST(the_rest_stays_as_it_is)
{
	uint8_t unit[] = {0, 0, 1, 0x65, 9, 9, 0, 0, 0, 1, 0x65, 8, 0, 0, 0}, copy[sizeof(unit)];

	memcpy(copy, unit, sizeof(unit));
	ck_assert_uint_eq(au_normalise(STREAM_H264, unit, sizeof(unit)), sizeof(unit));
	ck_assert_mem_eq(unit, copy, sizeof(unit));
	ck_assert_uint_eq(au_normalise(STREAM_MJPEG, unit, sizeof(unit)), sizeof(unit));
	ck_assert_uint_eq(au_normalise(STREAM_H264, unit, 0), 0);
}
END_TEST

START_TEST(key_units)
{
	uint8_t sei[] = {0, 0, 1, 6, 5, 1, 0xaa, 6, 1, 0xc0, 0x80, 0, 0, 1, 0x41, 1};
	struct au_facts f;

	ck_assert(inspect(STREAM_H264, "9 7 8 5 5").is_key);
	ck_assert(!inspect(STREAM_H264, "9 7 8 1").is_key);
	ck_assert(inspect(STREAM_H264, "1").has_picture);
	ck_assert(!inspect(STREAM_H264, "9 7 8 6").has_picture);
	ck_assert(!inspect(STREAM_H264, "9 7 8 6").is_key);
	ck_assert(inspect(STREAM_H265, "35 32 33 34 19").is_key);
	ck_assert(inspect(STREAM_H265, "21").is_key);
	ck_assert(inspect(STREAM_H265, "16").is_key);
	ck_assert(!inspect(STREAM_H265, "1").is_key);
	ck_assert(!inspect(STREAM_H265, "32 33 34").has_picture);
	/* A recovery point, behind another SEI message. */
	au_inspect(STREAM_H264, sei, sizeof(sei), &f);
	ck_assert(f.is_key && f.has_picture);
	sei[7] = 7;
	au_inspect(STREAM_H264, sei, sizeof(sei), &f);
	ck_assert(!f.is_key);
	au_inspect(STREAM_MJPEG, sei, sizeof(sei), &f);
	ck_assert(f.is_key);
	au_inspect(STREAM_MJPEG, sei, 0, &f);
	ck_assert(!f.is_key);
}
END_TEST

/* A VOL, a GOV and user data in front of a VOP, whose coding type is its first two bits. */
START_TEST(mpeg4_units)
{
	uint8_t unit[] = {
		0, 0, 1, 0x20, 9, 0, 0, 1, 0xb3, 0, 0, 0, 1, 0xb2, 0xb6, 0, 0, 1, 0xb6, 0x10};
	struct au_facts f;

	for (unsigned type = 0; type < 4; type++) {
		unit[sizeof(unit) - 1] = (uint8_t)(type << 6 | 0x2a);
		au_inspect(STREAM_MPEG4, unit, sizeof(unit), &f);
		ck_assert(f.has_picture);
		ck_assert_int_eq(f.is_key, type == 0);
	}
	unit[sizeof(unit) - 1] = 0;
	for (size_t n = 0; n < sizeof(unit); n++) {
		au_inspect(STREAM_MPEG4, unit, n, &f);
		ck_assert(!f.has_picture && !f.is_key);
	}
	ck_assert_uint_eq(au_normalise(STREAM_MPEG4, unit, sizeof(unit)), sizeof(unit));
	ck_assert(au_begins_with(STREAM_MPEG4, unit, sizeof(unit)));
	ck_assert(au_begins_with(STREAM_MPEG4, unit + 5, 5));
	ck_assert(!au_begins_with(STREAM_MPEG4, unit + 10, 5)); /* user data */
	ck_assert(au_begins_with(STREAM_MPEG4, unit + 15, 5));
	ck_assert(!au_begins_with(STREAM_MPEG4, unit + 15, 3));
}
END_TEST

/* Found by fuzzing: of H.265 the zero in front of the next start code is the head of a slice. */
START_TEST(a_start_code_alone_is_no_slice)
{
	uint8_t unit[] = {0, 0, 1, 0, 0, 0, 1, 0x40, 1, 0x0c}, slice[] = {0, 0, 1, 0, 1, 0x80};
	struct au_facts f;

	au_inspect(STREAM_H265, unit, sizeof(unit), &f);
	ck_assert(!f.has_picture);
	ck_assert_uint_eq(au_normalise(STREAM_H265, unit, sizeof(unit)), sizeof(unit));
	au_inspect(STREAM_H265, slice, sizeof(slice), &f);
	ck_assert(f.has_picture);
}
END_TEST

START_TEST(what_a_unit_begins_with)
{
	uint8_t unit[64];

	ck_assert(au_begins_with(STREAM_H264, unit, build(STREAM_H264, "9", unit)));
	ck_assert(au_begins_with(STREAM_H264, unit, build(STREAM_H264, "7 8", unit)));
	ck_assert(!au_begins_with(STREAM_H264, unit, build(STREAM_H264, "5", unit)));
	ck_assert(au_begins_with(STREAM_H265, unit, build(STREAM_H265, "32", unit)));
	ck_assert(!au_begins_with(STREAM_H265, unit, build(STREAM_H265, "19", unit)));
	ck_assert(!au_begins_with(STREAM_H264, unit, 3));
}
END_TEST

/* Thousands of parameter sets cost no more than a scan, and none of them more room than there is.
 */
START_TEST(floods_are_bounded)
{
	size_t n = 4u << 20, len;
	cleanup_free uint8_t *unit = malloc(n);

	for (size_t i = 0; i + 8 <= n; i += 8) {
		memcpy(unit + i, "\0\0\1\x67", 4);
		memcpy(unit + i + 4, &(uint32_t){(uint32_t)i | 0x01010101}, 4);
	}
	unit[3] = 0x65;
	len = au_normalise(STREAM_H264, unit, n);
	ck_assert_uint_le(len, 8 * (AU_PARAMETER_SETS_MAX + 1));
}
END_TEST

START_TEST(random_units_stay_inside)
{
	uint32_t state = 3;

	for (unsigned i = 0; i < 200000; i++) {
		enum stream_codec codec = i % 3 == 0 ? STREAM_H264
			: i % 3 == 1                 ? STREAM_H265
						     : STREAM_MPEG4;
		size_t n = material_random(&state) % 48;
		uint8_t *unit = malloc(n ? n : 1);
		struct au_facts f;

		for (size_t k = 0; k < n; k++) /* mostly start codes, parameter sets and slices */
			unit[k] = (uint8_t) "\0\0\0\0\1\1\x67\x68\x65\x06\x40\x42\x26\xff\xb6\x20"
				[material_random(&state) % 16];
		au_inspect(codec, unit, n, &f);
		ck_assert_uint_le(au_normalise(codec, unit, n), n);
		free(unit);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest au");
	TCase *t = tcase_create("au");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, parameter_sets_move_before_the_first_slice);
	tcase_add_test(t, the_rest_stays_as_it_is);
	tcase_add_test(t, key_units);
	tcase_add_test(t, mpeg4_units);
	tcase_add_test(t, a_start_code_alone_is_no_slice);
	tcase_add_test(t, what_a_unit_begins_with);
	tcase_add_test(t, floods_are_bounded);
	tcase_add_test(t, random_units_stay_inside);
	suite_add_tcase(s, t);
	return unit_run(s);
}
