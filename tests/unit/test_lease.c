/* mux/broker/lease and common/revoked: phases, prevailing outcomes, who is told when; the set of ids. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/revoked.h"
#include "mux/broker/lease.h"
#include "mux/broker/rate.h"
#include "tests/unit/unit.h"

#define PHASES (LEASE_OVER + 1)

static struct lease_life in_phase(enum lease_phase phase)
{
	static const enum lease_phase way[] = {
		LEASE_ATTACHING, LEASE_ATTACHED, LEASE_DETACHING, LEASE_WAITING, LEASE_OVER};
	struct lease_life l;

	if (phase == LEASE_ASKED)
		lease_ask(&l);
	else
		lease_begin(&l);
	for (size_t i = 0; l.phase != phase; i++) {
		if (way[i] == LEASE_OVER)
			lease_turn(&l, FRAMEMUX_STATE_CLOSED, "");
		ck_assert_int_eq(lease_move(&l, way[i]), 0);
	}
	return l;
}

START_TEST(test_phases)
{
	static const bool permitted[PHASES][PHASES] = {
		[LEASE_WAITING] = {[LEASE_ATTACHING] = true}, /* OVER: only with a final outcome */
		[LEASE_ATTACHING] = {[LEASE_ATTACHED] = true, [LEASE_DETACHING] = true},
		[LEASE_ATTACHED] = {[LEASE_DETACHING] = true},
		[LEASE_DETACHING] = {[LEASE_WAITING] = true},
	};

	for (unsigned from = 0; from < PHASES; from++) {
		for (unsigned to = 0; to < PHASES; to++) {
			struct lease_life l = in_phase(from);

			ck_assert_int_eq(lease_move(&l, to), permitted[from][to] ? 0 : -EINVAL);
			ck_assert_int_eq(l.phase, permitted[from][to] ? to : from);
		}
	}
}
END_TEST

/* Until its record is written a lease is nothing, and its client hears nothing but its end. */
START_TEST(test_asked)
{
	struct lease_life l = in_phase(LEASE_ASKED);

	ck_assert(!lease_tell(&l));
	lease_turn(&l, FRAMEMUX_STATE_LOST, "camera");
	ck_assert(!lease_tell(&l));
	ck_assert_int_eq(lease_move(&l, LEASE_OVER), -EINVAL);
	lease_turn(&l, FRAMEMUX_STATE_REFUSED, "no record");
	ck_assert(lease_tell(&l));
	ck_assert_int_eq(lease_move(&l, LEASE_OVER), 0);
}
END_TEST

START_TEST(test_final_ends)
{
	static const enum framemux_state finals[] = {
		FRAMEMUX_STATE_REVOKED, FRAMEMUX_STATE_REFUSED, FRAMEMUX_STATE_CLOSED};

	for (size_t i = 0; i < 3; i++) {
		struct lease_life l = in_phase(LEASE_ATTACHED);

		lease_turn(&l, finals[i], "why");
		/* Whatever comes then changes nothing. */
		lease_turn(&l, FRAMEMUX_STATE_LOST, "camera");
		lease_turn(&l, finals[(i + 1) % 3], "other");
		ck_assert(lease_is_ending(&l));
		ck_assert(!lease_tell(&l)); /* not while pixels are there */
		ck_assert_int_eq(lease_move(&l, LEASE_OVER), -EINVAL);
		ck_assert_int_eq(lease_move(&l, LEASE_DETACHING), 0);
		ck_assert(!lease_tell(&l));
		ck_assert_int_eq(lease_move(&l, LEASE_WAITING), 0);
		ck_assert_int_eq(lease_move(&l, LEASE_ATTACHING), -EINVAL);
		ck_assert(lease_tell(&l));
		ck_assert_int_eq(l.outcome, finals[i]);
		ck_assert_str_eq(l.reason, "why");
		ck_assert(!lease_tell(&l));
		ck_assert_int_eq(lease_move(&l, LEASE_OVER), 0);
		ck_assert_int_eq(lease_shown(&l), finals[i]);
	}
}
END_TEST

START_TEST(test_gravest_prevails)
{
	struct lease_life l = in_phase(LEASE_ATTACHED);

	ck_assert_int_eq(lease_shown(&l), FRAMEMUX_STATE_LIVE);
	lease_turn(&l, FRAMEMUX_STATE_LOST, "lost");
	lease_turn(&l, FRAMEMUX_STATE_STALE, "stale");
	lease_turn(&l, FRAMEMUX_STATE_CONNECTING, "connecting");
	ck_assert_int_eq(l.outcome, FRAMEMUX_STATE_LOST);
	ck_assert_int_eq(lease_shown(&l), FRAMEMUX_STATE_LOST);
	ck_assert_int_eq(lease_move(&l, LEASE_DETACHING), 0);
	ck_assert_int_eq(lease_move(&l, LEASE_WAITING), 0);
	ck_assert(lease_tell(&l));
	ck_assert_str_eq(l.reason, "lost");
	/* Without an attach the newest is what holds. */
	lease_turn(&l, FRAMEMUX_STATE_STALE, "silent");
	ck_assert(lease_tell(&l));
	ck_assert(!lease_tell(&l));
	lease_turn(&l, FRAMEMUX_STATE_STALE, "still silent");
	ck_assert(lease_tell(&l));
}
END_TEST

START_TEST(test_attached_clears)
{
	struct lease_life l = in_phase(LEASE_WAITING);

	ck_assert(lease_tell(&l)); /* CONNECTING is the first that a client hears */
	ck_assert_int_eq(l.outcome, FRAMEMUX_STATE_CONNECTING);
	lease_turn(&l, FRAMEMUX_STATE_LOST, "x");
	ck_assert_int_eq(lease_move(&l, LEASE_ATTACHING), 0);
	ck_assert_int_eq(lease_move(&l, LEASE_ATTACHED), 0);
	ck_assert_int_eq(lease_shown(&l), FRAMEMUX_STATE_LIVE);
	/* Another attach right away: nothing to be told. */
	ck_assert_int_eq(lease_move(&l, LEASE_DETACHING), 0);
	ck_assert_int_eq(lease_move(&l, LEASE_WAITING), 0);
	ck_assert(!lease_tell(&l));
	/* But the same darkness a second time is told a second time. */
	lease_turn(&l, FRAMEMUX_STATE_LOST, "x");
	ck_assert(lease_tell(&l));
}
END_TEST

START_TEST(test_long_reason)
{
	char text[1000];
	struct lease_life l = in_phase(LEASE_WAITING);

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	lease_turn(&l, FRAMEMUX_STATE_LOST, text);
	ck_assert_uint_eq(strlen(l.reason), LIMIT_REASON - 1);
}
END_TEST

START_TEST(test_revoked_set)
{
	enum { N = 1000 };
	static uint8_t ids[N][TOKEN_ID_BYTES];
	struct revoked s = {0};
	uint8_t other[TOKEN_ID_BYTES];

	for (unsigned i = 0; i < N; i++) {
		randombytes_buf(ids[i], TOKEN_ID_BYTES);
		ck_assert(!revoked_has(&s, ids[i]));
		ck_assert_int_eq(revoked_add(&s, ids[i]), 0);
		ck_assert_int_eq(revoked_add(&s, ids[i / 2]), 0); /* again */
	}
	ck_assert_uint_eq(s.n, N);
	for (unsigned i = 0; i < N; i++) {
		ck_assert(revoked_has(&s, ids[i]));
		memcpy(other, ids[i], sizeof(other));
		other[TOKEN_ID_BYTES - 1] ^= 1;
		ck_assert(!revoked_has(&s, other));
	}
	/* and all at once, with some that are there and some twice */
	ck_assert_int_eq(revoked_add_all(&s, ids[0], N / 2), 0);
	ck_assert_uint_eq(s.n, N);
	revoked_free(&s);
	ck_assert(!revoked_has(&s, ids[0]));
	memcpy(ids[N - 1], ids[0], TOKEN_ID_BYTES);
	ck_assert_int_eq(revoked_add(&s, ids[7]), 0);
	ck_assert_int_eq(revoked_add_all(&s, ids[0], N), 0);
	ck_assert_int_eq(revoked_add_all(&s, ids[0], 0), 0);
	ck_assert_uint_eq(s.n, N - 1);
	for (unsigned i = 0; i < N; i++)
		ck_assert(revoked_has(&s, ids[i]));
	revoked_free(&s);
}
END_TEST

START_TEST(test_rate)
{
	struct rate r = {0};
	unsigned over, n = 0;

	for (unsigned i = 0; i < 100; i++)
		n += rate_permits(&r, 5 * NS_PER_S, 10, &over);
	ck_assert_uint_eq(n, 10);
	ck_assert(rate_permits(&r, 6 * NS_PER_S, 10, &over));
	ck_assert_uint_eq(over, 90);
	ck_assert(rate_permits(&r, 6 * NS_PER_S, 10, &over));
	ck_assert_uint_eq(over, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lease");
	TCase *t = tcase_create("lease");

	tcase_add_test(t, test_phases);
	tcase_add_test(t, test_asked);
	tcase_add_test(t, test_final_ends);
	tcase_add_test(t, test_gravest_prevails);
	tcase_add_test(t, test_attached_clears);
	tcase_add_test(t, test_long_reason);
	tcase_add_test(t, test_revoked_set);
	tcase_add_test(t, test_rate);
	suite_add_tcase(s, t);
	return unit_run(s);
}
