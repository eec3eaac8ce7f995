/* mux/daemon/fingerprint, fingerprint_file: what is remembered of a camera, compared and kept. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mux/daemon/trust/fingerprint_file.h"
#include "tests/unit/unit.h"

static char dir[64], why[512], reason[LIMIT_REASON];
static int folder;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/framemux-print-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(folder, 0);
}

static void teardown(void)
{
	unlinkat(folder, FINGERPRINTS_FILE, 0);
	close(folder);
	rmdir(dir);
}

static struct msg_identity identity(const char *server, const char *origin)
{
	struct msg_identity m = {0};

	snprintf(m.server, sizeof(m.server), "%s", server);
	snprintf(m.origin, sizeof(m.origin), "%s", origin);
	return m;
}

static int take(struct fingerprint *f, const char *server, const char *origin)
{
	struct msg_identity m = identity(server, origin);

	reason[0] = 0;
	return fingerprint_take_identity(f, &m, reason);
}

START_TEST(test_whom_it_applies_to)
{
	struct camera_record cam = {.kind = INGEST_RTSP, .fingerprint = true};

	ck_assert(fingerprint_applies(&cam));
	cam.kind = INGEST_HTTP;
	ck_assert(fingerprint_applies(&cam));
	cam.has_pin = true;
	ck_assert(!fingerprint_applies(&cam));
	cam.has_pin = cam.fingerprint = false;
	ck_assert(!fingerprint_applies(&cam));
	cam.fingerprint = true;
	cam.kind = INGEST_FILE;
	ck_assert(!fingerprint_applies(&cam));
	cam.kind = INGEST_PATTERN;
	ck_assert(!fingerprint_applies(&cam));
}
END_TEST

START_TEST(test_identity)
{
	struct fingerprint f = {0};

	ck_assert_int_eq(take(&f, "Rtsp Server 1.0", "- IN IP4 itself"), 0);
	ck_assert_int_eq(take(&f, "Rtsp Server 1.0", "- IN IP4 itself"), 0);
	ck_assert_int_eq(take(&f, "Rtsp Server 2.0", "- IN IP4 itself"), -EKEYREJECTED);
	ck_assert_str_eq(reason,
		"its server changed from \"Rtsp Server 1.0\" to \"Rtsp Server "
		"2.0\": another device may be answering");
	ck_assert_int_eq(take(&f, "Rtsp Server 1.0", "root IN IP4 itself"), -EKEYREJECTED);
	ck_assert_ptr_nonnull(strstr(reason, "its SDP origin changed from \"- IN IP4 itself\""));
	ck_assert_int_eq(take(&f, "Rtsp Server 1.0", ""), -EKEYREJECTED);
	ck_assert_int_eq(take(&f, "", "- IN IP4 itself"), -EKEYREJECTED);
	ck_assert_int_eq(
		take(&f, "Rtsp Server 1.0", "- IN IP4 itself"), 0); /* nothing was learnt */
	f = (struct fingerprint){0}; /* one that says nothing of itself is one too */
	ck_assert_int_eq(take(&f, "", ""), 0);
	ck_assert_int_eq(take(&f, "X", ""), -EKEYREJECTED);
}
END_TEST

START_TEST(test_realm)
{
	struct fingerprint f = {0};

	ck_assert_int_eq(fingerprint_take_realm(&f, "IP Camera", reason), 0);
	ck_assert_int_eq(fingerprint_take_realm(&f, "IP Camera", reason), 0);
	ck_assert_int_eq(fingerprint_take_realm(&f, "garden", reason), -EKEYREJECTED);
	ck_assert_ptr_nonnull(strstr(reason, "its realm changed from \"IP Camera\" to \"garden\""));
	ck_assert_int_eq(take(&f, "S", "O"), 0); /* the two are known apart */
}
END_TEST

START_TEST(test_reasons_are_plain)
{
	struct fingerprint f = {0};
	char long_name[FINGERPRINT_BYTES];

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	memcpy(long_name + 39, "\xc3\xa9", 2); /* cut in two */
	ck_assert_int_eq(take(&f, "\xff\xfe", ""), 0);
	ck_assert_int_eq(take(&f, long_name, ""), -EKEYREJECTED);
	ck_assert_ptr_nonnull(strstr(reason, "from \"\?\?\" to \"xxx"));
	ck_assert_ptr_nonnull(strstr(reason, "another device may be answering"));
	for (const char *c = reason; *c; c++)
		ck_assert_int_ge(*c, ' ');
}
END_TEST

/* ---- the file ------------------------------------------------------------------------------ */

static struct camera_record cameras[3];
static struct fingerprint_record records[3];

static void make_cameras(void)
{
	for (unsigned i = 0; i < 3; i++) {
		cameras[i] = (struct camera_record){.kind = INGEST_RTSP, .fingerprint = true};
		memset(cameras[i].id.b, (int)i + 1, CAMERA_ID_BYTES);
	}
}

static int load(size_t n, bool *ret_stale)
{
	memset(records, 0xee, sizeof(records));
	why[0] = 0;
	return fingerprint_file_load(folder, cameras, n, records, ret_stale, why, sizeof(why));
}

static void write_text(const char *text, size_t len)
{
	int fd = openat(folder, FINGERPRINTS_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

START_TEST(test_file)
{
	struct msg_identity m = identity("a b\"=-", "- IN IP4 \xff");
	char *text;
	size_t len;
	bool stale;

	make_cameras();
	ck_assert_int_eq(load(3, &stale), 0); /* no file: all new */
	ck_assert(!stale);
	ck_assert_mem_eq(records[2].id.b, cameras[2].id.b, CAMERA_ID_BYTES);
	ck_assert(!records[0].print.has_realm && !records[0].print.has_identity);
	ck_assert_str_eq(records[0].block, "");
	fingerprint_take_identity(&records[0].print, &m, reason);
	fingerprint_take_realm(&records[0].print, "", reason);
	fingerprint_take_realm(&records[2].print, "R", reason);
	snprintf(records[2].block, sizeof(records[2].block), "its realm changed");
	ck_assert_int_eq(fingerprint_file_text(records, 3, &text, &len), 0);
	write_text(text, len);
	ck_assert_int_eq(load(3, &stale), 0);
	ck_assert(!stale);
	ck_assert_str_eq(records[0].print.server, m.server);
	ck_assert_str_eq(records[0].print.origin, m.origin);
	ck_assert(records[0].print.has_realm && records[0].print.has_identity);
	ck_assert_str_eq(records[0].print.realm, "");
	ck_assert_str_eq(records[0].block, "");
	ck_assert(!records[1].print.has_realm && !records[1].print.has_identity);
	ck_assert(records[2].print.has_realm && !records[2].print.has_identity);
	ck_assert_str_eq(records[2].block, "its realm changed");
	/* a camera that is gone, one that got another source, one whose fingerprint is off */
	ck_assert_int_eq(load(2, &stale), 0);
	ck_assert(stale);
	cameras[2].id.b[0] ^= 1;
	ck_assert_int_eq(load(3, &stale), 0);
	ck_assert(stale && !records[2].print.has_realm);
	ck_assert_str_eq(records[2].block, "");
	cameras[2].id.b[0] ^= 1;
	cameras[2].fingerprint = false;
	ck_assert_int_eq(load(3, &stale), 0);
	ck_assert(stale);
	ck_assert_str_eq(records[2].block, "");
	/* cut anywhere but at the end of a line, it is damaged */
	cameras[2].fingerprint = true;
	for (size_t n = 0; n < len; n++) {
		write_text(text, n);
		ck_assert_int_eq(load(3, &stale), n && text[n - 1] == '\n' ? 0 : -EBADMSG);
	}
	free(text);
}
END_TEST

#define ID "0101010101010101010101010101010101010101010101010101010101010101"

START_TEST(test_damaged)
{
	static const char *const lines[] = {"x - - - -", ID, ID " - - - - -", ID " - =41 - -",
		ID " =4 - - -", ID " =4g - - -", ID " =00 - - -", ID "01 - - - -", ID " 41 - - -"};
	char text[1024];
	bool stale;

	make_cameras();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int n = snprintf(text, sizeof(text), "framemux fingerprints 1\n%s\n", lines[i]);

		write_text(text, (size_t)n);
		ck_assert_msg(load(3, &stale) == -EBADMSG, "%s", lines[i]);
		ck_assert_ptr_nonnull(strstr(why, "line 2"));
	}
	memset(text, 0, sizeof(text));
	snprintf(text, sizeof(text), "framemux fingerprints 1\n" ID " =");
	memset(text + strlen(text), '4', 2 * FINGERPRINT_BYTES); /* too long a text */
	strcat(text, " - - -\n");
	write_text(text, strlen(text));
	ck_assert_int_eq(load(3, &stale), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fingerprint");
	TCase *tc = tcase_create("fingerprint");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_whom_it_applies_to);
	tcase_add_test(tc, test_identity);
	tcase_add_test(tc, test_realm);
	tcase_add_test(tc, test_reasons_are_plain);
	tcase_add_test(tc, test_file);
	tcase_add_test(tc, test_damaged);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
