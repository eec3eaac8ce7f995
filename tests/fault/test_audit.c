/*
 * The audit log's writer dies, or is refused, at each call that it makes of the disk: before the call,
 * behind it, or with half of a write done. Every record that was said to be there is there, whatever
 * was not is not half there, and the log goes on as one that verifies. Calls come in by the linker
 * (--wrap), as in shim.c, whose faults only fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mux/daemon/audit/audit_file.h"
#include "tests/unit/audit_check.h"
#include "tests/unit/unit.h"
#include "tests/unit/work_folder.h"

#define T0_MS       1795873108123ull
#define BATCHES     40u
#define KILL_POINTS 260u

enum how { BEFORE, BEHIND, HALF, REFUSED, HOWS };

static const struct audit_limits tight = {4000, 12000, 4096};

/* Shared by the test and the writer that it starts. */
static struct {
	atomic_uint calls, fatal; /* which call is the one; 0: none */
	enum how how;
	int error;         /* of REFUSED */
	atomic_uint said;  /* records that are there, as the writer was told */
	atomic_uint tried; /* and those that it began */
	atomic_uint refused;
} * shared;
static bool is_counted;

/* ---- the calls ----------------------------------------------------------------------- */

/* Whether this is the one; dies here if it is to die before it. */
static bool is_the_one(void)
{
	if (!is_counted || atomic_fetch_add(&shared->calls, 1) + 1 != atomic_load(&shared->fatal))
		return false;
	if (shared->how == BEFORE)
		raise(SIGKILL);
	return true;
}

#define WRAP(name, declared, called)                                                               \
	int __real_##name declared;                                                                \
	int __wrap_##name declared;                                                                \
	int __wrap_##name declared                                                                 \
	{                                                                                          \
		bool one = is_the_one();                                                           \
		int r;                                                                             \
                                                                                                   \
		if (one && shared->how == REFUSED) {                                               \
			errno = shared->error;                                                     \
			atomic_fetch_add(&shared->refused, 1);                                     \
			return -1;                                                                 \
		}                                                                                  \
		r = __real_##name called;                                                          \
		if (one)                                                                           \
			raise(SIGKILL);                                                            \
		return r;                                                                          \
	}

WRAP(fsync, (int fd), (fd))
WRAP(fdatasync, (int fd), (fd))
WRAP(ftruncate, (int fd, off_t n), (fd, n))
WRAP(renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
WRAP(unlinkat, (int a, const char *b, int c), (a, b, c))
WRAP(openat, (int a, const char *b, int c, unsigned d), (a, b, c, d))

ssize_t __real_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);

ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	bool one = is_the_one();
	ssize_t r;

	if (one && shared->how == REFUSED) {
		(void)!__real_pwrite(fd, buf, n / 2, at); /* as a disk that becomes full does */
		errno = shared->error;
		atomic_fetch_add(&shared->refused, 1);
		return -1;
	}
	r = __real_pwrite(fd, buf, one && shared->how == HALF ? n / 2 : n, at);
	if (one)
		raise(SIGKILL);
	return r;
}

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	bool one = is_the_one();
	ssize_t r;

	if (one && shared->how == REFUSED) {
		errno = shared->error;
		atomic_fetch_add(&shared->refused, 1);
		return -1;
	}
	r = __real_write(fd, buf, one && shared->how == HALF ? n / 2 : n);
	if (one)
		raise(SIGKILL);
	return r;
}

/* ---- the writer ---------------------------------------------------------------------- */

static int folder;

static int append(struct audit_file *f, const char *event, unsigned n)
{
	struct audit_entry entries[4];
	struct audit_body bodies[4];

	for (unsigned i = 0; i < n; i++) {
		audit_body_begin(&bodies[i], event);
		audit_body_number(&bodies[i], "number", atomic_load(&shared->said) + i + 1);
		entries[i] = (struct audit_entry){T0_MS, bodies[i].text};
	}
	return audit_file_append(f, entries, n);
}

/* What framemuxd does: opens, records what it found, then batches; what failed is tried again. */
static void write_log(void)
{
	struct audit_file *f = NULL;
	struct audit_found found;

	is_counted = true;
	while (audit_file_open(folder, &tight, NULL, &f, &found) < 0)
		;
	if (found.condition == AUDIT_TORN)
		while (append(f, "torn", 1) < 0)
			;
	for (unsigned i = 0; i < BATCHES; i++) {
		unsigned n = 1 + i % 3;

		atomic_fetch_add(&shared->tried, n);
		while (append(f, "alive", n) < 0)
			;
		atomic_fetch_add(&shared->said, n);
		if (i % 4)
			(void)audit_file_settle(f);
		if (i == BATCHES / 2) { /* started anew */
			audit_file_close(f);
			while (audit_file_open(folder, &tight, NULL, &f, &found) < 0)
				;
		}
	}
	audit_file_close(f);
	is_counted = false;
}

/* ---- the test ------------------------------------------------------------------------ */

static void clear(void)
{
	if (access("audit", F_OK) == 0)
		nftw("audit", work_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The last "number" there is. */
static uint64_t last_number(const struct audit_check *c)
{
	uint64_t n = 0;

	(void)audit_member_number(c->last, strlen(c->last), "number", &n);
	return n;
}

/* As framemuxd finds it when it starts again. */
static void check_log(unsigned point, bool has_died, unsigned *torn)
{
	struct audit_file *f;
	struct audit_found found;
	struct audit_check c;
	unsigned said = atomic_load(&shared->said);

	ck_assert_msg(audit_file_open(folder, &tight, NULL, &f, &found) == 0, "point %u", point);
	ck_assert_msg(found.condition == AUDIT_NEW || found.condition == AUDIT_AS_LEFT ||
			found.condition == AUDIT_TORN,
		"point %u: condition %d", point, found.condition);
	ck_assert_msg(
		found.condition != AUDIT_NEW || said == 0, "point %u: all of it is gone", point);
	if (found.condition == AUDIT_TORN) {
		++*torn;
		ck_assert_msg(has_died, "point %u: torn by itself", point);
		ck_assert_int_eq(append(f, "torn", 1), 0);
	}
	atomic_store(&shared->said, said);
	ck_assert_int_eq(append(f, "alive", 1), 0); /* said + 1 */
	ck_assert_int_eq(audit_file_settle(f), 0);
	audit_file_close(f);
	audit_check("audit", &c);
	ck_assert_msg(c.fault == AUDIT_WHOLE, "point %u: fault %d behind record %llu", point,
		c.fault, (unsigned long long)c.walk.head.n);
	ck_assert_uint_eq(c.walk.sealed_n, c.walk.head.n);
	ck_assert_uint_eq(last_number(&c), said + 1);
}

/* Records that were said to be there: each of those numbers that pruning has left is there once. */
static void check_numbers(unsigned point)
{
	unsigned said = atomic_load(&shared->said), tried = atomic_load(&shared->tried), at = 0;
	char line[AUDIT_LINE_MAX];
	uint64_t n, before = 0;
	FILE *all = popen("cat audit/*.log 2>/dev/null", "r");

	ck_assert_ptr_nonnull(all);
	while (fgets(line, sizeof(line), all)) {
		if (!strstr(line, "\"event\":\"alive\"") ||
			!audit_member_number(line, strlen(line), "number", &n))
			continue;
		at++;
		ck_assert_msg(!before || n == before + 1, "point %u: number %llu behind %llu",
			point, (unsigned long long)n, (unsigned long long)before);
		before = n;
	}
	pclose(all);
	ck_assert_msg(before >= said && before <= tried, "point %u: %llu of %u said, %u tried",
		point, (unsigned long long)before, said, tried);
	ck_assert(at > 0 || said == 0);
}

static bool run_one(unsigned point, enum how how, int error)
{
	int status;
	pid_t pid;

	clear();
	memset(shared, 0, sizeof(*shared));
	atomic_store(&shared->fatal, point);
	shared->how = how;
	shared->error = error;
	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		write_log();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* All points; else one in four where each looks like the next. */
static bool is_full(bool is_where_it_hurts)
{
	return is_where_it_hurts || getenv("FRAMEMUX_FULL");
}

START_TEST(test_kill_points)
{
	const unsigned every = is_full(_i == HALF) ? 1 : 4;
	unsigned torn = 0, died = 0, n = 0;

	for (unsigned point = 1; point <= KILL_POINTS; point += every, n++) {
		bool has_died = run_one(point, (enum how)_i, 0);

		died += has_died;
		check_numbers(point);
		check_log(point, has_died, &torn);
	}
	printf("kill points, %s: %u of %u died, %u torn tails\n",
		_i == BEFORE           ? "before the call"
			: _i == BEHIND ? "behind it"
				       : "half written",
		died, n, torn);
	ck_assert_uint_eq(died, n); /* there were as many calls */
	if (_i == HALF)
		ck_assert_uint_gt(torn, 0);
}
END_TEST

/* Full, read-only, broken: said, never half done, and it goes on when the disk does. */
START_TEST(test_refused)
{
	static const int errors[] = {ENOSPC, EROFS, EIO, EDQUOT};
	const unsigned every = is_full(false) ? 1 : 4;
	unsigned torn = 0, refused = 0, n = 0;

	for (unsigned point = 1; point <= KILL_POINTS; point += every, n++) {
		run_one(point, REFUSED, errors[n % 4]);
		refused += atomic_load(&shared->refused);
		ck_assert_uint_eq(atomic_load(&shared->said), atomic_load(&shared->tried));
		check_numbers(point);
		check_log(point, false, &torn);
	}
	ck_assert_uint_eq(refused, n);
	ck_assert_uint_eq(torn, 0);
}
END_TEST

static char dir[64];

static void setup(void)
{
	umask(077);
	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	work_folder_begin(dir);
	folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(void)
{
	clear();
	close(folder);
	work_folder_end(dir);
	munmap(shared, sizeof(*shared));
}

int main(void)
{
	Suite *s = suite_create("fault_audit");
	TCase *tc = tcase_create("fault_audit");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 300);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_kill_points, BEFORE, HALF + 1);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
