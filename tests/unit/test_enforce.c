/* mux/daemon/enforce: by which time the policy in force is judged. The clocks are the test's. */
#include <dirent.h>
#include <string.h>

#include "mux/daemon/daemon_private.h"
#include "mux/daemon/state.h"
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

int main(void)
{
	Suite *s = suite_create("enforce");
	TCase *t = tcase_create("enforce");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_ahead_for_a_moment);
	tcase_add_test(t, test_set_back);
	tcase_add_test(t, test_before_it_was_issued);
	suite_add_tcase(s, t);
	return unit_run(s);
}
