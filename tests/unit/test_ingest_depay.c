/* mux/ingest: RTP headers and time, and access units out of packets. */
#include "mux/ingest/depay.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ingest_material.h"
#include "mux/ingest/lav_log.h"
#include "mux/ingest/rtp.h"
#include "unit.h"

static struct depay *depay;
static uint8_t taken[1u << 22]; /* all units, one after another */
static size_t taken_len;
static unsigned units, keys, gaps;
static struct stream_unit last;
static uint64_t now = 50 * NS_PER_S;
static uint16_t sequence;

static int on_unit(void *data, const struct stream_unit *unit)
{
	(void)data;
	ck_assert_uint_le(unit->len, sizeof(taken) - taken_len);
	memcpy(taken + taken_len, unit->data, unit->len);
	last = *unit;
	last.data = taken + taken_len;
	taken_len += unit->len;
	units++;
	keys += unit->flags & STREAM_UNIT_KEY ? 1 : 0;
	gaps += unit->flags & STREAM_UNIT_GAP ? 1 : 0;
	return 0;
}

static void open_depay(enum stream_codec codec, unsigned pt, const char *fmtp)
{
	struct sdp_video video = {.codec = codec, .payload_type = pt, .clock_rate = 90000};
	struct failure failure = {.what = INGEST_AGAIN};

	snprintf(video.fmtp, sizeof(video.fmtp), "%s", fmtp);
	taken_len = units = keys = gaps = 0;
	sequence = 65530; /* wraps soon */
	ck_assert_int_eq(depay_new(&video, on_unit, NULL, &depay, &failure), 0);
}

/* One packet with these bytes as payload. */
static void packet(uint32_t timestamp, bool marker, const void *payload, size_t len)
{
	uint8_t p[2048] = {0x80, (uint8_t)(96 | (marker ? 0x80 : 0)), (uint8_t)(sequence >> 8),
		(uint8_t)sequence, (uint8_t)(timestamp >> 24), (uint8_t)(timestamp >> 16),
		(uint8_t)(timestamp >> 8), (uint8_t)timestamp, 1, 2, 3, 4};

	memcpy(p + 12, payload, len);
	sequence++;
	now += NS_PER_MS;
	ck_assert_int_eq(depay_packet(depay, p, 12 + len, now), 0);
}

static void nal(uint32_t timestamp, bool marker, uint8_t head)
{
	const uint8_t b[] = {head, 0x91, 0x22}; /* of a slice: the first of its picture */

	packet(timestamp, marker, b, sizeof(b));
}

/* ---- RTP ---------------------------------------------------------------------------------- */

START_TEST(headers)
{
	uint8_t p[40] = {0xb1, 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, /* one CSRC */ 0, 0, 0, 9,
		/* an extension of one word */ 0xbe, 0xde, 0, 1, 0, 0, 0, 0, 'a', 'b', 'c', 0, 2};
	struct rtp_packet rtp;

	ck_assert_int_eq(rtp_parse(p, 29, &rtp), 0); /* two bytes of padding */
	ck_assert(rtp.marker);
	ck_assert_uint_eq(rtp.payload_type, 96);
	ck_assert_uint_eq(rtp.payload_len, 3);
	ck_assert_mem_eq(rtp.payload, "abc", 3);
	for (size_t n = 0; n < 24; n++)
		ck_assert_int_eq(rtp_parse(p, n, &rtp), -EPROTO);
	p[28] = 200; /* more padding than there is */
	ck_assert_int_eq(rtp_parse(p, 29, &rtp), -EPROTO);
	p[0] = 0x40;
	ck_assert_int_eq(rtp_parse(p, 29, &rtp), -EPROTO);
}
END_TEST

static enum rtp_order follow(
	struct rtp_track *t, uint16_t seq, uint32_t ts, uint64_t at_ms, uint64_t *ret_pts_ms)
{
	struct rtp_packet p = {.sequence = seq, .timestamp = ts, .ssrc = 1};
	uint64_t pts;
	enum rtp_order order = rtp_follow(t, &p, 90000, at_ms * NS_PER_MS, &pts);

	*ret_pts_ms = order == RTP_OLD ? 0 : pts / NS_PER_MS;
	return order;
}

START_TEST(time_and_order)
{
	struct rtp_track t = {.started = false};
	uint64_t first, pts;

	ck_assert_int_eq(follow(&t, 65535, 0xfffff000, 100, &first), RTP_IN_ORDER);
	ck_assert_int_eq(follow(&t, 0, 0xfffff000 + 9000, 200, &pts), RTP_IN_ORDER); /* wraps */
	ck_assert_uint_eq(pts, first + 100);
	ck_assert_int_eq(follow(&t, 0, 0xfffff000 + 9000, 200, &pts), RTP_OLD); /* again */
	ck_assert_int_eq(follow(&t, 3, 0xfffff000 + 18000, 300, &pts), RTP_GAP);
	ck_assert_uint_eq(pts, first + 200);
	ck_assert_int_eq(follow(&t, 4, 0xfffff000 + 13500, 310, &pts), RTP_IN_ORDER); /* B-frame */
	ck_assert_uint_eq(pts, first + 150);
	ck_assert_int_eq(follow(&t, 5, 0x70000000, 350, &pts), RTP_IN_ORDER); /* a jump */
	ck_assert_uint_eq(pts, first + 190);
	ck_assert_int_eq(follow(&t, 5000, 0x70000000, 350, &pts), RTP_GAP);
	ck_assert_int_eq(follow(&t, 1, 0x70000000, 350, &pts), RTP_GAP); /* began anew */
}
END_TEST

static enum rtp_order follow_sender(
	struct rtp_track *t, uint32_t ssrc, uint16_t seq, uint64_t at_ms)
{
	struct rtp_packet p = {.sequence = seq, .timestamp = seq, .ssrc = ssrc};
	uint64_t pts;

	return rtp_follow(t, &p, 90000, at_ms * NS_PER_MS, &pts);
}

START_TEST(two_senders_are_not_mixed)
{
	struct rtp_track t = {.started = false};

	ck_assert_int_eq(follow_sender(&t, 1, 10, 100), RTP_IN_ORDER);
	ck_assert_int_eq(follow_sender(&t, 2, 500, 110), RTP_GAP); /* the camera began anew */
	for (unsigned i = 1; i < 100; i++) {
		ck_assert_int_eq(follow_sender(&t, 1, (uint16_t)(10 + i), 110 + 40 * i), RTP_OLD);
		ck_assert_int_eq(
			follow_sender(&t, 2, (uint16_t)(500 + i), 120 + 40 * i), RTP_IN_ORDER);
	}
	/* only when the other has fallen silent */
	ck_assert_int_eq(follow_sender(&t, 1, 200, 120 + 40 * 99 + 999), RTP_OLD);
	ck_assert_int_eq(follow_sender(&t, 1, 201, 120 + 40 * 99 + 1001), RTP_GAP);
	ck_assert_int_eq(follow_sender(&t, 1, 202, 120 + 40 * 99 + 1002), RTP_IN_ORDER);
}
END_TEST

/* ---- units -------------------------------------------------------------------------------- */

START_TEST(a_unit_goes_with_its_marker)
{
	open_depay(STREAM_H264, 96, "");
	nal(3000, false, 0x67);
	nal(3000, false, 0x68);
	nal(3000, true, 0x65);
	ck_assert_uint_eq(units, 0); /* the first is held back: the marker is not known yet */
	ck_assert_uint_eq(depay_deadline(depay), now + 20 * NS_PER_MS);
	nal(6000, true, 0x41);
	ck_assert_uint_eq(units, 2);
	ck_assert_uint_eq(last.arrival_ns, now);
	nal(9000, false, 0x41);
	ck_assert_uint_eq(units, 2);
	nal(9000, true, 0x41);
	ck_assert_uint_eq(units, 3);
	ck_assert_uint_eq(last.len, 14);
	ck_assert_uint_eq(keys, 1);
	ck_assert_uint_eq(gaps, 0);
	depay_free(depay);
}
END_TEST

START_TEST(the_first_unit_waits_a_moment_only)
{
	open_depay(STREAM_H264, 96, "");
	nal(3000, true, 0x65);
	ck_assert_int_eq(depay_tick(depay, now + 20 * NS_PER_MS - 1), 0);
	ck_assert_uint_eq(units, 0);
	ck_assert_int_eq(depay_tick(depay, now + 20 * NS_PER_MS), 0);
	ck_assert_uint_eq(units, 1);
	ck_assert_uint_eq(depay_deadline(depay), UINT64_MAX);
	nal(6000, true, 0x41);
	ck_assert_uint_eq(units, 2);
	depay_free(depay);
}
END_TEST

START_TEST(cameras_whose_marker_lies)
{
	open_depay(STREAM_H264, 96, "");
	for (uint32_t i = 1; i <= 5; i++) /* a marker on each of two slices */
		for (unsigned slice = 0; slice < 2; slice++)
			nal(i * 3000, true, i == 1 ? 0x65 : 0x41);
	ck_assert_uint_eq(units, 4); /* with the next one's first packet */
	ck_assert_uint_eq(last.len, 14);
	ck_assert_uint_eq(keys, 1);
	depay_free(depay);
	/* Without any marker, and with one on parameter sets. */
	open_depay(STREAM_H264, 96, "");
	nal(3000, true, 0x67);
	nal(3000, true, 0x68);
	nal(3000, false, 0x65);
	nal(6000, false, 0x41);
	ck_assert_uint_eq(units, 1);
	ck_assert_uint_eq(last.len, 21);
	depay_free(depay);
}
END_TEST

START_TEST(parameter_sets_alone_wait_for_their_picture)
{
	open_depay(STREAM_H264, 96, "");
	nal(3000, true, 0x65);
	nal(6000, true, 0x67);
	nal(6000, true, 0x68);
	nal(9000, true, 0x65);
	ck_assert_uint_eq(units, 2);
	ck_assert_uint_eq(last.len, 21);
	ck_assert_uint_eq(keys, 2);
	for (unsigned i = 0; i < 100000; i++) /* without end: nothing, and no memory */
		nal(12000 + i * 3000, true, 0x67);
	ck_assert_uint_eq(units, 2);
	depay_free(depay);
}
END_TEST

START_TEST(slices_in_fragments_and_losses)
{
	static const uint8_t start[] = {0x7c, 0x85, 1, 2}, middle[] = {0x7c, 0x05, 3, 4},
			     end[] = {0x7c, 0x45, 5, 6};
	static const uint8_t whole[] = {0, 0, 0, 1, 0x65, 1, 2, 3, 4, 5, 6};
	static const uint8_t second_slice[] = {0x65, 0x11, 0x22};

	open_depay(STREAM_H264, 96, "");
	packet(3000, false, start, sizeof(start));
	packet(3000, false, middle, sizeof(middle));
	packet(3000, true, end, sizeof(end));
	nal(6000, true, 0x41);
	ck_assert_uint_eq(units, 2);
	ck_assert_mem_eq(taken, whole, sizeof(whole));
	/* The head of a fragmented slice is lost: its rest is no slice. */
	sequence++;
	packet(9000, false, middle, sizeof(middle));
	packet(9000, false, end, sizeof(end));
	packet(9000, true, second_slice, sizeof(second_slice));
	ck_assert_uint_eq(units, 3);
	ck_assert_uint_eq(last.len, 7);
	ck_assert_uint_eq(last.flags, STREAM_UNIT_GAP); /* IDR, but not whole */
	nal(12000, true, 0x65);
	ck_assert_uint_eq(last.flags, STREAM_UNIT_KEY);
	/* Lost before a unit that shows its beginning. */
	sequence++;
	nal(15000, false, 0x67);
	nal(15000, true, 0x65);
	ck_assert_uint_eq(last.flags, STREAM_UNIT_KEY | STREAM_UNIT_GAP);
	/* Lost between two units that have only one packet each: the one behind says so. */
	nal(18000, true, 0x41);
	sequence++;
	nal(24000, true, 0x41);
	ck_assert_uint_eq(last.flags, STREAM_UNIT_GAP);
	nal(27000, true, 0x41);
	ck_assert_uint_eq(last.flags, 0);
	depay_free(depay);
}
END_TEST

START_TEST(other_payload_types_and_rubbish)
{
	uint8_t junk[64];
	uint32_t state = 5;

	open_depay(STREAM_H264, 97, "");
	nal(3000, true, 0x65); /* 96 */
	ck_assert_uint_eq(units, 0);
	for (unsigned i = 0; i < 100000; i++) {
		size_t n = material_random(&state) % sizeof(junk);

		for (size_t k = 0; k < n; k++)
			junk[k] = (uint8_t)material_random(&state);
		if (n > 4) {
			junk[0] = 0x80;
			junk[1] = (uint8_t)(97 | (i & 0x80));
		}
		taken_len = 0;
		ck_assert_int_eq(depay_packet(depay, junk, n, now), 0);
	}
	depay_free(depay);
}
END_TEST

START_TEST(a_unit_has_a_limit)
{
	static uint8_t big[1400] = {0x7c, 0x05};

	open_depay(STREAM_H264, 96, "");
	nal(3000, true, 0x65);
	nal(6000, true, 0x41);
	for (unsigned i = 0; i < 20000; i++) /* 28 MB of one slice */
		packet(9000, false, big, sizeof(big));
	nal(12000, true, 0x41);
	ck_assert_uint_eq(last.flags & STREAM_UNIT_GAP, STREAM_UNIT_GAP);
	depay_free(depay);
}
END_TEST

/* Whoever joins late may get the middle of a picture first, even of a key picture. */
START_TEST(the_first_packet_is_not_the_first_of_a_picture)
{
	static const uint8_t middle[] = {0x7c, 0x05, 3, 4}, end[] = {0x7c, 0x45, 5, 6};
	static const uint8_t second_slice[] = {0x65, 0x11, 0x22};

	open_depay(STREAM_H264, 96, "");
	packet(3000, false, middle, sizeof(middle));
	packet(3000, false, end, sizeof(end));
	packet(3000, true, second_slice, sizeof(second_slice));
	nal(9000, true, 0x41);
	ck_assert_uint_eq(keys, 0);
	nal(12000, false, 0x06); /* SEI in front is none of it */
	nal(12000, true, 0x65);
	ck_assert_uint_eq(keys, 1);
	depay_free(depay);
}
END_TEST

/* The marker on each packet of an endless unit without a picture: once cost 20 ms a packet. */
START_TEST(markers_without_a_picture_cost_nothing)
{
	static const uint8_t message[16] = {0x06, 0x05, 0x0d};
	struct timespec before, after;

	open_depay(STREAM_H264, 96, "");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	for (unsigned i = 0; i < 50000; i++)
		packet(3000, true, message, sizeof(message));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 3);
	ck_assert_uint_eq(units, 0);
	/* and a picture behind them is still found */
	nal(3000, true, 0x65);
	ck_assert_int_eq(depay_tick(depay, now + NS_PER_S), 0);
	nal(6000, true, 0x41);
	ck_assert_int_eq(depay_tick(depay, now + NS_PER_S), 0);
	ck_assert_uint_eq(units, 2);
	ck_assert_uint_eq(keys, 1);
	depay_free(depay);
}
END_TEST

/* With the marker, 64 to 95 look like RTCP to whoever expects both on one channel. */
START_TEST(every_payload_type_is_video)
{
	uint8_t p[] = {0x80, 0x80, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0x65, 0x88, 0x80};

	for (unsigned pt = 0; pt < 128; pt++) {
		open_depay(STREAM_H264, pt, "");
		p[1] = (uint8_t)(0x80 | pt);
		for (p[3] = 0; p[3] < 3; p[3]++) {
			p[7] = p[3];
			ck_assert_int_eq(depay_packet(depay, p, sizeof(p), now), 0);
		}
		ck_assert_uint_eq(keys, 3);
		depay_free(depay);
	}
}
END_TEST

/* A JPEG of 16 MB, which its offsets allow: libavformat would keep all of it. */
START_TEST(a_jpeg_has_a_limit)
{
	uint8_t part[1408] = {[4] = 1, [5] = 50, [6] = 40, [7] = 30};
	size_t before, most = 0;

	open_depay(STREAM_MJPEG, 96, "");
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (uint32_t at = 0; at < (1u << 24) - 1400; at += 1400) {
		size_t used;

		part[1] = (uint8_t)(at >> 16);
		part[2] = (uint8_t)(at >> 8);
		part[3] = (uint8_t)at;
		packet(3000, false, part, sizeof(part));
		used = mallinfo2().uordblks + mallinfo2().hblkhd;
		most = used > most ? used : most;
	}
	ck_assert_uint_lt(most - before, 8u << 20);
	ck_assert_uint_eq(units, 0);
	depay_free(depay);
}
END_TEST

START_TEST(parameter_sets_of_the_description)
{
	static const uint8_t expected[] = {0, 0, 0, 1, 0x67, 0x64, 0, 0x33, 0xac, 0xe8, 0x80, 0x0a,
		0x00, 0xb5, 0x90, 0, 0, 0, 1, 0x68, 0xee, 0x3c, 0x30};
	struct stream_format format;

	open_depay(STREAM_H264, 96,
		"packetization-mode=1;profile-level-id=640033;"
		"sprop-parameter-sets=Z2QAM6zogAoAtZA=,aO48MA==");
	depay_format(depay, &format);
	ck_assert_int_eq(format.codec, STREAM_H264);
	ck_assert_uint_eq(format.reorder, 0);
	ck_assert_uint_ge(format.extradata_len, sizeof(expected));
	ck_assert_mem_eq(format.extradata, expected, sizeof(expected));
	depay_free(depay);
	open_depay(STREAM_MJPEG, 26, "");
	depay_format(depay, &format);
	ck_assert_uint_eq(format.extradata_len, 0);
	depay_free(depay);
}
END_TEST

START_TEST(mpeg4_pictures_and_losses)
{
	static const uint8_t config[] = {0, 0, 1, 0x20, 7, 7}, intra[] = {0, 0, 1, 0xb6, 0x10, 1},
			     predicted[] = {0, 0, 1, 0xb6, 0x50, 2}, rest[] = {3, 3, 3};
	struct stream_format format;

	open_depay(STREAM_MPEG4, 96, "profile-level-id=1; config=000001B0010000012007");
	depay_format(depay, &format);
	ck_assert_uint_eq(format.extradata_len, 10);
	ck_assert_mem_eq(format.extradata, "\0\0\1\xb0\1\0\0\1\x20\7", 10);
	packet(3000, false, config, sizeof(config));
	packet(3000, false, intra, sizeof(intra));
	packet(3000, true, rest, sizeof(rest));
	packet(6000, true, predicted, sizeof(predicted));
	ck_assert_uint_eq(units, 2);
	ck_assert_uint_eq(keys, 1);
	ck_assert_uint_eq(taken_len, 21);
	ck_assert_mem_eq(taken, config, sizeof(config));
	ck_assert_mem_eq(taken + 12, rest, sizeof(rest));
	/* The head of a picture is lost: its rest is thrown away, the next one says that. */
	sequence++;
	packet(9000, true, rest, sizeof(rest));
	packet(12000, true, predicted, sizeof(predicted));
	ck_assert_uint_eq(units, 3);
	ck_assert_uint_eq(last.flags, STREAM_UNIT_GAP);
	ck_assert_uint_eq(last.len, sizeof(predicted));
	/* Lost before an intra picture that is whole. */
	sequence++;
	packet(15000, false, intra, sizeof(intra));
	packet(15000, true, rest, sizeof(rest));
	ck_assert_uint_eq(last.flags, STREAM_UNIT_KEY | STREAM_UNIT_GAP);
	depay_free(depay);
}
END_TEST

/* ---- recordings --------------------------------------------------------------------------- */

START_TEST(a_recorded_h265_camera)
{
	size_t len = 0, want_len = 0, at = 24; /* behind the file's header */
	cleanup_free uint8_t *pcap = material_read("rtp-pcap/tau/wilson.pcap", &len);
	cleanup_free uint8_t *want = material_read("rtp-pcap/tau/raw.h265", &want_len);

	if (!pcap || !want)
		return;
	open_depay(STREAM_H265, 104, "");
	while (len - at >= 16) {
		uint32_t n = pcap[at + 8] | (uint32_t)pcap[at + 9] << 8;

		at += 16;
		ck_assert_uint_le(n, len - at);
		/* Ethernet, IPv4 and UDP headers. */
		ck_assert_int_eq(depay_packet(depay, pcap + at + 42, n - 42, now), 0);
		at += n;
		now += NS_PER_MS;
	}
	ck_assert_uint_eq(units, 276);
	ck_assert_uint_eq(taken_len, want_len);
	ck_assert_mem_eq(taken, want, want_len);
	depay_free(depay);
}
END_TEST

START_TEST(a_recorded_interleaved_session)
{
	size_t len = 0, at = 0;
	unsigned packets = 0;
	cleanup_free uint8_t *dump = material_read("rtp-pcap/retina/bunny.rtsp", &len);

	if (!dump)
		return;
	open_depay(STREAM_H264, 97, "packetization-mode=1");
	while (at < len && dump[at] == '$') {
		size_t n = (size_t)dump[at + 2] << 8 | dump[at + 3];

		ck_assert_uint_le(n, len - at - 4);
		if (dump[at + 1] == 2) {
			ck_assert_int_eq(depay_packet(depay, dump + at + 4, n, now), 0);
			packets++;
			now += NS_PER_MS;
		}
		at += 4 + n;
	}
	ck_assert_uint_eq(at, len);
	ck_assert_uint_gt(packets, 100);
	ck_assert_uint_gt(units, 100);
	ck_assert_uint_ge(keys, 1);
	ck_assert_uint_eq(gaps, 0);
	depay_free(depay);
}
END_TEST

START_TEST(inputs_that_broke_others)
{
	static const char *const names[] = {
		"fuzz-rtp/format_rtph264/FuzzDecoder/10639f1060859765.0.bin",
		"fuzz-rtp/format_rtph264/FuzzDecoder/65f9513cf2819c60.0.bin",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = 0;
		cleanup_free uint8_t *input = material_read(names[i], &len);

		if (!input)
			continue;
		open_depay(STREAM_H264, 96, "");
		for (size_t n = 0; n < len; n++) {
			packet(3000, false, input + n, len - n);
			packet(3000 + (uint32_t)n, true, input, n);
		}
		depay_free(depay);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest depay");
	TCase *t = tcase_create("depay");

	lav_log_to_ours();
	tcase_set_timeout(t, 60);
	tcase_add_test(t, headers);
	tcase_add_test(t, time_and_order);
	tcase_add_test(t, two_senders_are_not_mixed);
	tcase_add_test(t, a_unit_goes_with_its_marker);
	tcase_add_test(t, the_first_unit_waits_a_moment_only);
	tcase_add_test(t, cameras_whose_marker_lies);
	tcase_add_test(t, parameter_sets_alone_wait_for_their_picture);
	tcase_add_test(t, slices_in_fragments_and_losses);
	tcase_add_test(t, other_payload_types_and_rubbish);
	tcase_add_test(t, a_unit_has_a_limit);
	tcase_add_test(t, the_first_packet_is_not_the_first_of_a_picture);
	tcase_add_test(t, markers_without_a_picture_cost_nothing);
	tcase_add_test(t, every_payload_type_is_video);
	tcase_add_test(t, a_jpeg_has_a_limit);
	tcase_add_test(t, parameter_sets_of_the_description);
	tcase_add_test(t, mpeg4_pictures_and_losses);
	tcase_add_test(t, a_recorded_h265_camera);
	tcase_add_test(t, a_recorded_interleaved_session);
	tcase_add_test(t, inputs_that_broke_others);
	suite_add_tcase(s, t);
	return unit_run(s);
}
