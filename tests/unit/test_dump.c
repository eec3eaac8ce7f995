/* clients/dump: options, output names, token files, formats. */
#include <drm_fourcc.h>
#include <errno.h>
#include <jansson.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/dump/format.h"
#include "clients/dump/options.h"
#include "clients/dump/out_name.h"
#include "clients/dump/output.h"
#include "clients/key/key.h"
#include "clients/picture/png.h"
#include "clients/program/exit_code.h"
#include "tests/unit/unit.h"

/* --- names and options ----------------------------------------------------------------------- */

START_TEST(test_out_kind)
{
	static const struct {
		const char *out;
		enum out_kind kind;
	} cases[] = {
		{"-", OUT_STDOUT},
		{"a.png", OUT_FILE},
		{"100%%.png", OUT_FILE},
		{"f-%d.png", OUT_PATTERN},
		{"f-%05d.png", OUT_PATTERN},
		{"%5d", OUT_PATTERN},
		{"%%%d%%", OUT_PATTERN},
		{"", OUT_BAD},
		{"%", OUT_BAD},
		{"%s", OUT_BAD},
		{"%n", OUT_BAD},
		{"%d-%d", OUT_BAD},
		{"%-5d", OUT_BAD},
		{"%ld", OUT_BAD},
		{"%*d", OUT_BAD},
		{"%.5d", OUT_BAD},
		{"%1$d", OUT_BAD},
		{"%99999999999999999999d", OUT_BAD},
		{"%20d", OUT_BAD},
		{"x%", OUT_BAD},
		{"%%%", OUT_BAD},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(out_name_kind(cases[i].out) == cases[i].kind, "%s", cases[i].out);
}
END_TEST

START_TEST(test_out_name)
{
	char name[16];

	ck_assert_int_eq(out_name_make("f-%05d.png", 42, name, sizeof(name)), 0);
	ck_assert_str_eq(name, "f-00042.png");
	ck_assert_int_eq(out_name_make("%%%3d%%x", 7, name, sizeof(name)), 0);
	ck_assert_str_eq(name, "%  7%x");
	ck_assert_int_eq(out_name_make("plain", 7, name, sizeof(name)), 0);
	ck_assert_str_eq(name, "plain");
	ck_assert_int_eq(out_name_make("0123456789abcde", 7, name, sizeof(name)), 0);
	ck_assert_int_eq(out_name_make("0123456789abcdef", 7, name, sizeof(name)), -1);
	ck_assert_int_eq(out_name_make("0123456789abc%d", 77, name, sizeof(name)), 0);
	ck_assert_int_eq(out_name_make("0123456789abc%d", 777, name, sizeof(name)), -1);
	ck_assert_int_eq(out_name_make("%19d", 1, name, sizeof(name)), -1);
}
END_TEST

static int parse(struct options *o, const char *line)
{
	static char copy[512], name[] = "framemux-dump";
	char *argv[32] = {name}, *save;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return options_parse(argc, argv, o);
}

START_TEST(test_options)
{
	struct options o;

	ck_assert_int_eq(parse(&o, "porch"), -1);
	ck_assert_str_eq(o.camera, "porch");
	ck_assert_str_eq(o.out, "-");
	ck_assert_uint_eq(o.frames, 1);
	ck_assert_uint_eq(o.timeout_ms, 10000);
	ck_assert_int_eq(o.format, FORMAT_PNG);
	ck_assert_uint_eq(o.fourcc, DRM_FORMAT_XRGB8888);
	ck_assert(!o.verify_full);
	ck_assert_int_eq(
		parse(&o,
			"porch -n 5 -f raw --fourcc nv12 --size 640x360 --fps 5 --timeout 0.5 "
			"--verify full -s /s -k /k --meta m -o x%d"),
		-1);
	ck_assert_uint_eq(o.frames, 5);
	ck_assert_uint_eq(o.fourcc, DRM_FORMAT_NV12);
	ck_assert_uint_eq(o.width, 640);
	ck_assert_uint_eq(o.height, 360);
	ck_assert_uint_eq(o.timeout_ms, 500);
	ck_assert(o.verify_full);
	ck_assert_int_eq(parse(&o, "-o a.y4m porch"), -1);
	ck_assert_int_eq(o.format, FORMAT_Y4M);
	ck_assert_uint_eq(o.fourcc, DRM_FORMAT_YUV420);
	ck_assert_int_eq(parse(&o, "-f raw porch"), -1);
	ck_assert_uint_eq(o.fourcc, DRM_FORMAT_YUV420);
	ck_assert_int_eq(parse(&o, "-n 3 -f y4m --fourcc YU12 -o x porch"), -1);
}
END_TEST

START_TEST(test_bad_options)
{
	static const char *const lines[] = {"", "a b", "-n x a", "-n -1 a", "-n 1x a", "-f gif a",
		"--size 640 a", "--size 0x5 a", "--size x a", "--size 9000x1 a", "--size -1x5 a",
		"--fps 0 a", "--fps 1001 a", "--fourcc RGBA a", "--timeout 0 a", "--timeout nan a",
		"--timeout -1 a", "--timeout 1e99 a", "--verify some a", "-o %s a", "-o %d%d a",
		"-f png --fourcc NV12 a", "-f y4m --fourcc NV12 a", "-n 2 -o a.png a", "--meta - a",
		"--what a", "-n"};
	struct options o;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(parse(&o, lines[i]) == EXIT_USAGE, "%s", lines[i]);
}
END_TEST

/* --- token files ----------------------------------------------------------------------------- */

static int key_of(const char *content, const char *camera, char **ret)
{
	char path[] = "/tmp/framemux-unit-key-XXXXXX";
	int fd = mkstemp(path), r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
	r = key_read(path, camera, ret);
	unlink(path);
	return r;
}

START_TEST(test_key)
{
	char *token, longer[5000];

	ck_assert_int_eq(key_of("fmx1_one\n", "porch", &token), 0);
	ck_assert_str_eq(token, "fmx1_one");
	key_free(token);
	ck_assert_int_eq(key_of("fmx1_one", "porch", &token), 0);
	key_free(token);
	ck_assert_int_eq(
		key_of("street fmx1_a\n\nporch fmx1_b\nyard fmx1_c\n", "porch", &token), 0);
	ck_assert_str_eq(token, "fmx1_b");
	key_free(token);
	ck_assert_int_eq(key_of("street fmx1_a\n", "porch", &token), -ENOKEY);
	ck_assert_int_eq(key_of("", "porch", &token), -EBADMSG);
	ck_assert_int_eq(key_of("hello\n", "porch", &token), -EBADMSG);
	ck_assert_int_eq(key_of("porch hello\n", "porch", &token), -EBADMSG);
	ck_assert_int_eq(key_of("porch fmx1_a b\n", "porch", &token), -EBADMSG);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	ck_assert_int_eq(key_of(longer, "porch", &token), -EBADMSG);
	ck_assert_int_eq(key_read("/nonexistent/key", "porch", &token), -ENOENT);
	/* Whoever waits for a pipe's writer shows nothing meanwhile. */
	ck_assert_int_eq(mkfifo("key.fifo", 0600), 0);
	ck_assert_int_eq(key_read("key.fifo", "porch", &token), -EBADMSG);
	ck_assert_int_eq(unlink("key.fifo"), 0);
	ck_assert_int_eq(key_read("/dev/null", "porch", &token), -EBADMSG);
	ck_assert_int_eq(key_read("/", "porch", &token), -EBADMSG);
	key_free(NULL);
}
END_TEST

/* --- formats --------------------------------------------------------------------------------- */

/* A 5x3 frame with strides of 64: plane i, row y, byte x is i * 100 + y * 20 + x. */
static uint8_t pixels[3][3 * 64];

static struct framemux_frame make_frame(uint32_t fourcc)
{
	struct framemux_frame f = {.width = 5,
		.height = 3,
		.fourcc = fourcc,
		.planes = fourcc == DRM_FORMAT_YUV420 ? 3
			: fourcc == DRM_FORMAT_NV12   ? 2
						      : 1,
		.stride = {64, 64, 64},
		.seq = 9,
		.generation = 2,
		.sar_num = 4,
		.sar_den = 3,
		.color_encoding = 1};

	for (unsigned i = 0; i < 3; i++) {
		for (unsigned b = 0; b < sizeof(pixels[0]); b++)
			pixels[i][b] = (uint8_t)(i * 100 + b / 64 * 20 + b % 64);
		f.plane[i] = pixels[i];
	}
	return f;
}

static size_t written(FILE *f, char *buf, size_t size)
{
	size_t n;

	rewind(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

START_TEST(test_copy)
{
	struct framemux_frame f = make_frame(DRM_FORMAT_YUV420);
	struct shot s = {0};

	ck_assert_int_eq(shot_copy(&s, &f), 0);
	ck_assert_uint_eq(s.bytes, 15 + 6 + 6); /* chroma of odd sizes rounds up */
	ck_assert_uint_eq(s.data[5], 20);
	ck_assert_uint_eq(s.plane[1][3], 100 + 20);
	ck_assert_uint_eq(s.plane[2][5], 200 + 20 + 2);
	f = make_frame(DRM_FORMAT_NV12);
	ck_assert_int_eq(shot_copy(&s, &f), 0);
	ck_assert_uint_eq(s.bytes, 15 + 12);
	f = make_frame(DRM_FORMAT_RGB565);
	ck_assert_int_eq(shot_copy(&s, &f), 0);
	ck_assert_uint_eq(s.bytes, 30);
	f = make_frame(DRM_FORMAT_RGBA8888);
	ck_assert_int_eq(shot_copy(&s, &f), -EINVAL);
	f = make_frame(DRM_FORMAT_NV12);
	f.planes = 3;
	ck_assert_int_eq(shot_copy(&s, &f), -EINVAL);
	shot_clear(&s);
}
END_TEST

START_TEST(test_ppm)
{
	struct framemux_frame f = make_frame(DRM_FORMAT_XRGB8888);
	struct shot s = {0};
	FILE *out = tmpfile();
	char buf[256];

	ck_assert_int_eq(shot_copy(&s, &f), 0);
	ck_assert_int_eq(ppm_write(out, &s), 0);
	ck_assert_uint_eq(written(out, buf, sizeof(buf)), 11 + 45);
	ck_assert_mem_eq(buf, "P6\n5 3\n255\n", 11);
	ck_assert_mem_eq(buf + 11, "\2\1\0\6\5\4", 6); /* B, G, R, X in memory */
	shot_clear(&s);
}
END_TEST

START_TEST(test_y4m)
{
	struct framemux_frame f = make_frame(DRM_FORMAT_YUV420);
	struct shot s = {0};
	FILE *out = tmpfile();
	char buf[512];
	size_t n, head;

	ck_assert_int_eq(shot_copy(&s, &f), 0);
	ck_assert_int_eq(y4m_write(out, &s, 0, true), 0);
	ck_assert_int_eq(y4m_write(out, &s, 0, false), 0);
	n = written(out, buf, sizeof(buf) - 1);
	buf[n] = 0;
	head = strcspn(buf, "\n") + 1;
	ck_assert_ptr_nonnull(strstr(buf, "YUV4MPEG2 W5 H3 F0:0 Ip A4:3 C420mpeg2 "));
	ck_assert_ptr_nonnull(strstr(buf, "XCOLORRANGE=LIMITED\n"));
	ck_assert_uint_eq(n, head + 2 * (6 + 27));
	ck_assert_mem_eq(buf + head, "FRAME\n", 6);
	ck_assert_mem_eq(buf + head + 6, s.data, 27);
	out = tmpfile();
	s.frame.color_range = 1;
	ck_assert_int_eq(y4m_write(out, &s, 15, true), 0);
	n = written(out, buf, sizeof(buf) - 1);
	buf[n] = 0;
	ck_assert_ptr_nonnull(strstr(buf, " F15:1 "));
	ck_assert_ptr_nonnull(strstr(buf, " C420jpeg "));
	ck_assert_ptr_nonnull(strstr(buf, "XCOLORRANGE=FULL\n"));
	shot_clear(&s);
}
END_TEST

START_TEST(test_png)
{
	struct framemux_frame f = make_frame(DRM_FORMAT_XRGB8888);
	struct shot s = {0};
	png_image image = {.version = PNG_IMAGE_VERSION};
	FILE *out = tmpfile(), *full;
	uint8_t rgb[45];

	ck_assert_int_eq(shot_copy(&s, &f), 0);
	ck_assert_int_eq(picture_png(out, &s), 0);
	rewind(out);
	ck_assert_int_eq(png_image_begin_read_from_stdio(&image, out), 1);
	ck_assert_uint_eq(image.width, 5);
	ck_assert_uint_eq(image.height, 3);
	ck_assert_uint_eq(image.format, PNG_FORMAT_RGB);
	ck_assert_int_eq(png_image_finish_read(&image, NULL, rgb, 0, NULL), 1);
	ck_assert_mem_eq(rgb, "\2\1\0\6\5\4", 6);
	fclose(out);
	full = fopen("/dev/full", "w");
	setvbuf(full, NULL, _IONBF, 0);
	ck_assert_int_eq(picture_png(full, &s), -EIO);
	fclose(full);
	shot_clear(&s);
}
END_TEST

START_TEST(test_meta)
{
	static const char *const names[] = {"camera", "lease", "generation", "seq", "capture_ns",
		"arrival_ns", "publish_ns", "acquire_ns", "width", "height", "fourcc", "stride",
		"color_encoding", "color_range", "sar", "flags", "verified"};
	struct framemux_frame f = make_frame(DRM_FORMAT_NV12);
	struct shot s = {.lease = 0xabcdef, .acquire_ns = 5};
	FILE *out = tmpfile();
	json_t *o;
	size_t i = 0;
	const char *key;
	json_t *value;

	ck_assert_int_eq(shot_copy(&s, &f), 0);
	ck_assert_int_eq(meta_write(out, &s, "porch", true), 0);
	rewind(out);
	o = json_loadf(out, 0, NULL);
	ck_assert_ptr_nonnull(o);
	ck_assert_uint_eq(json_object_size(o), sizeof(names) / sizeof(names[0]));
	json_object_foreach(o, key, value)
	{
		ck_assert_str_eq(key, names[i++]);
	}
	ck_assert_str_eq(json_string_value(json_object_get(o, "lease")), "0000000000abcdef");
	ck_assert_str_eq(json_string_value(json_object_get(o, "fourcc")), "NV12");
	ck_assert_str_eq(json_string_value(json_object_get(o, "color_encoding")), "BT.709");
	ck_assert_str_eq(json_string_value(json_object_get(o, "color_range")), "limited");
	ck_assert_str_eq(json_string_value(json_object_get(o, "sar")), "4:3");
	ck_assert_str_eq(json_string_value(json_object_get(o, "verified")), "full");
	ck_assert_uint_eq(json_array_size(json_object_get(o, "stride")), 2);
	json_decref(o);
	fclose(out);
	shot_clear(&s);
}
END_TEST

/* --- output ---------------------------------------------------------------------------------- */

START_TEST(test_output)
{
	char folder[] = "/tmp/framemux-unit-XXXXXX", pattern[64], name[64];
	struct options o = {.out = pattern, .format = FORMAT_RAW, .frames = 2, .camera = "porch"};
	struct framemux_frame f = make_frame(DRM_FORMAT_RGB565);
	struct output out;
	struct shot s = {0};

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(shot_copy(&s, &f), 0);
	snprintf(pattern, sizeof(pattern), "%s/%%02d.raw", folder);
	ck_assert_int_eq(output_begin(&out, &o), 0);
	ck_assert_int_eq(output_put(&out, &s), 0);
	s.frame.width = 4; /* each file of a pattern stands for itself */
	ck_assert_int_eq(output_put(&out, &s), 0);
	ck_assert_int_eq(output_end(&out), 0);
	for (int i = 1; i <= 2; i++) {
		snprintf(name, sizeof(name), "%s/%02d.raw", folder, i);
		ck_assert_int_eq(unlink(name), 0);
	}
	/* One stream cannot change its size. */
	snprintf(pattern, sizeof(pattern), "%s/one", folder);
	ck_assert_int_eq(output_begin(&out, &o), 0);
	ck_assert_int_eq(output_put(&out, &s), 0);
	s.frame.width = 5;
	ck_assert_int_eq(output_put(&out, &s), EXIT_WRITE);
	ck_assert_int_eq(output_end(&out), 0);
	unlink(pattern);
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_eq(output_begin(&out, &o), 0);
	ck_assert_int_eq(output_put(&out, &s), EXIT_CREATE);
	ck_assert_int_eq(output_end(&out), 0);
	snprintf(pattern, sizeof(pattern), "/dev/full");
	ck_assert_int_eq(output_begin(&out, &o), 0);
	ck_assert_int_eq(output_put(&out, &s), EXIT_WRITE);
	(void)output_end(&out);
	shot_clear(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dump");
	TCase *tc = tcase_create("dump");

	tcase_add_test(tc, test_out_kind);
	tcase_add_test(tc, test_out_name);
	tcase_add_test(tc, test_options);
	tcase_add_test(tc, test_bad_options);
	tcase_add_test(tc, test_key);
	tcase_add_test(tc, test_copy);
	tcase_add_test(tc, test_ppm);
	tcase_add_test(tc, test_y4m);
	tcase_add_test(tc, test_png);
	tcase_add_test(tc, test_meta);
	tcase_add_test(tc, test_output);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
