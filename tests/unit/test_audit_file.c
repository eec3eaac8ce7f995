/*
 * The audit log's files: appended, opened again, torn, cut, turned back, without their key, rolled
 * over; and the space that is kept back. Whatever happened, it goes on as one log that can be
 * verified, or as one whose damage is found.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mux/daemon/audit/audit_file.h"
#include "tests/unit/audit_check.h"
#include "tests/unit/unit.h"
#include "tests/unit/work_folder.h"

#define T0_MS      1795873108123ull
#define TAILS      400u
#define SMALL_FILE 6000u

static const struct audit_limits roomy = {1u << 20, 16u << 20, 4096};
static const struct audit_limits tight = {SMALL_FILE, 4 * SMALL_FILE, 4096};

static char dir[64];
static int folder;
static struct audit_file *file;
static struct audit_found found;
static unsigned number;

static int open_with(const struct audit_limits *limits, const struct audit_mark *mark)
{
	return audit_file_open(folder, limits, mark, &file, &found);
}

static void begin(const struct audit_limits *limits)
{
	ck_assert_int_eq(open_with(limits, NULL), 0);
}

static void end(void)
{
	audit_file_close(file);
	file = NULL;
}

static int append(unsigned n)
{
	struct audit_entry entries[8];
	struct audit_body bodies[8];

	for (unsigned i = 0; i < n; i++) {
		audit_body_begin(&bodies[i], "alive");
		audit_body_number(&bodies[i], "number", ++number);
		entries[i] = (struct audit_entry){T0_MS + number, bodies[i].text};
	}
	return audit_file_append(file, entries, n);
}

static void add(unsigned n)
{
	ck_assert_int_eq(append(n), 0);
}

static void settle(void)
{
	ck_assert_int_eq(audit_file_settle(file), 0);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

/* All of it verifies, with so many records that are no seals. */
static void check_whole(unsigned events)
{
	struct audit_mark mark;
	struct audit_check c;

	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_WHOLE);
	ck_assert_uint_eq(c.walk.sealed_n, c.walk.head.n);
	ck_assert_uint_eq(c.events, events);
	audit_file_mark(file, &mark);
	ck_assert_uint_eq(c.walk.head.n, mark.head.n);
	ck_assert_mem_eq(c.walk.head.chain, mark.head.chain, sizeof(mark.head.chain));
	ck_assert_mem_eq(c.walk.key, mark.key, sizeof(mark.key));
}

static void copy(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s && cp -a %s %s", to, from, to);
	ck_assert_int_eq(system(command), 0);
}

/* ---- as it should be ----------------------------------------------------------------- */

START_TEST(test_goes_on)
{
	struct stat st;

	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_NEW);
	add(3);
	settle();
	end();
	ck_assert_int_eq(stat("audit", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat("audit/head", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_AS_LEFT);
	add(2);
	check_whole(5);
	end();
	/* The head is one batch behind, and two: what is there counts. */
	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_AS_LEFT);
	add(1);
	add(1);
	end();
	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_AS_LEFT);
	check_whole(7);
	end();
}
END_TEST

/* A seed that was used is nowhere on the disk but for the one before the last. */
START_TEST(test_seed_is_gone)
{
	uint8_t places[1024], before[sizeof(places)];
	FILE *f;

	begin(&roomy);
	add(1);
	settle();
	f = fopen("audit/head", "r");
	ck_assert_uint_eq(fread(before, 1, sizeof(before), f), sizeof(before));
	fclose(f);
	add(1);
	settle();
	f = fopen("audit/head", "r");
	ck_assert_uint_eq(fread(places, 1, sizeof(places), f), sizeof(places));
	fclose(f);
	ck_assert_int_eq(sodium_is_zero(places, 512) + sodium_is_zero(places + 512, 512), 1);
	ck_assert_int_ne(memcmp(places, before, 512), 0);
	ck_assert_int_ne(memcmp(places + 512, before + 512, 512), 0);
	end();
}
END_TEST

START_TEST(test_rolls_over)
{
	struct audit_check c;

	begin(&tight);
	for (int i = 0; i < 120; i++) {
		add(1 + (unsigned)i % 3);
		settle();
		if (i % 17 == 0) {
			end();
			begin(&tight);
			ck_assert_int_eq(found.condition, AUDIT_AS_LEFT);
		}
	}
	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_WHOLE);
	ck_assert(c.segments > 1 && c.segments <= 4);
	ck_assert_uint_gt(c.events, 10); /* of each, more than one batch */
	ck_assert_uint_gt(c.walk.segment, 4);
	ck_assert_uint_gt(c.walk.first_n, 1);
	ck_assert_uint_eq(c.walk.pruned_n, c.walk.first_n - 1); /* the log says what went */
	end();
}
END_TEST

START_TEST(test_reserve)
{
	begin(&roomy);
	ck_assert(audit_file_has_reserve(file));
	ck_assert_int_eq(size_of("audit/reserve"), 4096);
	audit_file_free_reserve(file);
	ck_assert(!audit_file_has_reserve(file));
	ck_assert_int_eq(size_of("audit/reserve"), -1);
	ck_assert_int_eq(audit_file_make_reserve(file), 0);
	ck_assert(audit_file_has_reserve(file));
	end();
}
END_TEST

/* ---- torn ---------------------------------------------------------------------------- */

/*
 * Cut at each of many places behind what the head knows, some with zeros behind the cut as a journal
 * leaves them, some with rubbish: never more than the batch that nobody was told of is lost, and
 * what is appended then makes a whole log.
 */
START_TEST(test_torn_tails)
{
	off_t from, to;
	unsigned torn = 0;

	begin(&roomy);
	add(2);
	settle();
	from = size_of("audit/000001.log");
	add(3);
	end();
	to = size_of("audit/000001.log");
	copy("audit", "saved");
	for (unsigned i = 0; i < TAILS; i++) {
		off_t at = from + (to - from) * i / TAILS;
		bool is_cut = at > from;

		copy("saved", "audit");
		ck_assert_int_eq(truncate("audit/000001.log", at), 0);
		if (i % 3 == 1)
			ck_assert_int_eq(truncate("audit/000001.log", at + 64), 0);
		if (i % 3 == 2)
			ck_assert_int_eq(system("echo rubbish >> audit/000001.log"), 0);
		begin(&roomy);
		ck_assert_int_eq(found.condition, is_cut || i % 3 ? AUDIT_TORN : AUDIT_AS_LEFT);
		if (found.condition == AUDIT_TORN) {
			torn++;
			ck_assert_uint_eq(found.at, from);
			ck_assert_uint_gt(found.bytes, 0);
		}
		add(1);
		check_whole(3);
		end();
		begin(&roomy); /* and nothing of it is left */
		ck_assert_int_eq(found.condition, AUDIT_AS_LEFT);
		end();
	}
	ck_assert_uint_ge(torn, TAILS - 1);
}
END_TEST

/* A segment of which nothing counts, as a power cut leaves it right after it was made. */
START_TEST(test_torn_segment)
{
	begin(&roomy);
	add(2);
	settle();
	end();
	ck_assert_int_eq(system("head -c 300 audit/000001.log > audit/000002.log"), 0);
	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_TORN);
	ck_assert_uint_eq(found.segment, 2);
	add(1);
	ck_assert_int_eq(size_of("audit/000002.log"), 300); /* until its record is on the disk */
	settle();
	ck_assert_int_eq(size_of("audit/000002.log"), -1);
	check_whole(3);
	end();
}
END_TEST

/* ---- cut, altered, turned back -------------------------------------------------------- */

START_TEST(test_cut)
{
	struct audit_check c;
	off_t was;

	begin(&roomy);
	add(2);
	settle();
	was = size_of("audit/000001.log");
	add(2);
	settle();
	end();
	if (_i == 0)
		ck_assert_int_eq(truncate("audit/000001.log", was), 0);
	else if (_i == 1)
		ck_assert_int_eq(unlink("audit/000001.log"), 0);
	else
		ck_assert_int_eq(system("sed -i '$d' audit/000001.log"), 0);
	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_CUT);
	ck_assert_uint_eq(found.expected_n, 7); /* a segment, four, two seals */
	ck_assert_uint_eq(found.n, _i == 0 ? 4 : _i == 1 ? 0 : 6);
	add(1);
	settle();
	end();
	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_AS_LEFT); /* it is said once, */
	end();
	audit_check("audit", &c); /* and found by every verifier */
	if (_i == 1)
		ck_assert_uint_eq(c.walk.first_n, 8);
	else
		ck_assert_int_eq(c.fault, AUDIT_MISSING);
}
END_TEST

START_TEST(test_last_seal_altered)
{
	begin(&roomy);
	add(2);
	settle();
	end();
	ck_assert_int_eq(system("sed -i '$s/chain\":\"./chain\":\"x/' audit/000001.log"), 0);
	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_CUT);
	end();
}
END_TEST

START_TEST(test_key_lost)
{
	struct audit_check c;

	begin(&roomy);
	add(2);
	settle();
	end();
	if (_i == 0)
		ck_assert_int_eq(unlink("audit/head"), 0);
	else
		ck_assert_int_eq(system("head -c 1024 /dev/zero > audit/head"), 0);
	begin(&roomy);
	ck_assert_int_eq(found.condition, AUDIT_KEY_LOST);
	add(1);
	settle();
	end();
	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_FOREIGN);
}
END_TEST

/* An old copy of the folder is put back; somebody knows how far it had got. */
START_TEST(test_turned_back)
{
	struct audit_mark mark, now;
	struct audit_check c;

	begin(&roomy);
	add(1);
	settle();
	end();
	copy("audit", "saved");
	begin(&roomy);
	add(3);
	add(1);
	settle();
	audit_file_mark(file, &mark);
	end();
	ck_assert_int_eq(open_with(&roomy, &mark), 0);
	ck_assert_int_eq(found.condition, AUDIT_AS_LEFT);
	end();
	copy("saved", "audit");
	ck_assert_int_eq(open_with(&roomy, &mark), 0);
	ck_assert_int_eq(found.condition, AUDIT_BACK);
	ck_assert_uint_eq(found.expected_n, mark.head.n);
	ck_assert_uint_eq(found.n, 3);
	add(1);
	settle();
	audit_file_mark(file, &now); /* no number and no seed is used twice */
	ck_assert_uint_eq(now.head.n, mark.head.n + 3);
	ck_assert_uint_eq(now.seal, mark.seal + 1);
	end();
	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_MISSING);
}
END_TEST

/* Another folder in its place: a new one, or one that has got as far by itself. */
START_TEST(test_another_folder)
{
	struct audit_mark mark;

	begin(&roomy);
	add(1);
	add(1);
	settle();
	audit_file_mark(file, &mark);
	end();
	ck_assert_int_eq(system("rm -rf audit"), 0);
	if (_i == 1) {
		begin(&roomy);
		add(1);
		add(1);
		settle();
		end();
	}
	ck_assert_int_eq(open_with(&roomy, &mark), 0);
	ck_assert_int_eq(found.condition, AUDIT_BACK);
	add(1);
	ck_assert(!audit_file_is_doubted(file));
	ck_assert_int_eq(audit_file_doubt(file, true), 0);
	end();
	begin(&roomy);
	ck_assert(audit_file_is_doubted(file)); /* until a person has seen it */
	ck_assert_int_eq(audit_file_doubt(file, false), 0);
	ck_assert(!audit_file_is_doubted(file));
	end();
}
END_TEST

/*
 * An old copy, or another's folder, on which was written until it had got as far or further: seals and
 * numbers fit, what stands in the records does not; or it has more records in fewer seals. What was
 * written on it is found as it was written.
 */
START_TEST(test_grown_elsewhere)
{
	const bool is_copy = _i != 2;
	struct audit_mark mark;
	struct audit_check c;

	begin(&roomy);
	add(1);
	settle();
	end();
	copy("audit", "saved");
	begin(&roomy);
	add(2);
	add(1);
	settle();
	audit_file_mark(file, &mark);
	end();
	if (is_copy)
		copy("saved", "audit");
	else
		ck_assert_int_eq(system("rm -rf audit"), 0);
	begin(&roomy);
	if (_i == 3) {
		add(8);
	} else {
		add(2);
		add(1);
		for (int i = 0; i < _i * 3; i++)
			add(2);
	}
	settle();
	end();
	ck_assert_int_eq(open_with(&roomy, &mark), 0);
	ck_assert_int_eq(found.condition, AUDIT_BACK);
	add(1);
	settle();
	audit_check("audit", &c);
	ck_assert_int_eq(c.fault, AUDIT_WHOLE);
	check_whole(c.events);
	end();
}
END_TEST

/* What was noted elsewhere may be some way behind: in the segment before, or removed for its age. */
START_TEST(test_mark_is_behind)
{
	struct audit_mark mark;

	begin(&tight);
	add(1);
	settle();
	audit_file_mark(file, &mark);
	for (int i = 0; i < (_i ? 120 : 12); i++) {
		add(2);
		settle();
	}
	end();
	ck_assert_int_eq(size_of("audit/000001.log") < 0, _i);
	ck_assert_int_eq(open_with(&tight, &mark), 0);
	ck_assert_int_eq(found.condition, AUDIT_AS_LEFT);
	end();
}
END_TEST

START_TEST(test_others_files)
{
	ck_assert_int_eq(mkdir("audit", 0700), 0);
	ck_assert_int_eq(symlink("/etc/passwd", "audit/head"), 0);
	ck_assert_int_lt(open_with(&roomy, NULL), 0);
	ck_assert_int_eq(unlink("audit/head"), 0);
	begin(&roomy);
	add(1);
	settle();
	end();
	ck_assert_int_eq(chmod("audit/head", 0644), 0);
	ck_assert_int_eq(open_with(&roomy, NULL), -EPERM);
	ck_assert_int_eq(chmod("audit/head", 0600), 0);
	ck_assert_int_eq(chmod("audit", 0750), 0);
	ck_assert_int_eq(open_with(&roomy, NULL), -EPERM);
}
END_TEST

/* ---- the folder ---------------------------------------------------------------------- */

static void setup(void)
{
	umask(077);
	number = 0;
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
	Suite *s = suite_create("audit_file");
	TCase *tc = tcase_create("audit_file");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_goes_on);
	tcase_add_test(tc, test_seed_is_gone);
	tcase_add_test(tc, test_rolls_over);
	tcase_add_test(tc, test_reserve);
	tcase_add_test(tc, test_torn_tails);
	tcase_add_test(tc, test_torn_segment);
	tcase_add_loop_test(tc, test_cut, 0, 3);
	tcase_add_test(tc, test_last_seal_altered);
	tcase_add_loop_test(tc, test_key_lost, 0, 2);
	tcase_add_test(tc, test_turned_back);
	tcase_add_loop_test(tc, test_another_folder, 0, 2);
	tcase_add_loop_test(tc, test_grown_elsewhere, 0, 4);
	tcase_add_loop_test(tc, test_mark_is_behind, 0, 2);
	tcase_add_test(tc, test_others_files);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
