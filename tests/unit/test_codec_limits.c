/*
 * mux/decode/codec: what it gives up and what it refuses: garbage, streams without pictures, pictures
 * above the limit, and those before memory is taken for them.
 */
#include "mux/decode/codec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "mux/link/stream.h"
#include "unit.h"

START_TEST(impossible_setups_are_refused)
{
	static const uint8_t extradata[1];
	const struct codec_setup bad[] = {{.codec = 0}, {.codec = 77},
		{.codec = STREAM_H264, .reorder = 17}, {.codec = STREAM_PATTERN},
		{.codec = STREAM_PATTERN, .width = 16384, .height = 16384},
		{.codec = STREAM_H264,
			.extradata = extradata,
			.extradata_len = LIMIT_EXTRADATA + 1}};
	char reason[LIMIT_REASON] = "";
	struct codec *c = NULL;

	ck_assert_int_lt(codec_open(&bad[_i], &c, reason), 0);
	ck_assert_ptr_null(c);
	ck_assert_uint_gt(strlen(reason), 0);
}
END_TEST

/* Random bytes: no crash, no frame, and an end to it. */
START_TEST(garbage_is_given_up)
{
	static const uint32_t kinds[] = {
		STREAM_H264, STREAM_H265, STREAM_MJPEG, STREAM_MPEG4, STREAM_AV1};
	const struct codec_setup setup = {.codec = kinds[_i]};
	const struct unit_times times = {0};
	char reason[LIMIT_REASON];
	uint8_t unit[700];
	struct codec *c;
	struct decoded d;
	uint32_t x = 7;

	ck_assert_int_eq(codec_open(&setup, &c, reason), 0);
	for (int i = 0; i < 2000; i++) {
		for (size_t j = 0; j < sizeof(unit); j++) {
			x = x * 1664525u + 1013904223u;
			unit[j] = (uint8_t)(x >> 24);
		}
		if (codec_feed(c, unit, sizeof(unit), &times, STREAM_UNIT_KEY) < 0)
			break;
		while (codec_take(c, &d) == 0)
			continue;
	}
	codec_close(c);
}
END_TEST

/* Units that are accepted but never become a picture: messages alone. */
START_TEST(units_without_pictures_are_given_up)
{
	static const uint8_t slice[] = {0, 0, 1, 0x06, 0x05, 0x01, 0x00, 0x80};
	const struct codec_setup setup = {.codec = STREAM_H264};
	static const struct {
		uint32_t flags;
		uint64_t step_ns, limit_s;
		const char *reason;
	} rows[] = {{0, NS_PER_S / 10, 90, " 90 s"}, {STREAM_UNIT_KEY, NS_PER_S / 10, 10, " 10 s"},
		{STREAM_UNIT_KEY, NS_PER_S * 2, 30, " 30 s"}};
	uint64_t n = 0;
	char reason[LIMIT_REASON];
	struct codec *c;
	struct decoded d;
	int r = 0;

	ck_assert_int_eq(codec_open(&setup, &c, reason), 0);
	while (r == 0 && n < 1000) {
		const struct unit_times times = {0, 100 * NS_PER_S + n++ * rows[_i].step_ns, 0};

		r = codec_feed(c, slice, sizeof(slice), &times, rows[_i].flags);
		while (r == 0 && codec_take(c, &d) == 0)
			ck_abort_msg("a picture");
	}
	ck_assert_int_eq(r, -ENODATA);
	ck_assert_uint_ge((n - 1) * rows[_i].step_ns, rows[_i].limit_s * NS_PER_S);
	ck_assert_uint_le((n - 3) * rows[_i].step_ns, rows[_i].limit_s * NS_PER_S);
	ck_assert_ptr_nonnull(strstr(codec_reason(c), rows[_i].reason));
	codec_close(c);
}
END_TEST

/*
 * For a sentence, and before memory is taken for it. What libavcodec itself holds for impossible is
 * given up like other garbage.
 */
#define IMPOSSIBLE_SIDE 16384u
/* Its maps of blocks for so large a picture: libavcodec makes them before it asks for a format. */
#define H265_MAPS_KIB (64u * 1024u)

static void check_refused(
	uint32_t kind, const uint8_t *unit, size_t len, uint32_t width, uint32_t height)
{
	bool is_impossible = width >= IMPOSSIBLE_SIDE && height >= IMPOSSIBLE_SIDE;
	const struct codec_setup setup = {.codec = kind};
	const struct unit_times times = {0};
	char reason[LIMIT_REASON], wanted[LIMIT_REASON];
	uint64_t before;
	struct codec *c;
	struct decoded d;
	int r = 0;

	ck_assert_int_eq(codec_open(&setup, &c, reason), 0);
	before = unit_status_kib("VmHWM:");
	for (int i = 0; i < 300 && r == 0; i++) {
		r = codec_feed(c, unit, len, &times, STREAM_UNIT_KEY);
		if (r == 0)
			ck_assert_int_ne(codec_take(c, &d), 0);
	}
	ck_assert_int_eq(r, is_impossible ? -ENODATA : -EMSGSIZE);
	snprintf(wanted, sizeof(wanted), "a picture of %ux%u is above the limit (max_picture)",
		width, height);
	if (!is_impossible)
		ck_assert_str_eq(codec_reason(c), wanted);
	ck_assert_uint_lt(unit_status_kib("VmHWM:"),
		before + (kind == STREAM_H265 && !is_impossible ? H265_MAPS_KIB : 4096));
	codec_close(c);
}

/* SOF0 of a huge baseline JPEG: refused by area and by side before memory is taken. */
START_TEST(huge_pictures_are_refused)
{
	static const uint16_t sizes[][2] = {
		{16384, 16384}, {16000, 16000}, {65500, 16}, {16, 65500}, {8208, 64}};
	/* Long enough for libavcodec to believe in so many blocks. */
	static uint8_t jpeg[1200000] = {0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 0, 0, 0, 3, 1, 0x22, 0,
		2, 0x11, 0, 3, 0x11, 0, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0, 1, 2, 3,
		0xff, 0xd9};

	jpeg[7] = (uint8_t)(sizes[_i][0] >> 8);
	jpeg[8] = (uint8_t)sizes[_i][0];
	jpeg[9] = (uint8_t)(sizes[_i][1] >> 8);
	jpeg[10] = (uint8_t)sizes[_i][1];
	check_refused(STREAM_MJPEG, jpeg, sizeof(jpeg), sizes[_i][1], sizes[_i][0]);
}
END_TEST

/* --- parameter sets, written bit by bit --- */

struct nals {
	uint8_t data[512];
	size_t len;
	unsigned zeros, bits; /* zero bytes in a row; bits in byte */
	uint8_t byte;
};

static void put_byte(struct nals *w, uint8_t b)
{
	if (w->zeros == 2 && b <= 3) { /* emulation prevention */
		w->data[w->len++] = 3;
		w->zeros = 0;
	}
	w->data[w->len++] = b;
	w->zeros = b ? 0 : w->zeros + 1;
}

static void put_bits(struct nals *w, unsigned n, uint64_t value)
{
	while (n-- > 0) {
		w->byte = (uint8_t)(w->byte << 1 | (value >> n & 1));
		if (++w->bits == 8) {
			put_byte(w, w->byte);
			w->bits = 0;
		}
	}
}

static void put_ue(struct nals *w, uint32_t value)
{
	unsigned n = 0;

	while ((value + 1) >> (n + 1))
		n++;
	put_bits(w, 2 * n + 1, value + 1);
}

static void put_ues(struct nals *w, unsigned n, const uint32_t *value)
{
	for (unsigned i = 0; i < n; i++)
		put_ue(w, value[i]);
}
#define UES(w, ...)                                                                                \
	put_ues(w, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (uint32_t[]){__VA_ARGS__})

static void nal_begin(struct nals *w, const void *header, size_t len)
{
	memcpy(w->data + w->len, "\0\0\1", 3);
	memcpy(w->data + w->len + 3, header, len);
	w->len += 3 + len;
	w->zeros = 0;
}

static void nal_end(struct nals *w)
{
	put_bits(w, 1, 1);
	while (w->bits)
		put_bits(w, 1, 0);
}

/* Baseline, 16 x blocks pixels square; an I slice that begins. */
static void write_h264(struct nals *w, uint32_t blocks)
{
	nal_begin(w, "\x67\x42\x00\x3e", 4); /* SPS, profile 66, level 6.2 */
	UES(w, 0, 0, 2, 1);
	put_bits(w, 1, 0);
	UES(w, blocks - 1, blocks - 1);
	put_bits(w, 4, 0xc); /* frames only, direct 8x8; no cropping, no VUI */
	nal_end(w);
	nal_begin(w, "\x68", 1); /* PPS */
	UES(w, 0, 0);
	put_bits(w, 2, 0);
	UES(w, 0, 0, 0);
	put_bits(w, 3, 0);
	UES(w, 0, 0, 0);
	put_bits(w, 3, 0);
	nal_end(w);
	nal_begin(w, "\x65", 1); /* IDR slice: first block, I, PPS; frame_num; IDR's id */
	UES(w, 0, 7, 0);
	put_bits(w, 4, 0);
	UES(w, 0);
	put_bits(w, 2, 0);
	UES(w, 0);
	put_bits(w, 64, 0x123456789abcdef0);
	nal_end(w);
}

/* Main profile, level 6.2: 96 bits. */
static void put_profile(struct nals *w)
{
	put_bits(w, 8, 1);
	put_bits(w, 32, 0x60000000);
	put_bits(w, 48, 0x900000000000);
	put_bits(w, 8, 186);
}

static void write_h265(struct nals *w, uint32_t side)
{
	nal_begin(w, "\x40\x01", 2); /* VPS */
	put_bits(w, 32, 0x0c01ffff);
	put_profile(w);
	put_bits(w, 1, 1);
	UES(w, 4, 0, 0);
	put_bits(w, 6, 0);
	UES(w, 0);
	put_bits(w, 2, 0);
	nal_end(w);
	nal_begin(w, "\x42\x01", 2); /* SPS */
	put_bits(w, 8, 1);
	put_profile(w);
	UES(w, 0, 1, side, side);
	put_bits(w, 1, 0);
	UES(w, 0, 0, 4);
	put_bits(w, 1, 1);
	UES(w, 4, 0, 0, 0, 3, 0, 3, 0, 0);
	put_bits(w, 4, 0);
	UES(w, 0);
	put_bits(w, 5, 0);
	nal_end(w);
	nal_begin(w, "\x44\x01", 2); /* PPS */
	UES(w, 0, 0);
	put_bits(w, 7, 0);
	UES(w, 0, 0, 0);
	put_bits(w, 3, 0);
	UES(w, 0, 0);
	put_bits(w, 10, 0);
	UES(w, 0);
	put_bits(w, 2, 0);
	nal_end(w);
	nal_begin(w, "\x26\x01", 2); /* IDR slice: the first, PPS, I */
	put_bits(w, 2, 2);
	UES(w, 0, 2);
	UES(w, 0);
	put_bits(w, 1, 1);
	put_bits(w, 64, 0x123456789abcdef0);
	nal_end(w);
}

START_TEST(huge_parameter_sets_are_refused)
{
	static const uint32_t kinds[] = {STREAM_H264, STREAM_H265};
	uint32_t side = _i < 2 ? 16000 : IMPOSSIBLE_SIDE;
	struct nals w = {.len = 0};

	if (_i % 2 == 0)
		write_h264(&w, side / 16);
	else
		write_h265(&w, side);
	check_refused(kinds[_i % 2], w.data, w.len, side, side);
}
END_TEST

/* The same stream of a size that is permitted is none that is refused. */
START_TEST(parameter_sets_within_the_limit_are_taken)
{
	const struct codec_setup setup = {
		.codec = _i == 0 ? STREAM_H264 : STREAM_H265, .max_pixels = 64 * 64};
	const struct unit_times times = {0};
	char reason[LIMIT_REASON];
	struct nals w = {.len = 0};
	struct codec *c;

	if (_i == 0)
		write_h264(&w, 4);
	else
		write_h265(&w, 64);
	ck_assert_int_eq(codec_open(&setup, &c, reason), 0);
	ck_assert_int_eq(codec_feed(c, w.data, w.len, &times, STREAM_UNIT_KEY), 0);
	ck_assert_str_eq(codec_reason(c), "");
	codec_close(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("codec limits");
	TCase *t = tcase_create("limits");

	codec_log_begin();
	tcase_add_loop_test(t, impossible_setups_are_refused, 0, 6);
	tcase_add_loop_test(t, garbage_is_given_up, 0, 5);
	tcase_add_loop_test(t, units_without_pictures_are_given_up, 0, 3);
	tcase_add_loop_test(t, huge_pictures_are_refused, 0, 5);
	tcase_add_loop_test(t, huge_parameter_sets_are_refused, 0, 4);
	tcase_add_loop_test(t, parameter_sets_within_the_limit_are_taken, 0, 2);
	suite_add_tcase(s, t);
	return unit_run(s);
}
