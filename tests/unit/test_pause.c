/* mux/daemon/pause: how long a camera is left alone. */
#include "common/clock.h"
#include "mux/daemon/pair/pause.h"
#include "tests/unit/unit.h"

static struct pause pause;
static const uint64_t now = 1000 * NS_PER_S;

/* The pause, without jitter: random numbers at the ends of its range give its ends. */
static void ends(enum pause_cause cause, unsigned ms)
{
	struct pause low = pause, high = pause;

	pause_plan(&low, cause, false, now, 0);
	pause_plan(&high, cause, false, now, ms * 2 / 5);
	ck_assert_uint_eq(low.until_ns, now + ms * 4 / 5 * NS_PER_MS);
	ck_assert_uint_eq(high.until_ns, now + ms * 6 / 5 * NS_PER_MS);
	pause_plan(&pause, cause, false, now, 12345678u);
	ck_assert_uint_ge(pause.until_ns, low.until_ns);
	ck_assert_uint_le(pause.until_ns, high.until_ns);
}

static void setup(void)
{
	pause = (struct pause){0};
}

START_TEST(test_plain)
{
	static const unsigned ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000};

	for (unsigned i = 0; i < 7; i++)
		ends(PAUSE_PLAIN, ms[i]);
	for (unsigned i = 0; i < 100; i++) /* for ever: it is merely not there */
		ends(PAUSE_PLAIN, 30000);
	ck_assert(!pause_is_open(&pause));
	pause_plan(&pause, PAUSE_PLAIN, true, now, 0);
	ck_assert_uint_eq(pause.until_ns, now + 400 * NS_PER_MS);
}
END_TEST

START_TEST(test_breaker)
{
	static const unsigned ms[] = {500, 2000, 8000, 30000};
	static const unsigned open_ms[] = {30000, 60000, 120000, 240000, 300000, 300000};

	for (unsigned i = 0; i < 4; i++) {
		ends(PAUSE_BAD, ms[i]);
		ck_assert(!pause_is_open(&pause));
	}
	for (unsigned i = 0; i < 6; i++) {
		ends(PAUSE_BAD, open_ms[i]);
		ck_assert(pause_is_open(&pause));
	}
	/* a trial that lasted closes it */
	pause_plan(&pause, PAUSE_BAD, true, now, 0);
	ck_assert(!pause_is_open(&pause));
	ck_assert_uint_eq(pause.until_ns, now + 400 * NS_PER_MS);
}
END_TEST

START_TEST(test_plain_ends_forgive_nothing)
{
	for (unsigned i = 0; i < PAUSE_BREAKER; i++) {
		ck_assert(!pause_is_open(&pause));
		pause_plan(&pause, PAUSE_BAD, false, now, 0);
		pause_plan(&pause, PAUSE_PLAIN, false, now, 0);
	}
	ck_assert(pause_is_open(&pause));
	pause_plan(&pause, PAUSE_BAD, false, now, 0);
	ck_assert_uint_ge(pause.until_ns, now + 24 * NS_PER_S);
}
END_TEST

START_TEST(test_useless)
{
	static const unsigned ms[] = {30000, 60000, 120000, 240000, 300000, 300000};

	for (unsigned i = 0; i < 6; i++)
		ends(PAUSE_USELESS, ms[i]);
	ck_assert(pause_is_open(&pause));
}
END_TEST

START_TEST(test_at_once)
{
	pause_plan(&pause, PAUSE_AT_ONCE, false, now, 99);
	ck_assert_uint_eq(pause.until_ns, now);
	ck_assert(pause.was_at_once);
	ends(PAUSE_AT_ONCE, 500); /* not twice in a row */
	ck_assert(!pause.was_at_once);
	pause_plan(&pause, PAUSE_AT_ONCE, false, now, 99);
	ck_assert_uint_eq(pause.until_ns, now);
	ends(PAUSE_PLAIN, 1000);
	pause_plan(&pause, PAUSE_AT_ONCE, false, now, 99);
	ends(PAUSE_BAD, 2000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pause");
	TCase *tc = tcase_create("pause");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_plain);
	tcase_add_test(tc, test_breaker);
	tcase_add_test(tc, test_plain_ends_forgive_nothing);
	tcase_add_test(tc, test_useless);
	tcase_add_test(tc, test_at_once);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
