/*
 * mux/daemon/enforce: by which time the policy in force is judged, and what is in force while bundles
 * are on their way to the disk. The clocks and the disk are the test's; everything is well signed.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "common/cleanup.h"
#include "mux/audit_note.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/state/state.h"
#include "tests/unit/work_folder.h"

#define ISSUED 1795867200u /* 2026-11-28T12:00:00Z */
#define BODY                                                                                       \
	"framemux-policy 1\nversion 7\nissued 2026-11-28T12:00:00Z\n"                              \
	"expires 2027-02-28T12:00:00Z\nblock vendor acme\npermit model acme good\n"
#define SIGNED BODY "signature x y\n"
#define YEAR   (365u * 86400u)

static const struct camera_record camera = {.kind = INGEST_RTSP, .vendor = "acme", .model = "good"};
static uint64_t real_s, boot_s;
static char work[WORK_FOLDER_BYTES];
static struct mux mux;

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	*ts = (struct timespec){.tv_sec = (time_t)(id == CLOCK_REALTIME ? real_s : boot_s)};
	return 0;
}

/* ---- what it stands on --------------------------------------------------------------- */

static struct disk_job jobs[4];
static unsigned n_jobs;
static uint32_t status, n_refused_notes, n_refused, n_expired;

int __wrap_disk_submit(struct disk *d, const struct disk_job *job);
int __wrap_disk_submit(struct disk *d, const struct disk_job *job)
{
	(void)d;
	ck_assert_uint_lt(n_jobs, ARRAY_SIZE(jobs));
	jobs[n_jobs++] = *job;
	return 0;
}

void __wrap_audit_note(struct audit *a, const struct msg_audit_note *m);
void __wrap_audit_note(struct audit *a, const struct msg_audit_note *m)
{
	(void)a;
	if (m->event == AUDIT_EVENT_POLICY && !strcmp(m->what, "refused")) {
		n_refused_notes++;
		n_refused = m->count;
	}
	n_expired += m->event == AUDIT_EVENT_POLICY && !strcmp(m->what, "expired");
}

/* The kernel's word that the clock was set is the test's to give. */
static int jump_fd = -1;
static unsigned n_armed;

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags)
{
	if (clock != CLOCK_REALTIME)
		return __real_timerfd_create(clock, flags);
	return jump_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int __real_timerfd_settime(
	int fd, int flags, const struct itimerspec *in, struct itimerspec *ret_was);
int __wrap_timerfd_settime(
	int fd, int flags, const struct itimerspec *in, struct itimerspec *ret_was);
int __wrap_timerfd_settime(
	int fd, int flags, const struct itimerspec *in, struct itimerspec *ret_was)
{
	if (fd != jump_fd)
		return __real_timerfd_settime(fd, flags, in, ret_was);
	ck_assert_int_eq(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	n_armed++;
	return 0;
}

void __wrap_cut_drain(struct cut *c);
void __wrap_cut_drain(struct cut *c)
{
	c->is_drained = true;
}

int __wrap_policy_keys_count(const struct policy_key *keys, size_t n_keys, const char *body,
	size_t body_len, const char *lines, size_t len, bool ret_signed[POLICY_KEYS_MAX],
	char ret_why[LIMIT_REASON]);
int __wrap_policy_keys_count(const struct policy_key *keys, size_t n_keys, const char *body,
	size_t body_len, const char *lines, size_t len, bool ret_signed[POLICY_KEYS_MAX],
	char ret_why[LIMIT_REASON])
{
	(void)keys, (void)body, (void)body_len, (void)lines, (void)len, (void)ret_signed;
	(void)ret_why;
	return (int)n_keys;
}

static void on_done(void *data, uint32_t result, uint64_t elapsed_us, const char *reason)
{
	(void)data;
	(void)elapsed_us;
	(void)reason;
	status = result;
}

/* ---- the scene ----------------------------------------------------------------------- */

static void load(void)
{
	char why[512] = "";

	mux = (struct mux){0};
	ck_assert_msg(state_open(".", &mux.state, why, sizeof(why)) == 0, "%s", why);
	ck_assert_msg(mux_clock_load(&mux, why, sizeof(why)) == 0, "%s", why);
	ck_assert_msg(enforce_load(&mux, &mux.enforce, why, sizeof(why)) == 0, "%s", why);
	ck_assert_ptr_nonnull(enforce_bundle(mux.enforce));
}

static void unload(void)
{
	enforce_free(mux.enforce);
	state_close(mux.state);
}

static void setup(void)
{
	struct policy_bundle *b = NULL;
	char why[LIMIT_REASON] = "";

	real_s = ISSUED + 3600;
	boot_s = 100;
	snprintf(work, sizeof(work), "%s", "");
	work_folder_begin(work);
	mux = (struct mux){0};
	ck_assert_int_eq(state_open(".", &mux.state, why, sizeof(why)), 0);
	ck_assert_msg(policy_bundle_make(SIGNED, strlen(SIGNED), &b, why) == 0, "%s", why);
	ck_assert_int_eq(policy_file_keep(state_folder(mux.state), b), 0);
	policy_bundle_free(b);
	state_close(mux.state);
	load();
}

static void teardown(void)
{
	unload();
	work_folder_end(work);
}

static bool is_blocked(void)
{
	char why[LIMIT_REASON];

	return enforce_blocks(mux.enforce, &camera, why);
}

static unsigned count_files(void)
{
	DIR *dir = opendir(".");
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Its permits are over while the clock says so, and no longer: nothing is believed or written down. */
START_TEST(test_ahead_for_a_moment)
{
	unsigned n_files = count_files();

	ck_assert(!is_blocked());
	real_s += 10 * YEAR;
	ck_assert(is_blocked());
	ck_assert_uint_eq(enforce_now(mux.enforce), real_s);
	boot_s++;
	real_s -= 10 * YEAR - 1;
	ck_assert_uint_eq(enforce_now(mux.enforce), real_s);
	ck_assert(!is_blocked());
	unload();
	load();
	ck_assert_uint_eq(enforce_now(mux.enforce), real_s);
	ck_assert(!is_blocked());
	ck_assert_uint_eq(count_files(), n_files);
}
END_TEST

/* What the clock has kept to is believed: set back, it gives no permit back. */
START_TEST(test_set_back)
{
	real_s += YEAR;
	for (unsigned i = 0; i <= CLOCK_FLOOR_HELD_NS / NS_PER_S / 60 + 1; i++) {
		clock_floor_look(&mux.clock, real_s, boot_s * NS_PER_S);
		real_s += 60;
		boot_s += 60;
	}
	real_s -= YEAR;
	ck_assert(is_blocked());
	mux_clock_write(&mux);
	unload();
	load();
	ck_assert(is_blocked());
}
END_TEST

/* It was not signed before it was issued, and time has gone on since it came. */
START_TEST(test_before_it_was_issued)
{
	real_s = 5;
	ck_assert_uint_ge(enforce_now(mux.enforce), ISSUED);
	boot_s += 100;
	ck_assert_uint_ge(enforce_now(mux.enforce), ISSUED + 100);
	unload();
	load();
	ck_assert_uint_eq(enforce_now(mux.enforce), ISSUED);
}
END_TEST

static void run(void);
static void stop(void);

static void set_clock(int64_t by_s)
{
	real_s = (uint64_t)((int64_t)real_s + by_s);
	ck_assert_int_eq(eventfd_write(jump_fd, 1), 0);
	ck_assert_int_eq(event_base_loop(mux.base, EVLOOP_NONBLOCK), 0);
}

/* Whoever sets the clock is told of at once, each time; the next look would be in an hour. */
START_TEST(test_the_clock_is_set)
{
	n_armed = n_expired = 0;
	run();
	ck_assert_uint_eq(n_armed, 1);
	set_clock(60);
	ck_assert_uint_eq(n_armed, 2);
	ck_assert_uint_eq(n_expired, 0);
	for (unsigned i = 1; i < 4; i++) {
		set_clock(10 * (int64_t)YEAR);
		ck_assert_uint_eq(n_expired, i);
		set_clock(-10 * (int64_t)YEAR);
		ck_assert_uint_eq(n_expired, i);
		ck_assert_uint_eq(n_armed, 2 + 2 * i);
	}
	stop();
}
END_TEST

/* ---- to disk ------------------------------------------------------------------------- */

static struct config config = {.n_policy_keys = 1, .policy_quorum = 1};

static void run(void)
{
	char why[512] = "";

	mux.config = &config;
	mux.base = event_base_new();
	ck_assert_ptr_nonnull(mux.base);
	ck_assert_int_eq(cuts_new(&mux, &mux.cuts), 0);
	ck_assert_msg(enforce_begin(mux.enforce) == 0, "%s", why);
	n_jobs = 0;
	status = UINT32_MAX;
}

static void stop(void)
{
	enforce_free(mux.enforce);
	mux.enforce = NULL;
	cuts_free(mux.cuts);
	event_base_free(mux.base);
}

static void ask(unsigned version, const char *vendor)
{
	const struct enforce_asker asker = {.done = on_done};
	char text[512], why[LIMIT_REASON] = "";

	snprintf(text, sizeof(text),
		"framemux-policy 1\nversion %u\nissued 2026-11-28T12:00:00Z\nexpires never\n"
		"block vendor %s\nsignature x y\n",
		version, vendor);
	ck_assert_msg(enforce_ask(mux.enforce, text, strlen(text), &asker, why) == 0, "%s", why);
}

static bool blocks(const char *vendor)
{
	struct camera_record cam = {.kind = INGEST_RTSP};
	char why[LIMIT_REASON];

	snprintf(cam.vendor, sizeof(cam.vendor), "%s", vendor);
	return enforce_blocks(mux.enforce, &cam, why);
}

/* What a crash would leave on disk blocks, although a newer one has come while it was written. */
START_TEST(test_superseded_while_it_is_written)
{
	run();
	ask(8, "beta");
	ask(9, "gamma");
	ck_assert_uint_eq(n_jobs, 1);
	ck_assert(blocks("acme") && blocks("beta") && blocks("gamma"));
	jobs[0].done(jobs[0].data, jobs[0].run(jobs[0].data));
	ck_assert(!blocks("acme") && blocks("beta") && blocks("gamma"));
	ck_assert_uint_eq(n_jobs, 2);
	jobs[1].done(jobs[1].data, jobs[1].run(jobs[1].data));
	ck_assert(!blocks("acme") && !blocks("beta") && blocks("gamma"));
	ck_assert(enforce_is_kept(mux.enforce));
	ck_assert_uint_eq(status, 0);
	stop();
}
END_TEST

/* The first of two fails: what is on disk is what was there before. */
START_TEST(test_superseded_and_refused)
{
	run();
	ask(8, "beta");
	ask(9, "gamma");
	jobs[0].done(jobs[0].data, -EIO);
	ck_assert(blocks("acme") && !blocks("beta") && blocks("gamma"));
	ck_assert_uint_eq(n_jobs, 2);
	jobs[1].done(jobs[1].data, 0);
	ck_assert(!blocks("acme") && blocks("gamma"));
	stop();
}
END_TEST

/* Nobody asks again: it is tried again all the same. */
START_TEST(test_the_disk_refuses)
{
	run();
	ask(8, "beta");
	jobs[0].done(jobs[0].data, -EIO);
	ck_assert_uint_eq(status, EIO);
	ck_assert(blocks("acme") && blocks("beta") && !enforce_is_kept(mux.enforce));
	while (n_jobs < 2)
		ck_assert_int_eq(event_base_loop(mux.base, EVLOOP_ONCE), 0);
	jobs[1].done(jobs[1].data, 0);
	ck_assert(!blocks("acme") && blocks("beta") && enforce_is_kept(mux.enforce));
	stop();
}
END_TEST

/* The first at once, the others when the minute is over, though no other comes, or at the end. */
START_TEST(test_refusals_are_recorded)
{
	const struct enforce_asker asker = {.uid = 1000};

	run();
	n_refused_notes = 0;
	enforce_refuse(mux.enforce, &asker, "rollback");
	ck_assert(n_refused_notes == 1 && n_refused == 1);
	boot_s += 59;
	for (unsigned i = 0; i < 3; i++)
		enforce_refuse(mux.enforce, &asker, "rollback");
	ck_assert_uint_eq(n_refused_notes, 1);
	while (n_refused_notes < 2)
		ck_assert_int_eq(event_base_loop(mux.base, EVLOOP_ONCE), 0);
	ck_assert_uint_eq(n_refused, 3);
	enforce_refuse(mux.enforce, &asker, "rollback");
	ck_assert_uint_eq(n_refused_notes, 2);
	enforce_flush(mux.enforce);
	enforce_flush(mux.enforce);
	ck_assert(n_refused_notes == 3 && n_refused == 1);
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("enforce");
	TCase *t = tcase_create("enforce");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_ahead_for_a_moment);
	tcase_add_test(t, test_set_back);
	tcase_add_test(t, test_before_it_was_issued);
	tcase_add_test(t, test_the_clock_is_set);
	tcase_add_test(t, test_superseded_while_it_is_written);
	tcase_add_test(t, test_superseded_and_refused);
	tcase_add_test(t, test_the_disk_refuses);
	tcase_add_test(t, test_refusals_are_recorded);
	suite_add_tcase(s, t);
	return unit_run(s);
}
