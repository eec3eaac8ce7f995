/* clients/ctl: how people write things, the command line, the JSON of status; libcontrol. */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/options.h"
#include "clients/ctl/source.h"
#include "clients/ctl/status/metrics.h"
#include "clients/ctl/status/status.h"
#include "clients/ctl/table.h"
#include "clients/ctl/units.h"
#include "clients/program/exit_code.h"
#include "common/camera_state.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/sock.h"
#include "framemux.h"
#include "tests/unit/unit.h"

START_TEST(test_spans_and_bytes)
{
	char text[UNITS_TEXT];

	units_span(59, text);
	ck_assert_str_eq(text, "59 s");
	units_span(90061, text);
	ck_assert_str_eq(text, "1 d 1 h");
	units_bytes(1536 * 1024, text);
	ck_assert_str_eq(text, "1.5 MiB");
}
END_TEST

static int parse(struct options *o, const char *line)
{
	static char copy[512], name[] = "framemuxctl";
	char *argv[40] = {name}, *save;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return options_parse(argc, argv, o);
}

START_TEST(test_options)
{
	struct options o;

	ck_assert_int_eq(parse(&o, "-s /x --json status --watch"), -1);
	ck_assert_str_eq(o.verb->name, "status");
	ck_assert_str_eq(o.socket, "/x");
	ck_assert(o.json && o.watch);
	ck_assert_int_eq(parse(&o, "status --json -s /y"), -1);
	ck_assert(o.json && !o.watch);
	ck_assert_int_eq(parse(&o,
				 "grant --camera porch --uid 5 --max-size 640x360 --max-fps 5 "
				 "--expires 2h --mask 0,0,10x10 --mask 5,5,1x1 --label hall --dump "
				 "--unit /a.slice/b.service"),
		-1);
	ck_assert_str_eq(o.limits.camera, "porch");
	ck_assert(o.limits.has_uid && o.limits.dump && o.limits.has_expiry);
	ck_assert_uint_eq(o.limits.uid, 5);
	ck_assert_uint_eq(o.limits.expires_s, 7200);
	ck_assert_uint_eq(o.limits.n_masks, 2);
	ck_assert_int_eq(parse(&o, "revoke --json 0123456789abcdef"), -1);
	ck_assert_str_eq(o.operand, "0123456789abcdef");
	ck_assert_int_eq(parse(&o, "attenuate --no-dump -k /k"), -1);
	ck_assert(o.limits.no_dump);
	ck_assert_int_eq(
		parse(&o, "audit report --camera porch --at 2026-11-28T13:38:28.123Z"), -1);
	ck_assert_str_eq(o.operand, "report");
	ck_assert(o.has_at);
	ck_assert_uint_eq(o.at_ms, 1795873108123ull);
	ck_assert_int_eq(
		parse(&o, "audit --since 2026-11-28T15:38:28+02:00 --follow verify x"), -1);
	ck_assert_uint_eq(o.since_ms, 1795873108000ull);
	ck_assert(o.follow);
	ck_assert_str_eq(o.second, "x");
	ck_assert_int_eq(parse(&o, "-- status"), -1);
	ck_assert_str_eq(o.verb->name, "status");
	ck_assert_int_eq(parse(&o, "-s -- status --json"), -1);
	ck_assert_str_eq(o.socket, "--");
	ck_assert(o.json);
	ck_assert_int_eq(parse(&o, "audit -- verify --json"), -1);
	ck_assert_str_eq(o.second, "--json");
}
END_TEST

START_TEST(test_moments)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {{"2026-11-28T13:38:28Z", 1795873108000ull},
		{"2026-11-28t13:38:28.5z", 1795873108500ull},
		{"2026-11-28T13:38:28-00:00", 1795873108000ull},
		{"2028-02-29T00:00:00Z", 1835395200000ull},
		{"2016-12-31T23:59:60Z", 1483228800000ull}};
	static const char *const bad[] = {"", "never", "2026-11-28", "2026-11-28T13:38:28",
		"2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2026-1-01T00:00:00Z", " 2026-11-28T13:38:28Z",
		"+026-11-28T13:38:28Z", "2026-11-28T13:38:28+24:00", "1969-12-31T23:59:59Z"};
	uint64_t ms;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ck_assert_msg(units_when(good[i].text, &ms) == 0, "%s", good[i].text);
		ck_assert_uint_eq(ms, good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(units_when(bad[i], &ms) == -EINVAL, "%s", bad[i]);
}
END_TEST

/* What the mux would take as no text at all, and hang up on. */
START_TEST(test_text_of_options)
{
	static const char *const values[] = {"a\nb", "\x1b[2J", "\xff", "\xe2\x80\xae"};
	static char line[64];
	struct options o;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		snprintf(line, sizeof(line), "grant --label=%s", values[i]);
		ck_assert_msg(parse(&o, line) == EXIT_USAGE, "%zu", i);
		snprintf(line, sizeof(line), "disable --vendor=%s", values[i]);
		ck_assert_msg(parse(&o, line) == EXIT_USAGE, "%zu", i);
		snprintf(line, sizeof(line), "grant --camera=%s", values[i]);
		ck_assert_msg(parse(&o, line) == EXIT_USAGE, "%zu", i);
	}
	ck_assert_int_eq(parse(&o, "disable --vendor=\xc3\x9cnal"), -1);
}
END_TEST

START_TEST(test_bad_options)
{
	static const char *const lines[] = {"", "nonsense", "status more", "status --camera x",
		"--camera x status", "grant --camera", "grant --uid -1", "grant --uid 4294967295",
		"grant --max-size 5", "grant --max-fps 0", "grant --expires 0s",
		"grant --expires x", "grant --mask 1,2,3", "grant --no-dump", "attenuate --dump",
		"inspect --uid 5", "revoke a b", "accept x", "accept --uid 5", "accept --all",
		"reload x", "reload --camera x", "audit a b c", "audit --since yesterday",
		"audit --until 2026-02-30T00:00:00", "audit --dump", "--what", "status --what"};
	struct options o;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ck_assert_msg(parse(&o, lines[i]) == EXIT_USAGE, "%s", lines[i]);
}
END_TEST

static void expect_keys(json_t *o, const char *names)
{
	char got[512] = "";
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value)
	{
		strncat(got, key, sizeof(got) - strlen(got) - 1);
		strncat(got, " ", sizeof(got) - strlen(got) - 1);
	}
	ck_assert_str_eq(got, names);
}

START_TEST(test_status_json)
{
	struct msg_ctl_mux mux = {.version = "0.1.0",
		.pid = 9,
		.uptime_ns = 1500000000,
		.missing_walls = "uids seccomp"};
	struct msg_ctl_camera camera = {.name = "porch",
		.state = CAMERA_LIVE,
		.fps_milli = 29970,
		.ingest_pid = 11,
		.decode_pid = 12};
	struct msg_ctl_lease lease = {.id = 0x1f,
		.state = FRAMEMUX_STATE_STALE,
		.fourcc = 0x3231564e,
		.label = "caf\xe9",
		.since_s = 1795392000};
	struct msg_ctl_uid uid = {.uid = 5, .held_bytes = 6};
	struct status s = {0};
	json_t *j, *one;

	status_record(&s, &wire_ctl_mux, &mux);
	status_record(&s, &wire_ctl_camera, &camera);
	camera.ingest_pid = camera.decode_pid = 0;
	status_record(&s, &wire_ctl_camera, &camera);
	status_record(&s, &wire_ctl_lease, &lease);
	status_record(&s, &wire_ctl_uid, &uid);
	status_record(&s, &wire_ctl_ended, &uid); /* not of this answer */
	ck_assert(s.has_mux && !s.is_short);
	j = status_json(&s);
	expect_keys(
		j, "version pid uptime_s walls missing_walls cameras leases uids totals audit ");
	ck_assert_str_eq(json_string_value(json_object_get(j, "walls")), "partial");
	ck_assert_uint_eq(json_array_size(json_object_get(j, "missing_walls")), 2);
	ck_assert_double_eq(json_real_value(json_object_get(j, "uptime_s")), 1.5);
	one = json_array_get(json_object_get(j, "cameras"), 0);
	expect_keys(one,
		"name vendor epoch state reason generation codec width height fps "
		"frames_decoded frames_corrupt last_frame_age_ms reconnects pids cpu_ms "
		"rss_kib ");
	ck_assert_str_eq(json_string_value(json_object_get(one, "state")), "live");
	ck_assert_uint_eq(json_array_size(json_object_get(one, "pids")), 2);
	one = json_array_get(json_object_get(j, "cameras"), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(one, "pids")), 0);
	one = json_array_get(json_object_get(j, "leases"), 0);
	expect_keys(one,
		"id token camera state pid uid label width height fourcc slots bytes since "
		"not_after published delivered dropped withheld ");
	ck_assert_str_eq(json_string_value(json_object_get(one, "id")), "000000000000001f");
	ck_assert_str_eq(json_string_value(json_object_get(one, "state")), "stale");
	ck_assert_str_eq(json_string_value(json_object_get(one, "fourcc")), "NV12");
	ck_assert_str_eq(json_string_value(json_object_get(one, "label")), "caf?");
	ck_assert_str_eq(json_string_value(json_object_get(one, "since")), "2026-11-23T00:00:00Z");
	ck_assert(json_is_null(json_object_get(one, "not_after")));
	one = json_array_get(json_object_get(j, "uids"), 0);
	expect_keys(one, "uid leases bytes held_after_revoke_bytes ");
	expect_keys(json_object_get(j, "totals"),
		"leases_opened leases_refused revokes "
		"revoke_us_max erased_bytes provenance_failures ");
	json_decref(j);
	status_clear(&s);
}
END_TEST

/* Labels are escaped, numbers exact, and a thousand users are not a thousand series. */
START_TEST(test_metrics)
{
	struct msg_ctl_mux mux = {.uptime_ns = 3 * NS_PER_S + 7, .erased_bytes = UINT64_MAX};
	struct msg_ctl_camera camera = {.name = "a\"b\\c\nd", .last_frame_age_ms = 1005};
	struct status s = {0};
	char *text = NULL;
	unsigned series = 0;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	status_record(&s, &wire_ctl_mux, &mux);
	status_record(&s, &wire_ctl_camera, &camera);
	for (uint32_t i = 0; i < 1000; i++)
		status_record(&s, &wire_ctl_uid, &(struct msg_ctl_uid){.uid = i, .leases = 2});
	metrics_write(&s, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_ptr_nonnull(strstr(text, "\nframemux_uptime_seconds 3.000000007\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nframemux_erased_bytes_total 18446744073709551615\n"));
	ck_assert_ptr_nonnull(strstr(text,
		"\nframemux_camera_last_frame_age_seconds{camera=\"a\\\"b\\\\c\\nd\"} 1.005\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nframemux_uid_leases{uid=\"others\"} 1872\n"));
	for (const char *at = text; (at = strstr(at, "\nframemux_uid_leases{")); at++)
		series++;
	ck_assert_uint_eq(series, 65);
	ck_assert_str_eq(text + len - 6, "# EOF\n");
	free(text);
	status_clear(&s);
}
END_TEST

START_TEST(test_table)
{
	struct table *t = table_new("NAME|>N|X");
	FILE *f = tmpfile();
	char buf[256] = "";
	size_t n;

	table_cell(t, "é");
	table_cell(t, "%d", 5);
	table_cell(t, "x");
	table_cell(t, "longer");
	table_cell(t, "%d", 12345);
	table_cell(t, "-");
	ck_assert_int_eq(table_print(t, f), 0);
	table_free(t);
	rewind(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = 0;
	fclose(f);
	ck_assert_str_eq(buf,
		"NAME        N  X\n"
		"é           5  x\n"
		"longer  12345  -\n");
}
END_TEST

static int source_of(const char *content, const char *camera, struct token *ret)
{
	char path[] = "/tmp/framemux-unit-key-XXXXXX";
	int fd = mkstemp(path), r;

	ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
	r = source_token(path, camera, ret);
	unlink(path);
	return r;
}

START_TEST(test_source)
{
	uint8_t root[KEY_BYTES] = {1}, id[TOKEN_ID_BYTES] = {2};
	char a[LIMIT_TOKEN], b[LIMIT_TOKEN], content[2 * LIMIT_TOKEN + 64];
	struct token one, two, got;

	ck_assert_int_ge(sodium_init(), 0);
	token_begin(root, 1, id, &one);
	two = one;
	ck_assert_int_eq(token_limit_fps(&two, 5), 0);
	ck_assert_int_eq(token_format(&one, a), 0);
	ck_assert_int_eq(token_format(&two, b), 0);
	ck_assert_int_eq(source_of(a, NULL, &got), 0);
	ck_assert_uint_eq(got.body_len, one.body_len);
	snprintf(content, sizeof(content), "porch %s\nstreet %s\n", a, b);
	ck_assert_int_eq(source_of(content, "street", &got), 0);
	ck_assert_mem_eq(&got, &two, sizeof(got));
	ck_assert_int_eq(source_of(content, NULL, &got), EXIT_BAD_DATA);
	ck_assert_int_eq(source_of(content, "yard", &got), EXIT_BAD_DATA);
	ck_assert_int_eq(source_of("hello", NULL, &got), EXIT_BAD_DATA);
	ck_assert_int_eq(source_of("", NULL, &got), EXIT_BAD_DATA);
	ck_assert_int_eq(source_token("/nonexistent/x", NULL, &got), EXIT_BAD_DATA);
	setenv("FRAMEMUX_TOKEN", b, 1);
	ck_assert_int_eq(source_token(NULL, NULL, &got), 0);
	ck_assert_mem_eq(&got, &two, sizeof(got));
	setenv("FRAMEMUX_TOKEN", "nonsense", 1);
	ck_assert_int_eq(source_token(NULL, NULL, &got), EXIT_BAD_DATA);
}
END_TEST

/* --- the conversation ------------------------------------------------------------------------ */

static void count_records(void *data, const struct wire_message *m, const void *record)
{
	int *n = data;

	ck_assert_ptr_nonnull(record);
	*n += m == &wire_ctl_ended;
}

/* Ask for a status; what the mux says is in its socket before. */
static int conversation(const struct wire_message *record, const struct msg_ctl_done *done,
	bool hangs_up, int *ret_n, struct msg_ctl_done *ret_done)
{
	char path[] = "/tmp/framemux-unit-ctl-XXXXXX";
	struct msg_ctl_status rq = {0};
	struct msg_ctl_ended ended = {.lease = 5};
	struct control *c;
	int listen_fd, fd, r;

	close(mkstemp(path));
	unlink(path);
	ck_assert_int_eq(sock_listen(path, 0600, &listen_fd), 0);
	ck_assert_int_eq(control_connect(path, &c), 0);
	fd = accept(listen_fd, NULL, NULL);
	if (record)
		ck_assert_int_eq(sock_send_msg(fd, record, &ended), 0);
	if (done)
		ck_assert_int_eq(sock_send_msg(fd, &wire_ctl_done, done), 0);
	if (hangs_up)
		close(take_fd(&fd));
	r = control_ask(c, &wire_ctl_status, &rq, 100, count_records, ret_n, ret_done);
	control_close(c);
	if (fd >= 0)
		close(fd);
	close(listen_fd);
	unlink(path);
	return r;
}

START_TEST(test_control)
{
	const struct msg_ctl_done good = {.request = 1, .elapsed_us = 77},
				  refused = {.request = 0, .status = EACCES},
				  other = {.request = 2};
	struct msg_ctl_done done;
	int before = unit_count_fds(), n = 0;

	ck_assert_int_eq(conversation(&wire_ctl_ended, &good, false, &n, &done), 0);
	ck_assert_int_eq(n, 1);
	ck_assert_uint_eq(done.elapsed_us, 77);
	/* Told and hung up on before the request was read. */
	ck_assert_int_eq(conversation(NULL, &refused, true, &n, &done), 0);
	ck_assert_uint_eq(done.status, EACCES);
	ck_assert_int_eq(conversation(NULL, &other, false, &n, &done), -EPROTO);
	ck_assert_int_eq(conversation(&wire_shut, &good, false, &n, &done), -EPROTO);
	ck_assert_int_eq(conversation(NULL, NULL, true, &n, &done), -EPIPE);
	ck_assert_int_eq(conversation(NULL, NULL, false, &n, &done), -ETIMEDOUT);
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctl");
	TCase *tc = tcase_create("ctl");

	tcase_add_test(tc, test_spans_and_bytes);
	tcase_add_test(tc, test_options);
	tcase_add_test(tc, test_bad_options);
	tcase_add_test(tc, test_moments);
	tcase_add_test(tc, test_text_of_options);
	tcase_add_test(tc, test_status_json);
	tcase_add_test(tc, test_metrics);
	tcase_add_test(tc, test_table);
	tcase_add_test(tc, test_source);
	tcase_add_test(tc, test_control);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
