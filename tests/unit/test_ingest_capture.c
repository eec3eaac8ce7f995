/* mux/ingest/capture: camera clocks, right, wrong and chaotic. */
#include "mux/ingest/capture.h"

#include <string.h>

#include "ingest_material.h"
#include "unit.h"

#define RATE    90000u
#define SSRC    0x11223344u
#define UNIX    1790000000u /* seconds since 1970, on the test's clock of the day */
#define ARRIVAL (5000 * NS_PER_S)
#define OFFSET  (UNIX * NS_PER_S - ARRIVAL) /* so that ARRIVAL is at UNIX */

static struct capture capture;

static void begin(struct sdp_clock clock)
{
	static struct sdp_video video;

	video.clock_rate = RATE;
	video.clock = clock;
	capture_begin(&capture, &video);
}

static void setup(void)
{
	begin((struct sdp_clock){SDP_CLOCK_NONE, 0});
}

/* A sender report: this RTP time was at UNIX plus so many ms. */
static void reports(uint32_t rtp_time, int64_t ms)
{
	uint64_t unix_ms = UNIX * 1000ull + (uint64_t)ms;
	struct rtcp_news news = {.has_report = true, .ssrc = SSRC, .rtp_time = rtp_time};

	news.ntp = (unix_ms / 1000 + 2208988800u) << 32 | (unix_ms % 1000 << 32) / 1000;
	capture_report(&capture, &news, ARRIVAL);
}

static uint64_t at(uint32_t rtp_time)
{
	return capture_of(&capture, SSRC, rtp_time, ARRIVAL, OFFSET);
}

#define ASSERT_NEAR(a, b)                                                                          \
	do {                                                                                       \
		ck_assert_uint_ge(a, (b)-20 * NS_PER_US);                                          \
		ck_assert_uint_le(a, (b) + 20 * NS_PER_US);                                        \
	} while (0)

START_TEST(by_sender_reports)
{
	ck_assert_uint_eq(at(0), 0); /* nothing is known yet */
	reports(1000000, -500);
	ASSERT_NEAR(at(1000000), ARRIVAL - 500 * NS_PER_MS);
	ASSERT_NEAR(at(1000000 + 9000), ARRIVAL - 400 * NS_PER_MS);
	ASSERT_NEAR(at(1000000 - 9000), ARRIVAL - 600 * NS_PER_MS);
	/* RTP time wraps. */
	reports(0xffffff00, -500);
	ASSERT_NEAR(at(0xffffff00 + 9000u), ARRIVAL - 400 * NS_PER_MS);
	/* Of another sender it says nothing. */
	ck_assert_uint_eq(capture_of(&capture, SSRC + 1, 0xffffff00, ARRIVAL, OFFSET), 0);
}
END_TEST

START_TEST(only_what_is_plausible)
{
	reports(0, 0);
	ck_assert_uint_eq(at(0), ARRIVAL);
	ck_assert_uint_eq(at(90 * 99), ARRIVAL); /* a little fast */
	ck_assert_uint_eq(at(90 * 101), 0);
	ck_assert_uint_ne(at((uint32_t)(-90 * 9999)), 0);
	ck_assert_uint_eq(at((uint32_t)(-90 * 10001)), 0);
	reports(0, 3600 * 1000); /* summer time */
	ck_assert_uint_eq(at(0), 0);
	reports(0, -(int64_t)UNIX * 1000); /* 1970 */
	ck_assert_uint_eq(at(0), 0);
	reports(0, -1000);
	ck_assert_uint_ne(at(0), 0);
	/* A report holds for ten minutes. */
	ck_assert_uint_eq(
		capture_of(&capture, SSRC, 601 * RATE, ARRIVAL + 601 * NS_PER_S, OFFSET), 0);
}
END_TEST

START_TEST(a_report_without_a_clock_is_none)
{
	struct rtcp_news news = {.has_report = true, .ssrc = SSRC};

	reports(5, -100);
	capture_report(&capture, &news, ARRIVAL);
	ck_assert_uint_ne(at(5), 0);
}
END_TEST

START_TEST(by_the_description)
{
	uint64_t ntp = UNIX + 2208988800ull, tai = UNIX + 37ull;

	begin((struct sdp_clock){SDP_CLOCK_NTP, 963214424});
	ASSERT_NEAR(at((uint32_t)(ntp * RATE + 963214424)), ARRIVAL);
	ASSERT_NEAR(at((uint32_t)(ntp * RATE + 963214424 - 9000)), ARRIVAL - 100 * NS_PER_MS);
	ck_assert_uint_eq(at((uint32_t)(ntp * RATE + 963214424 - 11 * RATE)), 0);
	begin((struct sdp_clock){SDP_CLOCK_PTP, 7});
	ASSERT_NEAR(at((uint32_t)(tai * RATE + 7 - 9000)), ARRIVAL - 100 * NS_PER_MS);
	/* Where that is nonsense, reports count. */
	reports(1, -200);
	ASSERT_NEAR(at(1), ARRIVAL - 200 * NS_PER_MS);
}
END_TEST

/* Times that jump, wrap, repeat and are missing: never after arrival, never older than 10 s. */
START_TEST(chaos)
{
	uint32_t state = 99;
	uint64_t arrival = ARRIVAL;
	unsigned known = 0;

	for (unsigned i = 0; i < 200000; i++) {
		uint32_t dice = material_random(&state);
		struct rtcp_news news = {.has_report = true,
			.ssrc = dice % 7 ? SSRC : dice,
			.ntp = (uint64_t)material_random(&state) << 32 | material_random(&state),
			.rtp_time = material_random(&state)};
		uint64_t t;

		if (dice % 64 == 1)
			reports(material_random(&state), (int32_t)material_random(&state) % 12000);
		if (dice % 64 == 2)
			capture_report(&capture, &news, arrival);
		if (dice % 64 == 3)
			begin((struct sdp_clock){dice % 3, material_random(&state)});
		t = capture_of(&capture, dice % 5 ? SSRC : dice,
			dice % 2 ? capture.rtp_time + (dice >> 12) : material_random(&state),
			arrival, OFFSET);
		if (t != 0 && (t > arrival || t + CAPTURE_AGE_NS < arrival))
			ck_abort();
		known += t != 0;
	}
	ck_assert_uint_gt(known, 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest capture");
	TCase *t = tcase_create("capture");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, by_sender_reports);
	tcase_add_test(t, only_what_is_plausible);
	tcase_add_test(t, a_report_without_a_clock_is_none);
	tcase_add_test(t, by_the_description);
	tcase_add_test(t, chaos);
	suite_add_tcase(s, t);
	return unit_run(s);
}
