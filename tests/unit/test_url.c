/* mux/daemon/url and parse: what a camera's URL means, and what may be signed for it. */
#include <errno.h>
#include <string.h>

#include "mux/daemon/config/parse.h"
#include "mux/daemon/config/url.h"
#include "tests/unit/unit.h"

START_TEST(test_good)
{
	static const struct {
		const char *text, *url, *canonical;
	} rows[] = {
		{"rtsp://cam/h264", "rtsp://cam/h264", "rtsp://cam:554/h264"},
		{"RTSP://CAM:554/H264", "rtsp://cam/H264", "rtsp://cam:554/H264"},
		{"rtsp://cam.:8554/", "rtsp://cam:8554/", "rtsp://cam:8554/"},
		{"rtsp://cam", "rtsp://cam", "rtsp://cam:554/"},
		{"rtsp://cam?x=1", "rtsp://cam?x=1", "rtsp://cam:554/?x=1"},
		{"rtsp://u:p%20w@10.0.0.1/a?b=c&d", "rtsp://10.0.0.1/a?b=c&d",
			"rtsp://10.0.0.1:554/a?b=c&d"},
		{"rtsp://u@v:p@h/a@b", "rtsp://h/a@b", "rtsp://h:554/a@b"},
		{"rtsp://[2001:DB8::0:1]:8554/a", "rtsp://[2001:db8::1]:8554/a",
			"rtsp://[2001:db8::1]:8554/a"},
		{"file:///a//b/c%20d.mp4", "file:///a/b/c d.mp4", "file:///a/b/c d.mp4"},
		{"FILE:///x", "file:///x", "file:///x"},
		{"test:a", "test:a?size=640x480&fps=25", "test:a?size=640x480&fps=25"},
		{"test:a?fps=5&size=33x17", "test:a?size=33x17&fps=5", "test:a?size=33x17&fps=5"},
		{"test:a?fps=1000", "test:a?size=640x480&fps=1000", "test:a?size=640x480&fps=1000"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = "";
		struct url u;

		ck_assert_msg(url_parse(rows[i].text, &u, &why) == 0, "%s: %s", rows[i].text, why);
		ck_assert_str_eq(u.url, rows[i].url);
		ck_assert_str_eq(u.canonical, rows[i].canonical);
	}
}
END_TEST

START_TEST(test_parts)
{
	const char *why;
	struct url u;

	ck_assert_int_eq(url_parse("rtsp://us%3Aer:p%40:w@Host:99/x", &u, &why), 0);
	ck_assert_str_eq(u.user, "us:er");
	ck_assert_str_eq(u.password, "p@:w");
	ck_assert_str_eq(u.host, "host");
	ck_assert_uint_eq(u.port, 99);
	ck_assert_str_eq(u.path, "/x");
	ck_assert_int_eq(url_parse("rtsp://[::1]/x", &u, &why), 0);
	ck_assert_str_eq(u.host, "::1");
	ck_assert(!u.has_user);
	ck_assert_int_eq(url_parse("file:///a/%41", &u, &why), 0);
	ck_assert_str_eq(u.path, "/a/A");
	ck_assert_int_eq(url_parse("test:l?size=320x240&fps=7", &u, &why), 0);
	ck_assert_uint_eq(u.width, 320);
	ck_assert_uint_eq(u.height, 240);
	ck_assert_uint_eq(u.fps, 7);
}
END_TEST

START_TEST(test_bad)
{
	static const char *const rows[] = {"", "cam", "/dev/video0", "rtsp:", "rtsp:/h/",
		"rtsp:///x", "rtsp://:554/", "rtsp://h:0/", "rtsp://h:65536/", "rtsp://h:/",
		"rtsp://h:x/", "rtsp://h:1:2/", "rtsp://@h/", "rtsp://u:%zz@h/", "rtsp://u:%00@h/",
		"rtsp://-h/", "rtsp://h..x/", "rtsp://h../", "rtsp://h x/", "rtsp://h/a b",
		"rtsp://h/a#b", "rtsp://h/\"", "rtsp://[::1/", "rtsp://[::1%25eth0]/",
		"rtsp://[host]/", "rtsp://::1/", "rtsp://h/\r\nX: y", "file://host/x", "file:/x",
		"file:x", "file:///", "file:///a/../b", "file:///a/./b", "file:///a/%2e%2e/b",
		"file:///%", "file:///a%0ab", "test:", "test:a b", "test:a?", "test:a?size=0x1",
		"test:a?size=1x", "test:a?size=99999x1", "test:a?size=8192x8192", "test:a?fps=0",
		"test:a?fps=1001", "test:a?fps=2&fps=3", "test:a?x=1", "test:a?fps", "test://a",
		"ftp://h/"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;
		struct url u;
		int rc = url_parse(rows[i], &u, &why);

		ck_assert_msg(rc == -EINVAL, "%s: %d", rows[i], rc);
		ck_assert_ptr_nonnull(why);
	}
}
END_TEST

START_TEST(test_schemes)
{
	static const struct {
		const char *text, *url, *canonical;
		enum ingest_kind kind;
		bool tls;
		uint16_t port;
	} rows[] = {
		{"rtsps://h/x", "rtsps://h/x", "rtsps://h:322/x", INGEST_RTSP, true, 322},
		{"HTTP://H", "http://h", "http://h:80/", INGEST_HTTP, false, 80},
		{"http://h:8080/video?a=1", "http://h:8080/video?a=1", "http://h:8080/video?a=1",
			INGEST_HTTP, false, 8080},
		{"https://u:p@[::1]:443/v", "https://[::1]/v", "https://[::1]:443/v", INGEST_HTTP,
			true, 443},
		{"v4l2:///dev//video0", "v4l2:///dev/video0", "v4l2:///dev/video0", INGEST_V4L2,
			false, 0},
	};
	static const char *const bad[] = {"v4l2:///etc/passwd", "v4l2:///dev/../etc/passwd",
		"v4l2://dev/video0", "v4l2:/dev/video0", "http:/h", "https://", "ftp://h/"};
	const char *why;
	struct url u;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(url_parse(rows[i].text, &u, &why), 0);
		ck_assert_str_eq(u.url, rows[i].url);
		ck_assert_str_eq(u.canonical, rows[i].canonical);
		ck_assert(u.kind == rows[i].kind && u.tls == rows[i].tls && u.port == rows[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(url_parse(bad[i], &u, &why), -EINVAL);
}
END_TEST

START_TEST(test_http_signs_its_own_request_only)
{
	ck_assert(url_covers("http://h/v?x=1", "/v?x=1"));
	ck_assert(url_covers("https://h", "/"));
	ck_assert(url_covers("http://h?x=1", "/?x=1"));
	ck_assert(!url_covers("http://h?x=1", "/"));
	ck_assert(!url_covers("http://h/v?x=1", "/v"));
	ck_assert(!url_covers("http://h/v", "/admin"));
	ck_assert(!url_covers("http://h/v", "http://h/v"));
	ck_assert(!url_covers("rtsps://h/v", "rtsp://h/v"));
	ck_assert(url_covers("rtsps://h/v", "rtsps://h:322/v"));
}
END_TEST

START_TEST(test_length)
{
	char text[3 * LIMIT_PATH];
	const char *why;
	struct url u;

	for (size_t len = LIMIT_PATH - 64; len < sizeof(text) - 1; len++) {
		memset(text, 'a', len);
		text[len] = 0;
		memcpy(text, "rtsp://h/", 9);
		ck_assert_int_eq(url_parse(text, &u, &why), len < LIMIT_PATH - 16 ? 0 : -EINVAL);
		memcpy(text, "file:///", 8);
		ck_assert_int_eq(url_parse(text, &u, &why), len < LIMIT_PATH - 16 ? 0 : -EINVAL);
	}
}
END_TEST

START_TEST(test_covers)
{
	static const struct {
		const char *configured, *uri;
		bool covered;
	} rows[] = {
		{"rtsp://h/live/main", "rtsp://h/live/main", true},
		{"rtsp://h/live/main", "rtsp://H:554/live/main", true},
		{"rtsp://h/live/main", "rtsp://h/live/main/trackID=1", true},
		{"rtsp://h/live/main", "rtsp://h/live/main/", true},
		{"rtsp://h/live/main", "rtsp://h/live/trackID=1", true},
		{"rtsp://h/live/main?x=1", "rtsp://h/live/main/trackID=1?x=1", true},
		{"rtsp://h", "rtsp://h", true},
		{"rtsp://h", "rtsp://h/", true},
		{"rtsp://h", "rtsp://h/trackID=1", true},
		{"rtsp://h:8554/a", "rtsp://h:8554/a/b", true},
		{"rtsp://h/live/main", "rtsp://h/", false},
		{"rtsp://h/live/main", "rtsp://h/other/main", false},
		{"rtsp://h/live/main", "rtsp://h/live", false},
		{"rtsp://h/live/main", "rtsp://h/live/../admin", false},
		{"rtsp://h/live/main", "rtsp://h/live/%2E%2e/admin", false},
		{"rtsp://h/live/main", "rtsp://h/live/..%2fadmin", false},
		{"rtsp://h/live/main", "rtsp://h:8554/live/main", false},
		{"rtsp://h/live/main", "rtsp://other/live/main", false},
		{"rtsp://h/live/main", "rtsp://h@other/live/main", false},
		{"rtsp://h/live/main", "rtsp://hx/live/main", false},
		{"rtsp://h/live/main", "http://h/live/main", false},
		{"rtsp://h/live/main", "/live/main", false},
		{"rtsp://h/live/main", "rtsp://h/live/main b", false},
		{"rtsp://h/live/main", "*", false},
		{"rtsp://h/live/main", "", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(url_covers(rows[i].configured, rows[i].uri) == rows[i].covered,
			"%s %s", rows[i].configured, rows[i].uri);
}
END_TEST

START_TEST(test_names)
{
	ck_assert(parse_is_name("A-z_0.9"));
	ck_assert(!parse_is_name(""));
	ck_assert(!parse_is_name("."));
	ck_assert(!parse_is_name("a/b"));
	ck_assert(parse_is_name("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	ck_assert(
		!parse_is_name("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("url");
	TCase *tc = tcase_create("url");

	tcase_add_test(tc, test_good);
	tcase_add_test(tc, test_parts);
	tcase_add_test(tc, test_bad);
	tcase_add_test(tc, test_schemes);
	tcase_add_test(tc, test_http_signs_its_own_request_only);
	tcase_add_test(tc, test_length);
	tcase_add_test(tc, test_covers);
	tcase_add_test(tc, test_names);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
