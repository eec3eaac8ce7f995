/*
 * common/cutoff, mux/daemon/cutoff_file, mux/daemon/disabled: which tokens die at once, what the kill
 * switch has cut off, and that both stay so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mux/daemon/cutoff/cutoff_file.h"
#include "mux/daemon/cutoff/disabled.h"
#include "tests/unit/unit.h"

static struct cutoff all(uint64_t issue)
{
	return (struct cutoff){.kind = CUTOFF_ALL, .issue = issue};
}

static struct cutoff camera(const char *name, uint64_t issue)
{
	struct cutoff c = {.kind = CUTOFF_CAMERA, .issue = issue};

	snprintf(c.camera, sizeof(c.camera), "%s", name);
	return c;
}

static struct cutoff user(uint32_t uid, uint64_t issue)
{
	return (struct cutoff){.kind = CUTOFF_UID, .uid = uid, .issue = issue};
}

static int add(struct cutoffs *s, struct cutoff c)
{
	return cutoffs_add(s, &c);
}

static bool dies(const struct cutoffs *s, const char *name, uint32_t uid, uint64_t issue)
{
	struct rights r = {.has_issue = issue != 0, .uid = uid, .issue = issue};

	snprintf(r.camera, sizeof(r.camera), "%s", name);
	return cutoffs_kill(s, &r, cutoffs_next_issue(s));
}

START_TEST(test_whom_it_hits)
{
	struct cutoffs s = {0};

	ck_assert_uint_eq(cutoffs_next_issue(&s), 1);
	ck_assert(!dies(&s, "porch", 1, 1));
	ck_assert(dies(&s, "porch", 1, 2)); /* a number that nobody has given yet */
	ck_assert_int_eq(add(&s, camera("porch", 1)), 0);
	ck_assert_uint_eq(cutoffs_next_issue(&s), 2);
	ck_assert(dies(&s, "porch", 1, 1));
	ck_assert(!dies(&s, "porch", 1, 2));
	ck_assert(!dies(&s, "porch2", 1, 1));
	ck_assert(!dies(&s, "porc", 1, 1));
	ck_assert(!dies(&s, "porch", 1, 0)); /* a standing grant's: by id */
	ck_assert_int_eq(add(&s, user(7, 2)), 0);
	ck_assert(dies(&s, "yard", 7, 2) && dies(&s, "yard", 7, 1) && !dies(&s, "yard", 7, 3));
	ck_assert(!dies(&s, "yard", 8, 2));
	ck_assert(dies(&s, "porch", 8, 1)); /* the older one still holds */
	ck_assert_int_eq(add(&s, all(3)), 0);
	ck_assert_uint_eq(s.n, 1); /* nothing else says more */
	ck_assert(dies(&s, "yard", 8, 3) && !dies(&s, "yard", 8, 4));
	ck_assert_int_eq(add(&s, user(0, 4)), 0);
	ck_assert(dies(&s, "yard", 0, 4) && !dies(&s, "yard", 1, 4));
	cutoffs_free(&s);
}
END_TEST

START_TEST(test_never_back)
{
	struct cutoffs s = {0};

	ck_assert_int_eq(add(&s, camera("porch", 5)), 0);
	ck_assert_int_eq(add(&s, camera("porch", 5)), 0); /* said again */
	ck_assert_int_eq(add(&s, camera("porch", 4)), -EINVAL);
	ck_assert_int_eq(add(&s, camera("porch", 6)), 0);
	ck_assert_uint_eq(s.n, 1);
	ck_assert(dies(&s, "porch", 1, 6));
	ck_assert_int_eq(add(&s, all(7)), 0);
	ck_assert_int_eq(add(&s, all(6)), -EINVAL);
	ck_assert_uint_eq(cutoffs_next_issue(&s), 8);
	cutoffs_free(&s);
}
END_TEST

START_TEST(test_nonsense)
{
	struct cutoffs s = {0};
	struct cutoff c = camera("porch", 1);

	ck_assert_int_eq(add(&s, all(0)), -EINVAL);
	ck_assert_int_eq(add(&s, all(UINT64_MAX)), -EINVAL);
	ck_assert_int_eq(add(&s, camera("", 1)), -EINVAL);
	ck_assert_int_eq(add(&s, user(UINT32_MAX, 1)), -EINVAL);
	c.kind = 4;
	ck_assert_int_eq(add(&s, c), -EINVAL);
	c.kind = CUTOFF_CAMERA;
	memset(c.camera, 'a', sizeof(c.camera));
	ck_assert_int_eq(add(&s, c), -EINVAL);
	ck_assert_uint_eq(s.n, 0);
	cutoffs_free(&s);
}
END_TEST

START_TEST(test_limit)
{
	struct cutoffs s = {0};

	for (uint32_t i = 0; i < CUTOFFS_MAX; i++) { /* by hand: adding looks for each */
		if (s.n == s.room)
			s.list = realloc(s.list, (s.room = s.room * 2 + 16) * sizeof(*s.list));
		s.list[s.n++] = user(i, 1);
	}
	ck_assert_int_eq(add(&s, user(CUTOFFS_MAX, 1)), -ENOSPC);
	ck_assert_int_eq(add(&s, user(5, 2)), 0); /* a newer one of the same */
	ck_assert_int_eq(add(&s, all(3)), 0);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_int_eq(add(&s, user(CUTOFFS_MAX, 4)), 0);
	cutoffs_free(&s);
}
END_TEST

/* ---- the file -------------------------------------------------------------------------- */

static int load_file(const char *name, const char *text, void *ret, char why[200])
{
	char folder[] = "/tmp/framemux-cutoff-XXXXXX";
	int dir, fd, rc;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	rc = !strcmp(name, CUTOFFS_FILE) ? cutoff_file_load(dir, ret, why, 200)
					 : disabled_load(dir, ret, why, 200);
	unlinkat(dir, name, 0);
	close(dir);
	rmdir(folder);
	return rc;
}

static int load(const char *text, struct cutoffs *ret, char why[200])
{
	return load_file(CUTOFFS_FILE, text, ret, why);
}

START_TEST(test_file)
{
	struct cutoffs s = {0}, back = {0};
	char *text, why[200] = "";
	size_t len;

	ck_assert_int_eq(add(&s, all(3)), 0);
	ck_assert_int_eq(add(&s, camera("back-door", 4)), 0);
	ck_assert_int_eq(add(&s, user(1000, 9)), 0);
	ck_assert_int_eq(cutoff_file_text(&s, &text, &len), 0);
	ck_assert_uint_eq(strlen(text), len);
	ck_assert_int_eq(load(text, &back, why), 0);
	ck_assert_uint_eq(back.n, 3);
	ck_assert_uint_eq(cutoffs_next_issue(&back), 10);
	ck_assert(dies(&back, "x", 5, 3) && dies(&back, "back-door", 5, 4) &&
		dies(&back, "x", 1000, 9) && !dies(&back, "x", 5, 4));
	free(text);
	cutoffs_free(&s);
	cutoffs_free(&back);
}
END_TEST

/* Whatever cannot be read ends the start: no token comes back to life. */
START_TEST(test_damage)
{
	static const char *const bad[] = {"", "framemux cutoffs 1", "framemux cutoffs 2\n",
		"framemux cutoffs 1\n1 all", "framemux cutoffs 1\n1 all x\n",
		"framemux cutoffs 1\n0 all\n", "framemux cutoffs 1\n1 camera\n",
		"framemux cutoffs 1\n1 camera a/b\n", "framemux cutoffs 1\n1 camera a b\n",
		"framemux cutoffs 1\n1 uid -1\n", "framemux cutoffs 1\n1 uid 4294967295\n",
		"framemux cutoffs 1\n18446744073709551615 all\n", "framemux cutoffs 1\n1 none\n",
		"framemux cutoffs 1\n2 uid 5\n1 uid 5\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cutoffs s = {0};
		char why[200] = "";

		ck_assert_msg(load(bad[i], &s, why) == -EBADMSG, "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(why, "damaged"));
		cutoffs_free(&s);
	}
}
END_TEST

/* ---- the kill switch ------------------------------------------------------------------- */

static struct disabled_entry off(uint32_t kind, const char *name, uint32_t uid)
{
	struct disabled_entry e = {.kind = kind, .uid = uid};

	snprintf(e.name, sizeof(e.name), "%s", name);
	return e;
}

static int put(struct disabled *d, struct disabled_entry e)
{
	return disabled_add(d, &e);
}

START_TEST(test_disabled)
{
	struct disabled d = {0}, copy, back = {0};
	struct disabled_entry e;
	char why[200], *text;
	size_t len;

	ck_assert(!disabled_why(&d, "porch", "acme", why));
	ck_assert_int_eq(put(&d, off(SWITCH_CAMERA, "porch", 0)), 0);
	ck_assert_int_eq(put(&d, off(SWITCH_CAMERA, "porch", 9)), 0); /* the same */
	ck_assert_int_eq(put(&d, off(SWITCH_VENDOR, "Acme & Sons", 0)), 0);
	ck_assert_int_eq(put(&d, off(SWITCH_UID, "", 7)), 0);
	ck_assert_uint_eq(d.n, 3);
	ck_assert(disabled_why(&d, "porch", "", why) && strstr(why, "this camera"));
	ck_assert(
		disabled_why(&d, "yard", "Acme & Sons", why) && strstr(why, "vendor Acme & Sons"));
	ck_assert(!disabled_why(&d, "yard", "", why) && !disabled_why(&d, "yard", "acme", why));
	ck_assert_int_eq(disabled_text(&d, &text, &len), 0);
	ck_assert_int_eq(load_file(DISABLED_FILE, text, &back, why), 0);
	free(text);
	ck_assert_uint_eq(back.n, 3);
	for (size_t i = 0; i < d.n; i++)
		ck_assert(disabled_has(&back, &d.list[i]));
	ck_assert_int_eq(disabled_copy(&d, &copy), 0);
	e = off(SWITCH_CAMERA, "porch", 0);
	disabled_remove(&d, &e);
	disabled_remove(&d, &e);
	ck_assert(!disabled_why(&d, "porch", "", why) && disabled_why(&copy, "porch", "", why));
	e = off(SWITCH_UID, "", 8);
	ck_assert(!disabled_has(&d, &e));
	disabled_free(&d);
	disabled_free(&copy);
	disabled_free(&back);
}
END_TEST

START_TEST(test_disabled_nonsense)
{
	static const char *const bad[] = {"", "framemux disabled 1", "framemux disabled 2\n",
		"framemux disabled 1\ncamera porch", "framemux disabled 1\ncamera\n",
		"framemux disabled 1\ncamera a b\n", "framemux disabled 1\nvendor \n",
		"framemux disabled 1\nuid x\n", "framemux disabled 1\nuid 4294967295\n",
		"framemux disabled 1\nmodel x\n",
		"framemux disabled 1\nvendor "
		"0123456789012345678901234567890123456789012345678901234567"
		"890123\n"};
	struct disabled d = {0};
	char why[200];

	ck_assert_int_eq(put(&d, off(SWITCH_CAMERA, "", 0)), -EINVAL);
	ck_assert_int_eq(put(&d, off(SWITCH_CAMERA, "a/b", 0)), -EINVAL);
	ck_assert_int_eq(put(&d, off(SWITCH_VENDOR, "two\nlines", 0)), -EINVAL);
	ck_assert_int_eq(put(&d, off(SWITCH_UID, "", UINT32_MAX)), -EINVAL);
	ck_assert_int_eq(put(&d, off(4, "x", 1)), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(load_file(DISABLED_FILE, bad[i], &d, why) == -EBADMSG, "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(why, "damaged"));
	}
	ck_assert_uint_eq(d.n, 0);
	disabled_free(&d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cutoff");
	TCase *t = tcase_create("cutoff");

	tcase_add_test(t, test_whom_it_hits);
	tcase_add_test(t, test_never_back);
	tcase_add_test(t, test_nonsense);
	tcase_add_test(t, test_limit);
	tcase_add_test(t, test_file);
	tcase_add_test(t, test_damage);
	tcase_add_test(t, test_disabled);
	tcase_add_test(t, test_disabled_nonsense);
	suite_add_tcase(s, t);
	return unit_run(s);
}
