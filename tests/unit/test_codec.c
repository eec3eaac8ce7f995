/*
 * mux/decode/codec: every frame of the reference clips, bit for bit what ffmpeg decodes (their
 * framemd5 files); nothing before the first clean frame; damage is flagged.
 *
 * FRAMEMUX_MATERIAL names the folder with the clips. Without it those tests say that they did not
 * run; the rest needs no clips.
 */
#include "mux/decode/codec.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/md5.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/pattern.h"
#include "mux/link/stream.h"
#include "unit.h"

#define FRAMES_MAX 2000u
#define HASH_TEXT  33u

enum { EXACT, DAMAGED };

/* kind DAMAGED: bit-flipped; ffmpeg's hashes are those of one way to conceal: only survival counts.
 */
static const struct clip {
	const char *path;
	int kind;
} clips[] = {
	{"conf-h264-openh264/Adobe_PDF_sample_a_1024x768_50Frms.264", EXACT},
	{"conf-h264-openh264/BA_MW_D.264", EXACT},
	{"conf-h264-openh264/BA_MW_D_P_LOST.264", EXACT},
	{"conf-h264-openh264/Cisco_Adobe_PDF_sample_a_1024x768_CAVLC_Bframe_9.264", EXACT},
	{"conf-h264-openh264/MIDR_MW_D.264", EXACT},
	{"conf-h264-openh264/QCIF_2P_I_allIPCM.264", EXACT},
	{"conf-h264-openh264/SVA_BA1_B.264", EXACT},
	{"conf-h264-openh264/SarVui.264", EXACT},
	{"conf-h264-openh264/Static.264", EXACT},
	{"conf-h264-openh264/Zhling_1280x720.264", EXACT},
	{"conf-h264-openh264/test_qcif_cabac.264", EXACT},
	{"conf-h264-openh264/test_vd_1d.264", EXACT},
	{"conf-h264-openh264/test_vd_rc.264", EXACT},
	{"conf-jpeg/testimgint.jpg", EXACT},
	{"conf-jpeg/testorig.jpg", EXACT},
	{"conf-libvpl/cars_320x240.h264", EXACT},
	{"conf-libvpl/cars_320x240.h265", EXACT},
	{"conf-libvpl/cars_320x240.mjpeg", EXACT},
	{"conf-vkglcts/4k_26_ibp_main.h264", EXACT},
	{"conf-vkglcts/av1-176x144-main-basic-8.ivf", EXACT},
	{"conf-vkglcts/av1-352x288-main-cdfupdate-8.ivf", EXACT},
	{"conf-vkglcts/clip-a.h264", EXACT},
	{"conf-vkglcts/clip-b.h264", EXACT},
	{"conf-vkglcts/clip-d.h265", EXACT},
	{"conf-vkglcts/hevc-itu-slist-a.h265", EXACT},
	{"conf-wpt/av1.mp4", EXACT},
	{"conf-wpt/four-colors-limited-range-420-8bpc.jpg", EXACT},
	{"conf-wpt/h264.annexb", EXACT},
	{"conf-wpt/h264.mp4", EXACT},
	{"conf-wpt/h265.annexb", EXACT},
	{"conf-wpt/h265.mp4", EXACT},
	{"footage-intel/bottle-detection.mp4", EXACT},
	{"footage-intel/car-detection.mp4", EXACT},
	{"footage-misc/imageio/realshort.mp4", EXACT},
	{"corrupt-zzuf/av1-basic10-s01.ivf", DAMAGED},
	{"corrupt-zzuf/h264-cars-s01.h264", DAMAGED},
	{"corrupt-zzuf/hevc-cars-s01.h265", EXACT}, /* damaged, but no decoder can tell */
	{"corrupt-zzuf/mjpeg-cars-s01.mjpeg", DAMAGED},
};

static const char *material(void)
{
	return getenv("FRAMEMUX_MATERIAL");
}

/* Hashes of a framemd5 file, in order. */
static unsigned read_hashes(const char *clip, char (*ret)[HASH_TEXT])
{
	char path[1024], line[256];
	cleanup_file FILE *f = NULL;
	unsigned n = 0;
	size_t at;

	at = (size_t)snprintf(path, sizeof(path), "%s/framemd5/", material());
	for (const char *p = clip; *p; p++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, *p == '/' ? "__" : "%c", *p);
	snprintf(path + at, sizeof(path) - at, ".framemd5");
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s: %m", path);
	while (fgets(line, sizeof(line), f)) {
		char *hash = strrchr(line, ' ');

		if (*line == '#' || !hash)
			continue;
		ck_assert_uint_lt(n, FRAMES_MAX);
		memcpy(ret[n], hash + 1, HASH_TEXT - 1);
		ret[n++][HASH_TEXT - 1] = 0;
	}
	return n;
}

static void hash_image(const struct image *im, char ret[HASH_TEXT])
{
	struct AVMD5 *md5 = av_md5_alloc();
	uint8_t digest[16];

	av_md5_init(md5);
	for (int i = 0; i < 3; i++) {
		uint32_t w = i ? image_half(im->form.width) : im->form.width;
		uint32_t h = i ? image_half(im->form.height) : im->form.height;

		for (uint32_t y = 0; y < h; y++)
			av_md5_update(md5, im->plane[i] + (ptrdiff_t)y * im->stride[i], w);
	}
	av_md5_final(md5, digest);
	av_free(md5);
	for (int i = 0; i < 16; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

/* --- a small feeder: a file's units, as ingest would send them --- */

struct feeder {
	AVFormatContext *file;
	AVPacket *packet;
	int stream;
	struct codec *codec;
};

static uint32_t kind_of(enum AVCodecID id)
{
	switch (id) {
	case AV_CODEC_ID_H264:
		return STREAM_H264;
	case AV_CODEC_ID_HEVC:
		return STREAM_H265;
	case AV_CODEC_ID_MJPEG:
		return STREAM_MJPEG;
	case AV_CODEC_ID_MPEG4:
		return STREAM_MPEG4;
	case AV_CODEC_ID_AV1:
		return STREAM_AV1;
	default:
		return 0;
	}
}

static void feeder_open_file(struct feeder *f, const char *clip)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", material(), clip);
	ck_assert_msg(avformat_open_input(&f->file, path, NULL, NULL) == 0, "%s", path);
	ck_assert_int_ge(avformat_find_stream_info(f->file, NULL), 0);
	f->stream = av_find_best_stream(f->file, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	ck_assert_int_ge(f->stream, 0);
}

static void feeder_open(struct feeder *f, const char *clip)
{
	char reason[LIMIT_REASON];
	const AVCodecParameters *par;
	struct codec_setup setup;

	memset(f, 0, sizeof(*f));
	feeder_open_file(f, clip);
	f->packet = av_packet_alloc();
	par = f->file->streams[f->stream]->codecpar;
	setup = (struct codec_setup){kind_of(par->codec_id), (uint32_t)par->width,
		(uint32_t)par->height, (uint32_t)par->video_delay, {0}, par->extradata,
		(size_t)par->extradata_size, 0};
	ck_assert_msg(codec_open(&setup, &f->codec, reason) == 0, "%s: %s", clip, reason);
}

static void feeder_close(struct feeder *f)
{
	codec_close(f->codec);
	av_packet_free(&f->packet);
	avformat_close_input(&f->file);
}

/* The file from its beginning, into the same decoder. */
static void feeder_rewind(struct feeder *f, const char *clip)
{
	avformat_close_input(&f->file);
	feeder_open_file(f, clip);
}

/* The next unit into f->packet; 0 at the end. */
static int feeder_next(struct feeder *f)
{
	for (;;) {
		av_packet_unref(f->packet);
		if (av_read_frame(f->file, f->packet) < 0)
			return 0;
		if (f->packet->stream_index == f->stream && f->packet->size > 0)
			return 1;
	}
}

static int feed(struct feeder *f, uint64_t number, uint32_t more_flags)
{
	const struct unit_times times = {number, number, 0};
	uint32_t key = f->packet->flags & AV_PKT_FLAG_KEY ? STREAM_UNIT_KEY : 0;

	return codec_feed(
		f->codec, f->packet->data, (size_t)f->packet->size, &times, key | more_flags);
}

struct tally {
	unsigned frames, concealed, mismatched;
};

/* Take what is ready and compare it with hashes from tally->frames on. */
static void take_all(struct feeder *f, struct tally *t, char (*hash)[HASH_TEXT], unsigned n)
{
	struct decoded d;
	int r;

	while ((r = codec_take(f->codec, &d)) == 0) {
		char got[HASH_TEXT];

		hash_image(&d.image, got);
		t->mismatched += t->frames >= n || strcmp(got, hash[t->frames]);
		t->concealed += d.is_concealed;
		t->frames++;
	}
	ck_assert_msg(r == -EAGAIN, "%s", codec_reason(f->codec));
}

static void run_clip(struct feeder *f, struct tally *t, char (*hash)[HASH_TEXT], unsigned n)
{
	uint64_t number = 0;

	while (feeder_next(f)) {
		ck_assert_int_eq(feed(f, ++number, 0), 0);
		take_all(f, t, hash, n);
	}
	codec_drain(f->codec);
	take_all(f, t, hash, n);
	codec_restart(f->codec);
}

START_TEST(clips_are_bit_exact)
{
	const struct clip *clip = &clips[_i];
	static char hash[FRAMES_MAX][HASH_TEXT];
	struct feeder f;
	struct tally t = {0};
	unsigned n;

	n = read_hashes(clip->path, hash);
	feeder_open(&f, clip->path);
	run_clip(&f, &t, hash, n);
	if (getenv("FRAMEMUX_TEST_VERBOSE"))
		fprintf(stderr, "%s: %u of %u frames, %u differ, %u concealed\n", clip->path,
			t.frames, n, t.mismatched, t.concealed);
	if (clip->kind == EXACT) {
		ck_assert_msg(t.frames == n, "%s: %u frames, not %u", clip->path, t.frames, n);
		ck_assert_msg(t.mismatched == 0, "%s: %u frames differ", clip->path, t.mismatched);
	} else {
		ck_assert_msg(t.concealed > 0, "%s: no damage noticed", clip->path);
	}
	feeder_close(&f);
}
END_TEST

/* A file begins again: the same frames once more, none from inside the decoder mixed in. */
START_TEST(after_a_drain_all_is_as_before)
{
	static char hash[FRAMES_MAX][HASH_TEXT];
	unsigned n = read_hashes("conf-libvpl/cars_320x240.h264", hash);
	struct feeder f;

	feeder_open(&f, "conf-libvpl/cars_320x240.h264");
	for (int round = 0; round < 3; round++) {
		struct tally t = {0};

		run_clip(&f, &t, hash, n);
		ck_assert_uint_eq(t.frames, n);
		ck_assert_uint_eq(t.mismatched, 0);
		feeder_rewind(&f, "conf-libvpl/cars_320x240.h264");
	}
	feeder_close(&f);
}
END_TEST

/* Without reordering a picture comes out in the call that its unit went in. */
START_TEST(no_delay_is_added)
{
	static const char *const live[] = {"conf-wpt/h264.annexb", "conf-wpt/h265.annexb",
		"conf-h264-openh264/BA_MW_D.264", "conf-libvpl/cars_320x240.mjpeg",
		"conf-vkglcts/clip-d.h265", "conf-wpt/av1.mp4"};
	struct feeder f;
	struct decoded d;
	uint64_t number = 0;

	feeder_open(&f, live[_i]);
	while (feeder_next(&f)) {
		ck_assert_int_eq(feed(&f, ++number, 0), 0);
		ck_assert_msg(codec_take(f.codec, &d) == 0, "%s: unit %llu is delayed", live[_i],
			(unsigned long long)number);
		ck_assert_uint_eq(d.times.arrival_ns, number);
		ck_assert_int_eq(codec_take(f.codec, &d), -EAGAIN);
	}
	feeder_close(&f);
}
END_TEST

/* A camera joined in mid-stream: nothing until a key unit, and that frame and the next are whole.
 */
START_TEST(nothing_before_a_key_unit)
{
	struct feeder f;
	struct decoded d;
	uint64_t number = 0;
	int seen_key = 0;

	feeder_open(&f, "footage-intel/car-detection.mp4");
	ck_assert(feeder_next(&f)); /* the first key unit is lost */
	while (feeder_next(&f) && number < 300) {
		int is_key = f.packet->flags & AV_PKT_FLAG_KEY;

		seen_key |= is_key;
		ck_assert_int_eq(feed(&f, ++number, 0), 0);
		if (codec_take(f.codec, &d) == 0) {
			ck_assert(seen_key);
			ck_assert(!d.is_concealed);
		}
	}
	feeder_close(&f);
}
END_TEST

START_TEST(a_gap_is_concealed_until_the_next_key_unit)
{
	struct feeder f;
	struct decoded d;
	uint64_t number = 0, concealed = 0;
	int is_damaged = 0;

	feeder_open(&f, "conf-h264-openh264/MIDR_MW_D.264"); /* several key units, no reordering */
	while (feeder_next(&f)) {
		uint32_t gap = 0;

		number++;
		if (number == 5) /* lost */
			continue;
		if (number == 6) {
			gap = STREAM_UNIT_GAP;
			is_damaged = 1;
		}
		if (f.packet->flags & AV_PKT_FLAG_KEY)
			is_damaged = 0;
		ck_assert_int_eq(feed(&f, number, gap), 0);
		ck_assert_int_eq(codec_take(f.codec, &d), 0);
		ck_assert_int_eq(d.is_concealed, is_damaged);
		concealed += d.is_concealed;
	}
	ck_assert_uint_gt(concealed, 0);
	ck_assert(!is_damaged); /* the clip has a later key unit: the test could fail */
	feeder_close(&f);
}
END_TEST

/* --- without clips --- */

/* A wrong bit in a picture that decodes all the same: only its MD5 tells, where a camera sends it.
 */
START_TEST(h265_pictures_are_compared_with_their_md5)
{
	struct feeder f;
	struct decoded d;
	uint64_t number = 0;
	unsigned frames = 0, concealed = 0;

	feeder_open(&f, "conf-vkglcts/hevc-itu-slist-a.h265");
	while (feeder_next(&f)) {
		if (++number == 2 && _i)
			f.packet->data[f.packet->size * 3 / 4] ^= 0x10;
		ck_assert_int_eq(feed(&f, number, 0), 0);
		while (codec_take(f.codec, &d) == 0) {
			frames++;
			concealed += d.is_concealed;
		}
	}
	ck_assert_uint_gt(frames, 1);
	if (_i)
		ck_assert_uint_gt(concealed, 0);
	else
		ck_assert_uint_eq(concealed, 0);
	feeder_close(&f);
}
END_TEST

START_TEST(patterns_are_painted)
{
	const struct codec_setup setup = {.codec = STREAM_PATTERN, .width = 100, .height = 50};
	const uint8_t unit[2] = {0x34, 0x12};
	const struct unit_times times = {1, 2, 3};
	char reason[LIMIT_REASON];
	struct codec *c;
	struct decoded d;

	ck_assert_int_eq(codec_open(&setup, &c, reason), 0);
	ck_assert_str_eq(codec_name(c), "pattern");
	ck_assert_int_eq(codec_take(c, &d), -EAGAIN);
	ck_assert_int_eq(codec_feed(c, unit, 2, &times, 0), 0); /* not yet: no key unit */
	ck_assert_int_eq(codec_take(c, &d), -EAGAIN);
	ck_assert_int_eq(codec_feed(c, unit, 2, &times, STREAM_UNIT_KEY), 0);
	ck_assert_int_eq(codec_take(c, &d), 0);
	ck_assert_int_eq(codec_take(c, &d), -EAGAIN);
	ck_assert_uint_eq(d.image.form.width, 100);
	ck_assert_uint_eq(d.image.form.height, 50);
	ck_assert_uint_eq(d.times.capture_ns, 3);
	ck_assert_uint_eq(d.image.plane[0][99], 128);
	ck_assert_uint_eq(d.image.plane[1][0], 128);
	ck_assert_int_eq(
		pattern_read(d.image.plane[0], (uint32_t)d.image.stride[0], 1, 5, 2), 0x1234);
	ck_assert_int_eq(codec_feed(c, unit, 1, &times, STREAM_UNIT_KEY), -ENODATA);
	codec_close(c);
}
END_TEST

/* Memory is refused at some point of a stream: an error, no crash. */
START_TEST(memory_may_be_refused)
{
	struct rlimit limit;
	struct feeder f;
	struct decoded d;
	int r = 0;

	feeder_open(&f, "conf-libvpl/cars_320x240.h264");
	limit.rlim_cur = limit.rlim_max = (unit_status_kib("VmData:") + (uint64_t)_i * 256) * 1024;
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &limit), 0);
	for (unsigned n = 1; r == 0 && n < 30 && feeder_next(&f); n++) {
		r = feed(&f, n, 0);
		while (r == 0 && (r = codec_take(f.codec, &d)) == 0)
			continue;
		if (r == -EAGAIN)
			r = 0;
	}
	ck_assert(r == 0 || r == -ENOMEM);
	feeder_close(&f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("codec");
	TCase *t = tcase_create("codec"), *m = tcase_create("material");

	codec_log_begin();
	tcase_add_test(t, patterns_are_painted);
	suite_add_tcase(s, t);
	if (material()) {
		tcase_set_timeout(m, 120);
		tcase_add_loop_test(m, clips_are_bit_exact, 0, (int)ARRAY_SIZE(clips));
		tcase_add_test(m, after_a_drain_all_is_as_before);
		tcase_add_loop_test(m, no_delay_is_added, 0, 6);
		tcase_add_test(m, nothing_before_a_key_unit);
#ifndef __SANITIZE_ADDRESS__ /* whose memory is not limited */
		tcase_add_loop_test(m, memory_may_be_refused, 0, 32);
#endif
		tcase_add_loop_test(m, h265_pictures_are_compared_with_their_md5, 0, 2);
		tcase_add_test(m, a_gap_is_concealed_until_the_next_key_unit);
		suite_add_tcase(s, m);
	} else {
		suite_add_tcase(s, m);
		fprintf(stderr, "SKIPPED: FRAMEMUX_MATERIAL is not set: no clip was decoded\n");
	}
	return unit_run(s);
}
