/* mux/ingest: HTTP heads and bodies, and JPEGs out of a stream. Pure code. */
#include "mux/ingest/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ingest_material.h"
#include "mux/ingest/multipart.h"
#include "unit.h"

static struct http_response response;
static const char *why;

static ssize_t parse(const char *text)
{
	return http_next((const uint8_t *)text, strlen(text), &response, &why);
}

static void assert_span(struct span s, const char *text)
{
	ck_assert_msg(s.len == strlen(text) && memcmp(s.at, text, s.len) == 0, "'%.*s' is not '%s'",
		(int)s.len, s.at, text);
}

/* ---- heads ---------------------------------------------------------------------------------- */

START_TEST(an_answer_is_taken_apart)
{
	const char *text = "HTTP/1.1 200 OK\r\nServer: x\r\nX-A:  b \r\n\r\nbody";

	for (size_t n = 0; n < strlen(text) - 4; n++)
		ck_assert_int_eq(http_next((const uint8_t *)text, n, &response, &why), 0);
	ck_assert_int_eq(parse(text), (ssize_t)strlen(text) - 4);
	ck_assert_uint_eq(response.status, 200);
	assert_span(response.reason, "OK");
	assert_span(head_first(&response.head, "x-a"), "b");
	ck_assert(response.keeps);
	ck_assert_int_gt(parse("\r\nHTTP/1.0 401\n\n"), 0);
	ck_assert_uint_eq(response.status, 401);
	assert_span(response.reason, "");
	ck_assert(!response.keeps);
}
END_TEST

START_TEST(who_keeps_the_connection)
{
	static const struct {
		const char *head;
		bool keeps;
	} heads[] = {
		{"HTTP/1.1 401 No\r\nConnection: close\r\n\r\n", false},
		{"HTTP/1.1 401 No\r\nConnection: upgrade, Close\r\n\r\n", false},
		{"HTTP/1.0 401 No\r\nConnection: Keep-Alive\r\n\r\n", true},
		{"HTTP/1.0 401 No\r\nConnection: closed\r\n\r\n", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		ck_assert_int_gt(parse(heads[i].head), 0);
		ck_assert_msg(response.keeps == heads[i].keeps, "%s", heads[i].head);
	}
}
END_TEST

START_TEST(what_is_not_http_is_refused)
{
	static const char *const bad[] = {"RTSP/1.0 200 OK\r\n\r\n", "HTTP/2 200\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n", "\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "SSH", "\x16",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", " HTTP/1.1 200 OK\r\n\r\n"};
	char text[HEAD_BYTES_MAX + 8];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(parse(bad[i]) == -EPROTO, "%s", bad[i]);
	memset(text, 'A', sizeof(text));
	memcpy(text, "HTTP/1.1 200 ", 13);
	text[HEAD_BYTES_MAX] = 0;
	ck_assert_int_eq(parse(text), -EMSGSIZE);
	text[HEAD_BYTES_MAX - 1] = 0;
	ck_assert_int_eq(parse(text), 0);
}
END_TEST

START_TEST(content_types)
{
	static const struct {
		const char *type, *boundary;
		enum http_content content;
	} types[] = {
		{"multipart/x-mixed-replace; boundary=frame", "frame", HTTP_MULTIPART},
		{"Multipart/X-Mixed-Replace;Boundary=\"--a b\"", "a b", HTTP_MULTIPART},
		{"multipart/x-mixed-replace; a=b; boundary = --x ;c=d", "x", HTTP_MULTIPART},
		{"multipart/x-mixed-replace", "", HTTP_MULTIPART},
		{"multipart/mixed;boundary=\"", "", HTTP_MULTIPART},
		{"multipart/mixed;boundary=----", "", HTTP_MULTIPART},
		{"image/jpeg", "", HTTP_JPEG},
		{"IMAGE/JPEG; x=y", "", HTTP_JPEG},
		{"", "", HTTP_UNKNOWN},
		{"application/octet-stream", "", HTTP_UNKNOWN},
		{"text/html", "", HTTP_OTHER},
		{"image/png", "", HTTP_OTHER},
		{"video/mp4", "", HTTP_OTHER},
	};
	char text[512], boundary[HTTP_BOUNDARY_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n",
			types[i].type);
		ck_assert_int_gt(parse(text), 0);
		ck_assert_int_eq(http_content(&response.head, boundary), types[i].content);
		ck_assert_str_eq(boundary, types[i].boundary);
	}
	/* One that does not fit is none. */
	snprintf(text, sizeof(text),
		"HTTP/1.1 200 OK\r\nContent-Type: multipart/x;boundary=%0200d\r\n\r\n", 1);
	ck_assert_int_gt(parse(text), 0);
	ck_assert_int_eq(http_content(&response.head, boundary), HTTP_MULTIPART);
	ck_assert_str_eq(boundary, "");
}
END_TEST

START_TEST(requests_are_written)
{
	char text[HTTP_REQUEST_MAX], target[LIMIT_PATH], longest[LIMIT_PATH];
	struct span host;

	ck_assert_int_gt(http_write("http://[fe80::1]:81/a?b=c&d", "Basic x", text), 0);
	ck_assert_ptr_nonnull(strstr(text,
		"GET /a?b=c&d HTTP/1.1\r\nHost: [fe80::1]:81\r\n"
		"Authorization: Basic x\r\n"));
	ck_assert_str_eq(text + strlen(text) - 4, "\r\n\r\n");
	ck_assert_int_eq(http_target("https://cam", target, &host), 0);
	ck_assert_str_eq(target, "/");
	assert_span(host, "cam");
	ck_assert_int_eq(http_target("http://cam?x", target, NULL), 0);
	ck_assert_str_eq(target, "/?x");
	ck_assert_int_eq(http_target("cam/x", target, NULL), -EINVAL);
	ck_assert_int_eq(http_target("http:///x", target, NULL), -EINVAL);
	ck_assert_int_eq(http_target("http://u@cam/x", target, NULL), -EINVAL);
	ck_assert_int_eq(http_target("http://cam/x y", target, NULL), -EINVAL);
	ck_assert_int_eq(http_target("http://cam/x\r\nY: z", target, NULL), -EINVAL);
	snprintf(longest, sizeof(longest), "http://c?%01010d", 1);
	ck_assert_int_eq(http_target(longest, target, NULL), 0);
}
END_TEST

/* ---- bodies --------------------------------------------------------------------------------- */

/* The whole body's payload, fed in pieces of step bytes; "!" when it is malformed. */
static const char *body_of(const char *head, const char *body, bool is_stream, size_t step)
{
	static char out[4096];
	struct http_body b;
	size_t at = 0, len = strlen(body), n_out = 0;

	ck_assert_int_gt(parse(head), 0);
	if (http_body_begin(&response, is_stream, 1000, &b, &why) < 0)
		return "!!";
	while (at < len && b.state != HTTP_BODY_DONE) {
		struct span piece;
		ssize_t n = http_body_take(&b, (const uint8_t *)body + at,
			len - at < step ? len - at : step, &piece, &why);

		if (n < 0)
			return "!";
		ck_assert_int_gt(n, 0);
		memcpy(out + n_out, piece.at, piece.len);
		n_out += piece.len;
		at += (size_t)n;
	}
	snprintf(out + n_out, sizeof(out) - n_out, "%s%s", b.state == HTTP_BODY_DONE ? "." : "",
		body + at);
	return out;
}

START_TEST(bodies_end_where_they_end)
{
	const char *chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		   *sized = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
		   *open = "HTTP/1.1 200 OK\r\n\r\n";

	for (size_t step = 1; step < 20; step++) {
		ck_assert_str_eq(body_of(sized, "abcdef", false, step), "abc.def");
		ck_assert_str_eq(body_of(sized, "abcdef", true, step), "abcdef");
		ck_assert_str_eq(body_of(open, "abcdef", false, step), "abcdef");
		ck_assert_str_eq(
			body_of(chunked, "3\r\nabc\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\n\r\nnext",
				true, step),
			"abc0123456789.next");
		ck_assert_str_eq(
			body_of(chunked, "3\nabc\n0\nA: b\nC: d\n\nnext", true, step), "abc.next");
		ck_assert_str_eq(body_of(chunked, "3\r\nabcd\r\n", true, step), "!");
		ck_assert_str_eq(body_of(chunked, "x\r\n", true, step), "!");
		ck_assert_str_eq(body_of(chunked, "\r\n", true, step), "!");
		ck_assert_str_eq(body_of(chunked, "fffffffff\r\n", true, step), "!");
		ck_assert_str_eq(body_of(chunked, "-1\r\n", true, step), "!");
	}
	ck_assert_str_eq(
		body_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "", true, 1),
		"!!");
	ck_assert_str_eq(
		body_of("HTTP/1.1 401 No\r\nContent-Length: 1001\r\n\r\n", "", false, 1), "!!");
	ck_assert_str_eq(
		body_of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "a", true, 1),
		"a");
}
END_TEST

START_TEST(lines_of_a_body_are_bounded)
{
	const char *head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	cleanup_free char *body = calloc(1, 20000);

	body[0] = '1';
	memset(body + 1, ';', HTTP_CHUNK_LINE_MAX);
	ck_assert_str_eq(body_of(head, body, true, 100), "!");
	memset(body, '0', HTTP_CHUNK_LINE_MAX + 1);
	body[HTTP_CHUNK_LINE_MAX + 1] = 0;
	ck_assert_str_eq(body_of(head, body, true, 100), "!");
	strcpy(body, "0\r\n");
	memset(body + 3, 'A', HTTP_TRAILER_MAX + 1);
	body[HTTP_TRAILER_MAX + 4] = 0;
	ck_assert_str_eq(body_of(head, body, true, 100), "!");
}
END_TEST

/* ---- pictures ------------------------------------------------------------------------------- */

/* What came out: each picture's bytes, its time, in one text. */
struct seen {
	size_t n, len;
	uint64_t real_ns;
	uint8_t *bytes;
	size_t cap;
	int result;
};

static int on_picture(void *self, const struct multipart_picture *picture)
{
	struct seen *s = self;

	ck_assert_uint_ge(picture->len, 4);
	ck_assert_mem_eq(picture->data, "\xff\xd8\xff", 3);
	ck_assert_mem_eq(picture->data + picture->len - 2, "\xff\xd9", 2);
	s->n++;
	s->real_ns = picture->real_ns;
	ck_assert_uint_le(s->len + picture->len, s->cap);
	memcpy(s->bytes + s->len, picture->data, picture->len);
	s->len += picture->len;
	return s->result;
}

static void put(uint8_t *buf, size_t *len, const void *bytes, size_t n)
{
	memcpy(buf + *len, bytes, n);
	*len += n;
}

#define PUT(buf, len, text) put(buf, len, text, sizeof(text) - 1)

/* A picture in structure: a segment with a false end in it, data with stuffing and restarts. */
#define TABLES "\xff\xd8\xff\xe0\x00\x06\xff\xd9\xff\xd8"
#define SCAN                                                                                       \
	"\xff\xda\x00\x04\x01\x02"                                                                 \
	"data\xff\x00more\xff\xd3"                                                                 \
	"and\xff\xff\xff\x00"
#define JPEG TABLES "\xff\xfe\x00\x02" SCAN "\xff\xd9"
#define PART "--boundary\r\nContent-Type: image/jpeg\r\n\r\n"

/* Feed in random pieces. */
static uint64_t feed(
	const char *boundary, const uint8_t *buf, size_t len, uint32_t *random, struct seen *s)
{
	struct multipart *m = multipart_new(boundary, on_picture, s);
	uint64_t damaged;

	ck_assert_ptr_nonnull(m);
	for (size_t at = 0; at < len;) {
		size_t n = *random ? material_random(random) % 40 + 1 : len;
		cleanup_free uint8_t *copy = NULL; /* exact, so that a sanitizer sees each byte */

		n = n < len - at ? n : len - at;
		copy = malloc(n);
		memcpy(copy, buf + at, n);
		ck_assert_int_eq(multipart_feed(m, copy, n), 0);
		at += n;
	}
	damaged = multipart_damaged(m);
	multipart_free(m);
	return damaged;
}

/* The same pictures whether it comes at once, byte by byte or in random pieces. */
static struct seen feed_each_way(
	const char *boundary, const uint8_t *buf, size_t len, uint64_t *ret_damaged)
{
	static uint8_t bytes[2][1u << 16];
	struct seen first = {.bytes = bytes[0], .cap = sizeof(bytes[0])};
	struct multipart *m;
	uint32_t random = 0;

	*ret_damaged = feed(boundary, buf, len, &random, &first);
	for (unsigned i = 0; i < 50; i++) {
		struct seen s = {.bytes = bytes[1], .cap = sizeof(bytes[1])};

		random = i + 1;
		ck_assert_uint_eq(feed(boundary, buf, len, &random, &s), *ret_damaged);
		ck_assert_uint_eq(s.n, first.n);
		ck_assert_uint_eq(s.len, first.len);
		ck_assert_mem_eq(s.bytes, first.bytes, first.len);
		ck_assert_uint_eq(s.real_ns, first.real_ns);
	}
	struct seen s = {.bytes = bytes[1], .cap = sizeof(bytes[1])};

	m = multipart_new(boundary, on_picture, &s);
	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(multipart_feed(m, buf + i, 1), 0);
	multipart_free(m);
	ck_assert_uint_eq(s.len, first.len);
	ck_assert_mem_eq(s.bytes, first.bytes, first.len);
	return first;
}

START_TEST(pictures_are_found)
{
	uint8_t buf[4096];
	size_t len = 0, one = sizeof(JPEG) - 1;
	uint64_t damaged;
	struct seen s;

	PUT(buf, &len, PART JPEG "\r\n" PART JPEG);
	PUT(buf, &len, "\xff\xd8\0\xff\xff garbage \xff\xff\xd8 " JPEG JPEG);
	PUT(buf, &len, "--boundary\nX-Timestamp: 1700000000.25\nContent-Length: 99\n\n" JPEG);
	s = feed_each_way("boundary", buf, len, &damaged);
	ck_assert_uint_eq(s.n, 5);
	ck_assert_uint_eq(damaged, 0);
	ck_assert_uint_eq(s.len, 5 * one);
	for (size_t i = 0; i < s.n; i++)
		ck_assert_mem_eq(s.bytes + i * one, JPEG, one);
	ck_assert_uint_eq(s.real_ns, 1700000000 * NS_PER_S + NS_PER_S / 4);
}
END_TEST

START_TEST(damage_costs_its_own_picture)
{
	static const struct {
		const char *text;
		size_t len;
		uint64_t damaged;
	} bad[] = {
#define BAD(text, damaged) {text, sizeof(text) - 1, damaged}
		BAD(TABLES SCAN "\r\n" PART, 1), /* cut short in its data */
		BAD(TABLES SCAN, 1),             /* the same, no part behind it */
		BAD(TABLES "\xff\xe1\xff\xff"
			   "x" PART,
			1),                         /* in a segment */
		BAD("\xff\xd8\xff\xe1", 1),         /* in a segment's head */
		BAD("\xff\xd8\xff\xe1\x00\x01", 1), /* a length that cannot be */
		BAD(TABLES "\xff\xd9" PART, 1),     /* no scan */
		BAD("\xff\xd8\xff\xd9" PART, 1),
		BAD(PART "no picture\r\n" PART, 0),
#undef BAD
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t buf[4096];
		size_t len = 0;
		uint64_t damaged;
		struct seen s;

		PUT(buf, &len, PART JPEG PART);
		put(buf, &len, bad[i].text, bad[i].len);
		if (i == 3) /* a part with nothing behind the cut would be the segment's content */
			PUT(buf, &len, "\x00\x02" PART);
		PUT(buf, &len, JPEG "\r\n" PART JPEG);
		s = feed_each_way("boundary", buf, len, &damaged);
		ck_assert_msg(s.n == 3 && damaged == bad[i].damaged,
			"%zu: %zu pictures, %u damaged", i, s.n, (unsigned)damaged);
		ck_assert_uint_eq(s.len, 3 * (sizeof(JPEG) - 1));
	}
}
END_TEST

START_TEST(without_a_boundary_it_goes_on_too)
{
	uint8_t buf[4096];
	size_t len = 0;
	uint64_t damaged;
	struct seen s;

	PUT(buf, &len, JPEG TABLES SCAN JPEG "\0\0" JPEG);
	s = feed_each_way("", buf, len, &damaged);
	ck_assert_uint_eq(s.n, 3);
	ck_assert_uint_eq(damaged, 1);
	s = feed_each_way("ab", buf, len, &damaged); /* too short to be told from data */
	ck_assert_uint_eq(s.n, 3);
}
END_TEST

START_TEST(times_that_are_none)
{
	static const char *const times[] = {"", "x", "1.2.3", "-1", "1,5", "99999999999", "1.x"};
	uint64_t damaged;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		uint8_t buf[512];
		size_t len = (size_t)snprintf((char *)buf, sizeof(buf),
			"--boundary\r\nX-Timestamp: %s\r\n\r\n", times[i]);

		PUT(buf, &len, JPEG);
		ck_assert_uint_eq(feed_each_way("boundary", buf, len, &damaged).real_ns, 0);
	}
}
END_TEST

START_TEST(a_picture_is_bounded)
{
	uint8_t *buf = malloc(1u << 20);
	static uint8_t bytes[4096];
	struct seen s = {.bytes = bytes, .cap = sizeof(bytes)};
	struct multipart *m = multipart_new("boundary", on_picture, &s);

	ck_assert_int_eq(multipart_feed(m, (const uint8_t *)TABLES, sizeof(TABLES) - 1), 0);
	memset(buf, 0x55, 1u << 20);
	for (unsigned i = 0; i < 2 * LIMIT_ACCESS_UNIT >> 20; i++)
		ck_assert_int_eq(multipart_feed(m, buf, 1u << 20), 0);
	ck_assert_uint_eq(multipart_damaged(m), 1);
	ck_assert_int_eq(multipart_feed(m, (const uint8_t *)JPEG, sizeof(JPEG) - 1), 0);
	ck_assert_uint_eq(s.n, 1);
	s.result = -EPIPE; /* what becomes of it is the caller's */
	ck_assert_int_eq(multipart_feed(m, (const uint8_t *)JPEG, sizeof(JPEG) - 1), -EPIPE);
	multipart_free(m);
	free(buf);
}
END_TEST

START_TEST(mutations_never_read_outside)
{
	uint8_t seed[1024], buf[1024];
	static uint8_t bytes[4096];
	size_t len = 0;
	uint32_t random = 7;

	PUT(seed, &len, PART JPEG "\r\n" PART TABLES SCAN PART JPEG JPEG);
	for (unsigned i = 0; i < 20000; i++) {
		struct seen s = {.bytes = bytes, .cap = sizeof(bytes)};

		memcpy(buf, seed, len);
		for (unsigned k = material_random(&random) % 8; k; k--)
			buf[material_random(&random) % len] =
				(uint8_t) "\xff\xd8\xd9\xda\x00\x01\r\n-:b"[material_random(
										    &random) %
					11];
		feed("boundary", buf, len, &random, &s);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest http");
	TCase *t = tcase_create("http");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, an_answer_is_taken_apart);
	tcase_add_test(t, who_keeps_the_connection);
	tcase_add_test(t, what_is_not_http_is_refused);
	tcase_add_test(t, content_types);
	tcase_add_test(t, requests_are_written);
	tcase_add_test(t, bodies_end_where_they_end);
	tcase_add_test(t, lines_of_a_body_are_bounded);
	tcase_add_test(t, pictures_are_found);
	tcase_add_test(t, damage_costs_its_own_picture);
	tcase_add_test(t, without_a_boundary_it_goes_on_too);
	tcase_add_test(t, times_that_are_none);
	tcase_add_test(t, a_picture_is_bounded);
	tcase_add_test(t, mutations_never_read_outside);
	suite_add_tcase(s, t);
	return unit_run(s);
}
