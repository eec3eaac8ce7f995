/*
 * clients/ctl/audit: finding records, and who could see what, in a log during which the clock was set
 * back. Times then come twice; nothing that was may be left out.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clients/ctl/audit/audit.h"
#include "common/cleanup.h"
#include "tests/unit/unit.h"

#define H(h, m) (1795860000000ull + (h)*3600000ull + (m)*60000ull) /* of a day; 10:00 is H(10, 0) */

static struct audit_log lines;
static struct audit_head head;
static uint8_t seed[AUDIT_SEED_BYTES];
static uint64_t seal = 1;

static void put(const char *line, size_t len)
{
	size_t at = lines.n - 1;

	ck_assert_int_eq(write(lines.parts[at].fd, line, len), (ssize_t)len);
	lines.parts[at].bytes += len;
}

static void record(uint64_t ms, const char *body)
{
	char line[AUDIT_LINE_MAX];

	put(line, audit_line_write(&head, ms, body, line));
}

static void end_part(uint64_t ms)
{
	char line[AUDIT_LINE_MAX];

	put(line, audit_seal_write(&head, ms, seal++, seed, line));
}

static void begin_part(uint64_t ms)
{
	uint8_t key[AUDIT_KEY_BYTES];
	struct audit_body body;
	size_t at = lines.n++;

	lines.parts[at].fd = memfd_create("log", MFD_CLOEXEC);
	lines.parts[at].segment = (uint32_t)lines.n;
	audit_seed_public(seed, key);
	audit_body_begin(&body, "segment");
	audit_body_number(&body, "segment", lines.n);
	audit_body_number(&body, "seal", seal);
	audit_body_hex(&body, "before", head.chain, sizeof(head.chain));
	audit_body_hex(&body, "key", key, sizeof(key));
	record(ms, body.text);
}

/* Of the camera, by a user, with one more member that says which. */
static void note(uint64_t ms, const char *event, const char *name, const char *id, unsigned uid)
{
	struct audit_body body;

	audit_body_begin(&body, event);
	audit_body_text(&body, "camera", *name ? "porch" : id);
	audit_body_number(&body, "epoch", 1);
	if (*name)
		audit_body_text(&body, name, id);
	audit_body_number(&body, "uid", uid);
	record(ms, body.text);
}

/*
 * Lease a: 10:00 to 10:50. The clock is set back to 9:00 at 11:00. b: from 10:30 until
 * 9:20 of the second time. c: 9:30 to 9:40 of the second. A segment ends where the clock changes.
 */
static void begin(void)
{
	lines = (struct audit_log){0};
	head = (struct audit_head){0};
	begin_part(H(10, 0));
	note(H(10, 0), "grant", "token", "aa", 1);
	note(H(10, 0), "open", "lease", "a", 1);
	note(H(10, 30), "open", "lease", "b", 2);
	note(H(10, 50), "close", "lease", "a", 1);
	note(H(11, 0), "refused", "", "x", 3);
	end_part(H(11, 0));
	begin_part(H(9, 0));
	note(H(9, 20), "close", "lease", "b", 2);
	note(H(9, 30), "open", "lease", "c", 4);
	note(H(9, 40), "close", "lease", "c", 4);
	end_part(H(9, 40));
}

static void end(void)
{
	audit_log_close(&lines);
}

static int count(void *data, const struct audit_line *l, const char *line, size_t len)
{
	unsigned *n = data;

	ck_assert_uint_eq(line[len], '\n');
	*n += !l->is_seal && !audit_line_is(l, "segment");
	return 0;
}

static unsigned found(struct audit_filter f)
{
	unsigned n = 0;

	ck_assert_int_eq(audit_scan(&lines, &f, count, &n), 0);
	return n;
}

START_TEST(test_query)
{
	const uint64_t never = UINT64_MAX;

	begin();
	ck_assert_uint_eq(found((struct audit_filter){.until_ms = never}), 8);
	/* the segment before begins later than it ends: it is looked at all the same */
	ck_assert_uint_eq(
		found((struct audit_filter){.since_ms = H(10, 30), .until_ms = never}), 3);
	ck_assert_uint_eq(found((struct audit_filter){.since_ms = H(11, 0), .until_ms = never}), 1);
	ck_assert_uint_eq(
		found((struct audit_filter){.since_ms = H(11, 0) + 1, .until_ms = never}), 0);
	ck_assert_uint_eq(found((struct audit_filter){.until_ms = H(9, 30)}), 2);
	ck_assert_uint_eq(
		found((struct audit_filter){.since_ms = H(9, 20), .until_ms = H(10, 0)}), 5);
	ck_assert_uint_eq(found((struct audit_filter){.camera = "x", .until_ms = never}), 1);
	ck_assert_uint_eq(found((struct audit_filter){.until_ms = never, .after_n = 7}), 3);
	ck_assert_uint_eq(found((struct audit_filter){.until_ms = never, .after_n = 10}), 1);
	ck_assert_uint_eq(found((struct audit_filter){.since_ms = never, .until_ms = never}), 0);
	end();
}
END_TEST

/* Which leases a report lists, as a word: "ab". */
static json_t *report(uint64_t at_ms, char ret_leases[8])
{
	FILE *f = tmpfile();
	int out = dup(1), code;
	json_t *j, *saw;
	size_t n = 0;

	ck_assert_ptr_nonnull(f);
	fflush(stdout);
	ck_assert_int_eq(dup2(fileno(f), 1), 1);
	code = audit_report(&lines, "porch", at_ms, true);
	dup2(out, 1);
	close(out);
	ck_assert_int_eq(code, 0);
	rewind(f);
	j = json_loadf(f, 0, NULL);
	fclose(f);
	saw = json_object_get(j, "saw");
	for (size_t i = 0; i < json_array_size(saw); i++)
		ret_leases[n++] = json_string_value(json_object_get(
			json_object_get(json_array_get(saw, i), "record"), "lease"))[0];
	ret_leases[n] = 0;
	return j;
}

static const struct {
	uint64_t at_ms;
	const char *leases;
} moments[] = {{H(8, 59), ""}, {H(9, 10), "b"}, {H(9, 35), "c"}, {H(9, 45), ""}, {H(10, 10), "a"},
	{H(10, 40), "ab"}, {H(10, 55), "b"}, {H(11, 1), ""}};

START_TEST(test_report)
{
	char leases[8];
	json_t *j;

	begin();
	j = report(moments[_i].at_ms, leases);
	ck_assert_str_eq(leases, moments[_i].leases);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "clock_set_back")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "could_see")), _i > 0);
	ck_assert(json_is_true(json_object_get(j, "log_is_whole")));
	json_decref(j);
	end();
}
END_TEST

/* Lease a: 10:00 to 11:00, then to 9:50 of the second time, when the camera is switched off; 10:10 ends it. */
static const struct {
	uint64_t at_ms;
	const char *leases;
	unsigned could_see;
} cut_off[] = {{H(9, 40), "a", 1}, {H(9, 55), "", 0}, {H(10, 5), "a", 1}, {H(10, 30), "a", 1}};

START_TEST(test_cut_off_the_second_time)
{
	char leases[8];
	json_t *j;

	lines = (struct audit_log){0};
	head = (struct audit_head){0};
	begin_part(H(10, 0));
	note(H(10, 0), "grant", "token", "aa", 1);
	note(H(10, 0), "open", "lease", "a", 1);
	note(H(11, 0), "refused", "", "x", 3);
	end_part(H(11, 0));
	begin_part(H(9, 30));
	note(H(9, 50), "disable", "reason", "off", 0);
	note(H(9, 50), "close", "lease", "a", 1);
	note(H(10, 10), "refused", "", "x", 3);
	end_part(H(10, 10));
	j = report(cut_off[_i].at_ms, leases);
	ck_assert_str_eq(leases, cut_off[_i].leases);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "could_see")), cut_off[_i].could_see);
	json_decref(j);
	end();
}
END_TEST

/* A standing token is said anew in each life; what comes after the moment does not change what was. */
START_TEST(test_said_anew)
{
	char leases[8];
	json_t *j, *token;

	lines = (struct audit_log){0};
	head = (struct audit_head){0};
	begin_part(H(10, 0));
	note(H(10, 0), "grant", "token", "aa", 1);
	note(H(10, 20), "grant", "token", "aa", 2);
	note(H(10, 40), "revoke", "token", "aa", 0);
	end_part(H(10, 40));
	for (unsigned m = 10; m < 50; m += 20) {
		j = report(H(10, m), leases);
		ck_assert_uint_eq(json_array_size(json_object_get(j, "could_see")), 1);
		token = json_array_get(json_object_get(j, "could_see"), 0);
		ck_assert_int_eq(json_integer_value(
					 json_object_get(json_object_get(token, "record"), "uid")),
			m < 20 ? 1 : 2);
		ck_assert(json_is_string(json_object_get(token, "ended")));
		json_decref(j);
	}
	j = report(H(10, 50), leases);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "could_see")), 0);
	json_decref(j);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit_scan");
	TCase *tc = tcase_create("a clock that is set back");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_test(tc, test_query);
	tcase_add_loop_test(tc, test_report, 0, ARRAY_SIZE(moments));
	tcase_add_loop_test(tc, test_cut_off_the_second_time, 0, ARRAY_SIZE(cut_off));
	tcase_add_test(tc, test_said_anew);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
