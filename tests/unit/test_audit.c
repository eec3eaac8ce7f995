/*
 * The queue of the audit log: who waits hears when his record is on the disk, many at once cost one
 * seal, a disk that hangs stops what is asked for before it loses what has happened, and what was lost
 * is counted.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mux/daemon/audit/audit.h"
#include "tests/unit/audit_check.h"
#include "tests/unit/unit.h"
#include "tests/unit/work_folder.h"

#define REQUESTS  500u
#define FLOOD_MAX 200000u

static char dir[64];
static int folder;
static struct event_base *base;
static struct disk *disk;
static struct audit *audit;
static unsigned answers, good;

static void written(void *self, uint64_t life, uint32_t request, int status)
{
	ck_assert_ptr_null(self);
	ck_assert_uint_eq(life, 7);
	ck_assert_uint_le(request, REQUESTS);
	answers++;
	good += status == 0;
}

static void begin(const char *anchor)
{
	const struct audit_place place = {
		.state_folder = folder, .limits = &audit_limits_usual, .anchor = anchor};
	char why[256] = "";

	answers = good = 0;
	base = event_base_new();
	ck_assert_int_eq(disk_new(base, &disk), 0);
	ck_assert_msg(audit_open(&place, &audit, why, sizeof(why)) == 0, "%s", why);
	ck_assert_int_eq(audit_begin(audit, &(struct audit_host){base, disk, NULL, written}), 0);
}

static void end(void)
{
	audit_stop(audit);
	disk_free(disk);
	audit_end(audit);
	event_base_free(base);
}

static void until_answered(unsigned n)
{
	while (answers < n)
		event_base_loop(base, EVLOOP_ONCE);
}

static struct msg_audit_note note_of(uint32_t event)
{
	return (struct msg_audit_note){
		.event = event, .camera = "porch", .uid = 1000, .reason = "because of a test"};
}

START_TEST(test_many_at_once)
{
	const struct msg_audit_note m = note_of(AUDIT_EVENT_OPEN);
	struct audit_check c;

	begin("");
	for (uint32_t i = 1; i <= REQUESTS; i++)
		ck_assert_int_eq(audit_request(audit, &m, 7, i), 0);
	ck_assert_uint_eq(answers, 0); /* not before the loop has heard of it */
	until_answered(REQUESTS);
	ck_assert_uint_eq(good, REQUESTS);
	audit_check("audit", &c); /* as it is on the disk now */
	ck_assert_int_eq(c.fault, AUDIT_WHOLE);
	ck_assert_uint_eq(c.events, REQUESTS);
	ck_assert_uint_lt(c.walk.seal, REQUESTS / 10);
	ck_assert_uint_eq(audit_records(audit), c.walk.head.n);
	ck_assert_int_eq(audit_state(audit), AUDIT_STATE_OK);
	end();
}
END_TEST

/* What is noted last is written too, at the very end. */
START_TEST(test_end_writes)
{
	const struct msg_audit_note m = note_of(AUDIT_EVENT_CLOSE);
	struct audit_check c;

	begin("");
	for (int i = 0; i < 3; i++)
		audit_note(audit, &m);
	audit_stop(audit);
	disk_free(disk);
	audit_note(audit, &m);
	audit_end(audit);
	event_base_free(base);
	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_WHOLE);
	ck_assert_uint_eq(c.events, 4);
	ck_assert_uint_eq(c.walk.sealed_n, c.walk.head.n);
}
END_TEST

static int gate[2];

static int wait_at_gate(void *data)
{
	char c;

	(void)data;
	return read(gate[0], &c, 1) == 1 ? 0 : -EIO;
}

static void pass(void *data, int result)
{
	(void)data;
	ck_assert_int_eq(result, 0);
}

START_TEST(test_disk_hangs)
{
	const struct disk_job job = {.run = wait_at_gate, .done = pass};
	const struct msg_audit_note m = note_of(AUDIT_EVENT_CLOSE);
	struct audit_check c;
	unsigned noted = 0;

	ck_assert_int_eq(pipe(gate), 0);
	begin("");
	ck_assert_int_eq(disk_submit(disk, &job), 0);
	while (audit_request(audit, &m, 7, 1) == 0 && noted < FLOOD_MAX) {
		audit_note(audit, &m);
		noted++;
	}
	ck_assert_uint_lt(noted, FLOOD_MAX); /* refused, */
	ck_assert_int_eq(audit_request(audit, &m, 7, 1), -ENOBUFS);
	for (unsigned i = 0; i < 1000; i++) /* and still there is room for what has happened */
		audit_note(audit, &m);
	noted += 1000;
	for (unsigned i = 0; i < FLOOD_MAX; i++) /* but not for ever */
		audit_note(audit, &m);
	ck_assert_int_eq(write(gate[1], "x", 1), 1);
	until_answered(noted - 1000);
	audit_note(audit, &m); /* now it is said how many */
	end();
	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_WHOLE);
	ck_assert_uint_gt(c.events, noted);
	ck_assert_uint_eq(c.lost, 1);
	/* Every request, every note, and the record of those that are missing. */
	ck_assert_uint_eq(c.events + c.lost_count, 2 * (noted - 1000) + 1000 + FLOOD_MAX + 1 + 1);
	close(gate[0]);
	close(gate[1]);
}
END_TEST

#define DOUBT "audit/rolled-back"

static int accepted;

static void on_accepted(void *data, int status)
{
	(void)data;
	accepted = status;
}

static int accept_it(void)
{
	const struct msg_audit_note m = note_of(AUDIT_EVENT_ACCEPT);

	accepted = 1;
	ck_assert_int_eq(audit_accept(audit, &m, on_accepted, NULL), 0);
	while (accepted > 0)
		event_base_loop(base, EVLOOP_ONCE);
	return accepted;
}

START_TEST(test_rolled_back)
{
	const struct msg_audit_note m = note_of(AUDIT_EVENT_OPEN);
	struct audit_check c;

	ck_assert_int_eq(mkdir("elsewhere", 0700), 0);
	begin("elsewhere/anchor");
	ck_assert_int_eq(audit_request(audit, &m, 7, 1), 0);
	until_answered(1);
	end();
	ck_assert_int_eq(system("rm -rf audit"), 0);
	begin("elsewhere/anchor");
	ck_assert_int_eq(audit_state(audit), AUDIT_STATE_ROLLED_BACK);
	ck_assert_int_eq(audit_request(audit, &m, 7, 1), -EUCLEAN);
	/* what stands elsewhere cannot be written: the doubt stays, also over a restart */
	ck_assert_int_eq(rename("elsewhere/anchor", "kept"), 0);
	ck_assert_int_eq(mkdir("elsewhere/anchor", 0700), 0);
	ck_assert_int_lt(accept_it(), 0);
	ck_assert_int_eq(audit_request(audit, &m, 7, 1), -EUCLEAN);
	ck_assert_int_eq(access(DOUBT, F_OK), 0);
	audit_check("audit", &c); /* and nobody reads that it was accepted */
	ck_assert_ptr_nonnull(strstr(c.last, "\"accept\""));
	ck_assert_ptr_nonnull(strstr(c.last, "\"state, failed\""));
	ck_assert_int_eq(rmdir("elsewhere/anchor"), 0);
	ck_assert_int_eq(rename("kept", "elsewhere/anchor"), 0);
	/* its record and what stands elsewhere are there when the doubt is gone */
	ck_assert_int_eq(accept_it(), 0);
	ck_assert_int_ne(access(DOUBT, F_OK), 0);
	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_WHOLE);
	ck_assert_ptr_nonnull(strstr(c.last, "\"accept\""));
	ck_assert_ptr_null(strstr(c.last, "failed"));
	end();
	begin("elsewhere/anchor");
	ck_assert_int_eq(audit_state(audit), AUDIT_STATE_OK);
	ck_assert_int_eq(audit_request(audit, &m, 7, 1), 0);
	until_answered(1);
	ck_assert_uint_eq(good, 1);
	end();
	begin("elsewhere/anchor");
	ck_assert_int_eq(audit_state(audit), AUDIT_STATE_OK);
	end();
}
END_TEST

static bool disk_is_full;

/* In libc's place: nothing can be written but what the reserve has room for. */
ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (disk_is_full && access("audit/reserve", F_OK) == 0) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, len, at);
}

/* A full disk: it can be accepted all the same, with the space that is kept back. */
START_TEST(test_accepted_on_a_full_disk)
{
	const struct msg_audit_note m = note_of(AUDIT_EVENT_OPEN);
	struct audit_check c;

	ck_assert_int_eq(mkdir("elsewhere", 0700), 0);
	begin("elsewhere/anchor");
	ck_assert_int_eq(audit_request(audit, &m, 7, 1), 0);
	until_answered(1);
	end();
	ck_assert_int_eq(system("rm -rf audit"), 0);
	begin("elsewhere/anchor");
	ck_assert_int_eq(audit_state(audit), AUDIT_STATE_ROLLED_BACK);
	disk_is_full = true;
	ck_assert_int_eq(accept_it(), 0);
	disk_is_full = false;
	ck_assert_int_eq(audit_state(audit), AUDIT_STATE_OK);
	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_WHOLE);
	ck_assert_ptr_nonnull(strstr(c.last, "\"accept\""));
	ck_assert_ptr_null(strstr(c.last, "failed"));
	end();
}
END_TEST

/* That it was rolled back cannot be kept at the start, as on a full disk: it is, once that is possible. */
START_TEST(test_doubt_is_kept_later)
{
	const struct msg_audit_note m = note_of(AUDIT_EVENT_OPEN);
	struct stat st;

	ck_assert_int_eq(mkdir("elsewhere", 0700), 0);
	begin("elsewhere/anchor");
	ck_assert_int_eq(audit_request(audit, &m, 7, 1), 0);
	until_answered(1);
	end();
	ck_assert_int_eq(system("rm -rf audit && mkdir -p " DOUBT), 0); /* no file takes its name */
	begin("elsewhere/anchor");
	ck_assert_int_eq(audit_state(audit), AUDIT_STATE_ROLLED_BACK);
	ck_assert_int_eq(rmdir(DOUBT), 0);
	audit_note(audit, &m);
	end();
	ck_assert_int_eq(stat(DOUBT, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

static void setup(void)
{
	umask(077);
	work_folder_begin(dir);
	folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(void)
{
	close(folder);
	work_folder_end(dir);
}

int main(void)
{
	Suite *s = suite_create("audit");
	TCase *tc = tcase_create("audit");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_many_at_once);
	tcase_add_test(tc, test_end_writes);
	tcase_add_test(tc, test_disk_hangs);
	tcase_add_test(tc, test_rolled_back);
	tcase_add_test(tc, test_accepted_on_a_full_disk);
	tcase_add_test(tc, test_doubt_is_kept_later);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
