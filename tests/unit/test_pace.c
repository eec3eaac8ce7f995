/* mux/decode/pace: media time, rate, pacing. */
#include "mux/decode/pace.h"

#include "common/clock.h"
#include "common/limits.h"
#include "unit.h"

#define FRAME_30_NS (NS_PER_S / 30)

static unsigned count_taken(uint32_t max_fps, uint64_t step_ns, unsigned frames)
{
	struct pacer p;
	unsigned taken = 0;

	pacer_init(&p, max_fps);
	for (unsigned i = 0; i < frames; i++)
		taken += pacer_take(&p, 7 * NS_PER_S + i * step_ns);
	return taken;
}

START_TEST(half_the_rate_is_every_other_frame)
{
	struct pacer p;

	pacer_init(&p, 15);
	for (unsigned i = 0; i < 900; i++)
		ck_assert_int_eq(pacer_take(&p, NS_PER_S + i * FRAME_30_NS), i % 2 == 0);
}
END_TEST

START_TEST(other_rates_keep_their_average)
{
	ck_assert_uint_eq(count_taken(20, FRAME_30_NS, 300), 200);
	ck_assert_uint_eq(count_taken(25, FRAME_30_NS, 300), 250);
	ck_assert_uint_eq(count_taken(1, FRAME_30_NS, 300), 10);
	ck_assert_uint_eq(count_taken(30, FRAME_30_NS, 300), 300);
	ck_assert_uint_eq(count_taken(60, FRAME_30_NS, 300), 300);
	ck_assert_uint_eq(count_taken(0, 1, 300), 300);
}
END_TEST

START_TEST(jitter_does_not_change_the_choice)
{
	struct pacer p;

	pacer_init(&p, 15);
	for (unsigned i = 0; i < 300; i++) {
		uint64_t jitter = i * 7919 % 11 * NS_PER_MS; /* 0 to 10 ms */

		ck_assert_int_eq(pacer_take(&p, NS_PER_S + i * FRAME_30_NS + jitter), i % 2 == 0);
	}
}
END_TEST

START_TEST(a_pause_is_not_made_up_for)
{
	struct pacer p;
	unsigned taken = 0;

	pacer_init(&p, 10);
	ck_assert(pacer_take(&p, NS_PER_S));
	for (unsigned i = 0; i < 30; i++) /* a second of 30 fps after a minute of nothing */
		taken += pacer_take(&p, 61 * NS_PER_S + i * FRAME_30_NS);
	ck_assert_uint_le(taken, 11);
	ck_assert_uint_ge(taken, 10);
}
END_TEST

START_TEST(media_time_follows_even_timestamps_through_jitter)
{
	struct media_clock mc = {0};
	uint64_t first = media_clock_step(&mc, 500, 10 * NS_PER_S);

	for (unsigned i = 1; i < 300; i++) {
		uint64_t jitter = i * 31 % 50 * NS_PER_MS, before = mc.arrival_ns;
		uint64_t arrival = 10 * NS_PER_S + i * FRAME_30_NS + jitter;

		if (arrival < before)
			arrival = before;
		ck_assert_uint_eq(media_clock_step(&mc, 500 + i * FRAME_30_NS, arrival) - first,
			i * FRAME_30_NS);
	}
}
END_TEST

/* Whatever a camera's timestamps do, a limit lets through what the wall clock permits. */
static unsigned taken_in_10_s(int64_t pts_step)
{
	struct media_clock mc = {0};
	struct pacer p;
	unsigned taken = 0;

	pacer_init(&p, 5);
	for (unsigned i = 0; i < 300; i++)
		taken += pacer_take(&p,
			media_clock_step(
				&mc, i * (uint64_t)pts_step, 10 * NS_PER_S + i * FRAME_30_NS));
	return taken;
}

START_TEST(lying_timestamps_gain_nothing)
{
	const int64_t steps[] = {0, 1, -1, (int64_t)NS_PER_S, (int64_t)(9 * NS_PER_S),
		(int64_t)(3600 * NS_PER_S), -(int64_t)NS_PER_S, INT64_MAX};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unsigned taken = taken_in_10_s(steps[i]);

		ck_assert_msg(taken >= 48 && taken <= 52, "step %lld: %u frames",
			(long long)steps[i], taken);
	}
}
END_TEST

START_TEST(media_time_never_runs_backwards)
{
	struct media_clock mc = {0};
	uint64_t before = 0;

	for (unsigned i = 0; i < 500; i++) {
		uint64_t pts = (uint64_t)i * 2654435761u % 1000 * NS_PER_MS;
		uint64_t now = media_clock_step(&mc, pts, NS_PER_S + i * 3 * NS_PER_MS);

		ck_assert_uint_ge(now, before);
		before = now;
	}
}
END_TEST

START_TEST(rate_is_measured)
{
	struct rate_meter rm = {0};

	ck_assert_uint_eq(rate_meter_fps_milli(&rm), 0);
	rate_meter_add(&rm, NS_PER_S);
	ck_assert_uint_eq(rate_meter_fps_milli(&rm), 0);
	rate_meter_add(&rm, NS_PER_S); /* no time has passed */
	ck_assert_uint_eq(rate_meter_fps_milli(&rm), 0);
	for (unsigned i = 0; i < 100; i++)
		rate_meter_add(&rm, 2 * NS_PER_S + i * NS_PER_S * 1001 / 30000);
	ck_assert_uint_eq(rate_meter_fps_milli(&rm), 29970);
	for (unsigned i = 0; i < 40; i++)
		rate_meter_add(&rm, 9 * NS_PER_S + i); /* faster than any camera */
	ck_assert_uint_eq(rate_meter_fps_milli(&rm), LIMIT_FPS * 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pace");
	TCase *t = tcase_create("pace");

	tcase_add_test(t, half_the_rate_is_every_other_frame);
	tcase_add_test(t, other_rates_keep_their_average);
	tcase_add_test(t, jitter_does_not_change_the_choice);
	tcase_add_test(t, a_pause_is_not_made_up_for);
	tcase_add_test(t, media_time_follows_even_timestamps_through_jitter);
	tcase_add_test(t, lying_timestamps_gain_nothing);
	tcase_add_test(t, media_time_never_runs_backwards);
	tcase_add_test(t, rate_is_measured);
	suite_add_tcase(s, t);
	return unit_run(s);
}
