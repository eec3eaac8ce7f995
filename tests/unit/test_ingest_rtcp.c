/* mux/ingest/rtcp and reception: what a sender says, what it is told. */
#include "mux/ingest/rtcp.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "ingest_material.h"
#include "unit.h"

#define RATE 90000u

/* SR of 0x11223344 with one report block, SDES, BYE of 0x11223344 and 0x55667788. */
static const uint8_t compound[] = {0x81, 200, 0, 12, 0x11, 0x22, 0x33, 0x44, /* */
	0xe5, 0x00, 0x00, 0x01, 0x80, 0x00, 0x00, 0x00,                      /* NTP */
	0x00, 0x01, 0x5f, 0x90, 0, 0, 0, 9, 0, 0, 3, 0,                      /* RTP time, counts */
	0xaa, 0xaa, 0xaa, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0,                      /* a block */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                                  /* */
	0x81, 202, 0, 2, 0x11, 0x22, 0x33, 0x44, 1, 1, 'a', 0,               /* */
	0x82, 203, 0, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};

START_TEST(a_compound_packet)
{
	struct rtcp_news news;

	ck_assert_int_eq(rtcp_read(compound, sizeof(compound), &news), 0);
	ck_assert(news.has_report);
	ck_assert_uint_eq(news.ssrc, 0x11223344);
	ck_assert_uint_eq(news.ntp, 0xe500000180000000);
	ck_assert_uint_eq(news.rtp_time, 90000);
	ck_assert_uint_eq(news.n_bye, 2);
	ck_assert_uint_eq(news.bye[0], 0x11223344);
	ck_assert_uint_eq(news.bye[1], 0x55667788);
}
END_TEST

START_TEST(what_is_no_compound_packet)
{
	struct rtcp_news news = {.ssrc = 77};
	uint8_t copy[sizeof(compound)];

	for (size_t n = 0; n < sizeof(compound); n++) {
		uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees each byte */
		bool is_whole = n == 52 || n == 64;

		memcpy(exact, compound, n);
		ck_assert_int_eq(rtcp_read(exact, n, &news), is_whole ? 0 : -EPROTO);
		free(exact);
	}
	news.ssrc = 77;
	memcpy(copy, compound, sizeof(copy));
	copy[0] = 0x41; /* version 1 */
	ck_assert_int_eq(rtcp_read(copy, sizeof(copy), &news), -EPROTO);
	ck_assert_int_eq(rtcp_read(compound + 52, sizeof(compound) - 52, &news), -EPROTO);
	ck_assert_uint_eq(news.ssrc, 77); /* untouched */
}
END_TEST

START_TEST(counts_that_lie)
{
	/* A BYE of 31 in a packet for one; an SR that is only a header. */
	static const uint8_t bytes[] = {0x80, 200, 0, 0, 0x9f, 203, 0, 1, 1, 2, 3, 4};
	struct rtcp_news news;

	ck_assert_int_eq(rtcp_read(bytes, sizeof(bytes), &news), 0);
	ck_assert(!news.has_report);
	ck_assert_uint_eq(news.n_bye, 1);
	ck_assert_uint_eq(news.bye[0], 0x01020304);
}
END_TEST

START_TEST(rubbish)
{
	uint32_t state = 42;

	for (unsigned i = 0; i < 200000; i++) {
		size_t n = material_random(&state) % (sizeof(compound) + 1);
		uint8_t *copy = malloc(n ? n : 1);
		struct rtcp_news news;

		memcpy(copy, compound, n);
		for (unsigned k = material_random(&state) % 4; n && k; k--)
			copy[material_random(&state) % n] = (uint8_t)material_random(&state);
		if (rtcp_read(copy, n, &news) == 0)
			ck_assert_uint_le(news.n_bye, RTCP_BYE_MAX);
		free(copy);
	}
}
END_TEST

/* ---- reception ------------------------------------------------------------------------------ */

static enum reception_verdict packet(
	struct reception *c, uint32_t ssrc, uint16_t sequence, uint32_t timestamp, uint64_t at_ns)
{
	struct rtp_packet p = {.ssrc = ssrc, .sequence = sequence, .timestamp = timestamp};

	return reception_packet(c, &p, RATE, at_ns);
}

START_TEST(loss_is_counted)
{
	struct reception c = {0};
	struct reception_report r;

	ck_assert_int_eq(packet(&c, 1, 65530, 0, 0), RECEPTION_ANEW);
	for (unsigned i = 1; i < 100; i++)
		if (i % 4)
			ck_assert_int_eq(
				packet(&c, 1, (uint16_t)(65530 + i), 0, 0), RECEPTION_GOOD);
	reception_report(&c, &r);
	ck_assert_uint_eq(r.highest, 0x10000 + 65530 + 99 - 65536); /* one cycle */
	ck_assert_int_eq(r.lost, 24);
	ck_assert_uint_eq(r.fraction_lost, 24 * 256 / 100);
	/* The next interval: nothing lost, but twice as many came. */
	for (unsigned i = 100; i < 110; i++)
		for (unsigned k = 0; k < 2; k++)
			packet(&c, 1, (uint16_t)(65530 + i), 0, 0);
	reception_report(&c, &r);
	ck_assert_int_eq(r.lost, 14);
	ck_assert_uint_eq(r.fraction_lost, 0);
	/* All lost. */
	packet(&c, 1, (uint16_t)(65530 + 109 + 2000), 0, 0);
	reception_report(&c, &r);
	ck_assert_uint_eq(r.fraction_lost, 1999 * 256 / 2000);
	reception_report(&c, &r);
	ck_assert_uint_eq(r.fraction_lost, 0); /* an interval without packets */
}
END_TEST

START_TEST(strays_and_new_beginnings)
{
	struct reception c = {0};
	struct reception_report r;

	packet(&c, 1, 1000, 0, 0);
	ck_assert_int_eq(packet(&c, 1, 999, 0, 0), RECEPTION_GOOD);
	ck_assert_int_eq(packet(&c, 1, 901, 0, 0), RECEPTION_GOOD);
	ck_assert_int_eq(packet(&c, 1, 3999, 0, 0), RECEPTION_GOOD);
	ck_assert_int_eq(packet(&c, 1, 20000, 0, 0), RECEPTION_STRANGE);
	ck_assert_int_eq(packet(&c, 1, 4000, 0, 0), RECEPTION_GOOD);
	ck_assert_int_eq(packet(&c, 1, 30000, 0, 0), RECEPTION_STRANGE);
	ck_assert_int_eq(packet(&c, 1, 30001, 0, 0), RECEPTION_ANEW);
	ck_assert_int_eq(packet(&c, 1, 30002, 0, 0), RECEPTION_GOOD);
	reception_report(&c, &r);
	ck_assert_uint_eq(r.highest, 30002);
	ck_assert_int_eq(r.lost, 0);
	ck_assert_int_eq(packet(&c, 2, 30003, 0, 0), RECEPTION_ANEW); /* another sender */
}
END_TEST

START_TEST(jitter)
{
	struct reception c = {0};
	struct reception_report r;

	for (unsigned i = 0; i < 100; i++)
		packet(&c, 1, (uint16_t)i, i * 3000, 1000 * NS_PER_S + i * NS_PER_S / 30);
	reception_report(&c, &r);
	ck_assert_uint_le(r.jitter, 1);
	/* Every second one 10 ms late: differences of 900 ticks. */
	for (unsigned i = 100; i < 1000; i++)
		packet(&c, 1, (uint16_t)i, i * 3000,
			1000 * NS_PER_S + i * NS_PER_S / 30 + i % 2 * 10 * NS_PER_MS);
	reception_report(&c, &r);
	ck_assert_uint_ge(r.jitter, 880);
	ck_assert_uint_le(r.jitter, 920);
}
END_TEST

/* ---- our reports ---------------------------------------------------------------------------- */

START_TEST(a_report_of_ours)
{
	struct rtcp_self self = {.ssrc = 0xcafe0001, .cname = "abcdefghijklmnop"};
	struct reception_report what = {
		.fraction_lost = 64, .lost = -2, .highest = 0x00012345, .jitter = 7};
	struct rtcp_last last = {true, 0xe500000180000000, 10 * NS_PER_S};
	uint8_t buf[RTCP_REPORT_BYTES];
	static const uint8_t want[] = {0x81, 201, 0, 7, 0xca, 0xfe, 0, 1, 0x11, 0x22, 0x33, 0x44,
		64, 0xff, 0xff, 0xfe, 0, 1, 0x23, 0x45, 0, 0, 0, 7, 0x00, 0x01, 0x80, 0x00, 0, 1,
		0x80, 0, /* SDES */ 0x81, 202, 0, 6, 0xca, 0xfe, 0, 1, 1, 16, 'a', 'b', 'c', 'd',
		'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 0, 0};
	struct rtcp_news news;
	size_t n =
		rtcp_write(&self, 0x11223344, &what, &last, 10 * NS_PER_S + 1500 * NS_PER_MS, buf);

	ck_assert_uint_eq(n, sizeof(want));
	ck_assert_mem_eq(buf, want, n);
	ck_assert_int_eq(rtcp_read(buf, n, &news), 0);
	last.is_known = false;
	rtcp_write(&self, 0x11223344, &what, &last, 0, buf);
	ck_assert_mem_eq(buf + 24, "\0\0\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(names_are_random)
{
	struct rtcp_self a, b;

	rtcp_self_make(&a);
	rtcp_self_make(&b);
	ck_assert_uint_eq(strlen(a.cname), RTCP_CNAME_BYTES - 1);
	ck_assert_str_ne(a.cname, b.cname);
	ck_assert_uint_ne(a.ssrc, b.ssrc);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest rtcp");
	TCase *t = tcase_create("rtcp");

	tcase_add_test(t, a_compound_packet);
	tcase_add_test(t, what_is_no_compound_packet);
	tcase_add_test(t, counts_that_lie);
	tcase_add_test(t, rubbish);
	tcase_add_test(t, loss_is_counted);
	tcase_add_test(t, strays_and_new_beginnings);
	tcase_add_test(t, jitter);
	tcase_add_test(t, a_report_of_ours);
	tcase_add_test(t, names_are_random);
	suite_add_tcase(s, t);
	return unit_run(s);
}
