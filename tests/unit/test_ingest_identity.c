/* mux/ingest/identity: what of a camera's words is taken for its name. */
#include "mux/ingest/identity.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct msg_identity m;

static void make(const char *server, const char *sdp)
{
	static const struct identity_ends ends = {"10.0.0.7", "10.0.0.1"};

	memset(&m, 0xee, sizeof(m));
	identity_make(span_of(server), span_of(sdp), &ends, &m);
}

START_TEST(origins)
{
	static const struct {
		const char *sdp, *origin;
	} table[] = {
		{"v=0\r\no=- 123 1 IN IP4 172.20.0.215\r\ns=x\r\n", "- IN IP4 172.20.0.215"},
		{"v=0\no=jdoe 9 8  IN  IP6 ::1 \n", "jdoe IN IP6 ::1"},
		{"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n", "- IN IP4 0.0.0.0"},
		/* the ends of this connection are no names */
		{"v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\n", "- IN IP4 itself"},
		{"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\n", "- IN IP4 us"},
		/* none, or none that can be read */
		{"v=0\r\ns=x\r\n", ""},
		{"v=0\r\no=- 1 1 IN IP4\r\n", ""},
		{"v=0\r\nm=video 0 RTP/AVP 96\r\no=- 1 1 IN IP4 1.2.3.4\r\n", ""},
		{"", ""},
		{"v=0\r\no=a\x01\x7f 1 1 IN IP4 h\r\n", "a?\? IN IP4 h"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		make("S", table[i].sdp);
		ck_assert_str_eq(m.origin, table[i].origin);
	}
}
END_TEST

START_TEST(session_and_version_do_not_count)
{
	struct msg_identity first;

	make("S", "v=0\r\no=- 1 2 IN IP4 h\r\n");
	first = m;
	make("S", "v=0\r\no=- 77777 88888 IN IP4 h\r\n");
	ck_assert_mem_eq(&m, &first, sizeof(m));
}
END_TEST

START_TEST(servers_and_limits)
{
	char text[4096], sdp[4200];
	uint8_t buf[LIMIT_MESSAGE];
	struct msg_identity back;
	ssize_t n;

	make("", "");
	ck_assert_str_eq(m.server, "");
	make("  Rtsp Server 1920*1080*20*2048 ", "");
	ck_assert_str_eq(m.server, "Rtsp Server 1920*1080*20*2048");
	make("a\r\n b\t\xff\xc3\xa9", "");
	ck_assert_str_eq(m.server, "a?? b??\xc3\xa9");
	/* as long as anything may be: cut, and it still travels */
	memset(text, '\xc3', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	snprintf(sdp, sizeof(sdp), "v=0\r\no=%s 1 1 %.500s %.500s %.500s\r\n", "u", text, text,
		text);
	make(text, sdp);
	ck_assert_uint_eq(strlen(m.server), sizeof(m.server) - 1);
	ck_assert_uint_lt(strlen(m.origin), sizeof(m.origin));
	n = wire_encode(&wire_identity, &m, buf, sizeof(buf));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(wire_decode(&wire_identity, buf, (size_t)n, &back), 0);
	ck_assert_str_eq(back.server, m.server);
	ck_assert_str_eq(back.origin, m.origin);
	identity_make((struct span){"a\0b", 3}, span_of(""), &(struct identity_ends){"", ""}, &m);
	ck_assert_str_eq(m.server, "a?b");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest identity");
	TCase *t = tcase_create("identity");

	tcase_add_test(t, origins);
	tcase_add_test(t, session_and_version_do_not_count);
	tcase_add_test(t, servers_and_limits);
	suite_add_tcase(s, t);
	return unit_run(s);
}
