/* mux/ingest/sdp: session descriptions of real cameras and of worse ones. */
#include "mux/ingest/sdp.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "ingest_material.h"
#include "unit.h"

static struct sdp_video video;
static struct failure failure;

static int parse(const char *text)
{
	memset(&video, 0, sizeof(video));
	memset(&failure, 0, sizeof(failure));
	return sdp_parse((const uint8_t *)text, strlen(text), &video, &failure);
}

START_TEST(the_first_video_that_can_be_taken)
{
	ck_assert_int_eq(
		parse("v=0\r\na=control:*\r\nm=audio 0 RTP/AVP 0\r\na=control:a\r\n"
		      "m=video 0 RTP/AVP 98\r\na=rtpmap:98 VP8/90000\r\n"
		      "m=video 0 RTP/AVP 97 96\r\na=fmtp:96 packetization-mode=1\r\n"
		      "a=rtpmap:97 H266/90000\r\na=rtpmap:96 h264/90000\r\na=control:t2\r\n"
		      "m=video 0 RTP/AVP 26\r\na=control:t3\r\n"),
		0);
	ck_assert_int_eq(video.codec, STREAM_H264);
	ck_assert_uint_eq(video.payload_type, 96);
	ck_assert_uint_eq(video.clock_rate, 90000);
	ck_assert_str_eq(video.fmtp, "packetization-mode=1");
	ck_assert_str_eq(video.control, "t2");
	ck_assert_str_eq(video.session_control, "*");
}
END_TEST

START_TEST(every_encoding_that_is_taken)
{
	static const struct {
		const char *name;
		enum stream_codec codec;
	} rows[] = {{"H264", STREAM_H264}, {"h265", STREAM_H265}, {"Jpeg", STREAM_MJPEG},
		{"mp4v-es", STREAM_MPEG4}};
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text),
			"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 %s/90000\n"
			"a=fmtp:96 profile-level-id=1;config=000001B0\n",
			rows[i].name);
		ck_assert_int_eq(parse(text), 0);
		ck_assert_int_eq(video.codec, rows[i].codec);
		ck_assert_str_eq(video.fmtp, "profile-level-id=1;config=000001B0");
		ck_assert(span_is(span_of(rows[i].name), sdp_encoding(video.codec)));
	}
}
END_TEST

START_TEST(what_cannot_be_taken_is_named)
{
	static const struct {
		const char *text, *reason;
	} bad[] = {
		{"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H266/90000\n",
			"camera sends H.266, which is not supported"},
		{"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 AV1/90000\na=fmtp:96 profile=0\n",
			"camera sends AV1 over RTP, which is not supported"},
		{"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 X\x01Y/90000\n",
			"camera sends X?Y, which is not supported"},
		{"v=0\nm=video 0 RTP/SAVP 96\na=rtpmap:96 H264/90000\n",
			"camera sends encrypted RTP, which is not supported"},
		{"v=0\nm=video 0 RTP/AVP 96\n", "camera does not say how it encodes its video"},
		{"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/0\n",
			"camera does not say how it encodes its video"},
		{"v=0\nm=audio 0 RTP/AVP 0\n", "camera offers no video"},
		{"v=0\n", "camera offers no video"},
		{"", "camera's description of its streams is not SDP"},
		{"<html>", "camera's description of its streams is not SDP"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_int_lt(parse(bad[i].text), 0);
		ck_assert_str_eq(failure.reason, bad[i].reason);
		ck_assert(failure.what == INGEST_FINAL);
	}
}
END_TEST

START_TEST(long_lines_are_left_out_or_refused)
{
	cleanup_free char *text = calloc(1, 20000);
	size_t n = (size_t)sprintf(
		text, "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 ");

	memset(text + n, 'x', SDP_FMTP_MAX);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_str_eq(video.fmtp, "");
	n = (size_t)sprintf(text, "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:");
	memset(text + n, 'x', LIMIT_PATH);
	text[n + LIMIT_PATH] = 0;
	ck_assert_int_lt(parse(text), 0);
}
END_TEST

START_TEST(real_cameras)
{
	static const struct {
		const char *name;
		enum stream_codec codec;
		unsigned payload_type;
		const char *control, *fmtp_begins;
	} cameras[] = {
		{"go2rtc/TestBugSDP3.sdp", STREAM_H264, 96, "track1", "packetization-mode=1;"},
		{"go2rtc/TestBugSDP6-recvonly.sdp", STREAM_MJPEG, 26, "track1", ""},
		{"gortsplib/x-issue_mediamtx_85_SONY_SNC-WR630_.sdp", STREAM_H264, 105, "trackID=1",
			"packetization-mode=1;"},
		{"gortsplib/x-issue_mediamtx_990_TP-Link_.sdp", STREAM_H265, 96, "track1",
			"profile-space=0;"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cameras); i++) {
		char name[128];
		size_t len = 0;

		snprintf(name, sizeof(name), "rtsp-sdp/%s", cameras[i].name);
		cleanup_free uint8_t *text = material_read(name, &len);

		if (!text)
			continue;
		ck_assert_int_eq(sdp_parse(text, len, &video, &failure), 0);
		ck_assert_int_eq(video.codec, cameras[i].codec);
		ck_assert_uint_eq(video.payload_type, cameras[i].payload_type);
		ck_assert_str_eq(video.control, cameras[i].control);
		ck_assert(strncmp(video.fmtp, cameras[i].fmtp_begins,
				  strlen(cameras[i].fmtp_begins)) == 0);
	}
}
END_TEST

START_TEST(mutations_never_read_outside)
{
	const char *seed =
		"v=0\r\na=control:*\r\nm=video 0 RTP/AVP 96 26\r\na=rtpmap:96 H264/90000\r\n"
		"a=fmtp:96 packetization-mode=1\r\na=control:t\r\nm=audio 0 RTP/AVP 0\r\n";
	size_t len = strlen(seed);
	uint32_t state = 7;

	for (unsigned i = 0; i < 200000; i++) {
		size_t n = material_random(&state) % (len + 1);
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, seed, n);
		for (unsigned k = material_random(&state) % 6; n && k; k--)
			copy[material_random(&state) % n] =
				(uint8_t) "\r\n =:/m0a\xff"[material_random(&state) % 10];
		sdp_parse(copy, n, &video, &failure);
		free(copy);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest sdp");
	TCase *t = tcase_create("sdp");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_first_video_that_can_be_taken);
	tcase_add_test(t, every_encoding_that_is_taken);
	tcase_add_test(t, what_cannot_be_taken_is_named);
	tcase_add_test(t, long_lines_are_left_out_or_refused);
	tcase_add_test(t, real_cameras);
	tcase_add_test(t, mutations_never_read_outside);
	suite_add_tcase(s, t);
	return unit_run(s);
}
