/* mux/daemon/key_file, token_rekey: root keys come, go and stay; a token goes over to another one. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mux/daemon/state/key_file.h"
#include "mux/daemon/state/key_given.h"
#include "tests/unit/unit.h"

static char folder[64], why[300];
static struct state *s;
static struct root_keys keys, back;

static void begin(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	strcpy(folder, "/tmp/framemux-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(state_open(folder, &s, why, sizeof(why)), 0);
	memset(&keys, 0, sizeof(keys));
	memset(&back, 0, sizeof(back));
}

static void end(void)
{
	unlinkat(state_folder(s), STATE_ROOT_KEY_FILE, 0);
	unlinkat(state_folder(s), ROOT_KEYS_FILE, 0);
	unlinkat(state_folder(s), KEY_PRINT_FILE, 0);
	unlinkat(state_folder(s), "credentials/" KEY_GIVEN_CREDENTIAL, 0);
	unlinkat(state_folder(s), "credentials", AT_REMOVEDIR);
	unsetenv("CREDENTIALS_DIRECTORY");
	state_close(s);
	ck_assert_int_eq(rmdir(folder), 0);
}

static int load(struct root_keys *ret)
{
	return key_file_load(s, ret, why, sizeof(why));
}

static bool is_there(const char *name)
{
	return faccessat(state_folder(s), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

START_TEST(test_rotate_and_retire)
{
	uint8_t first[KEY_BYTES];

	begin();
	ck_assert_int_eq(load(&keys), 0);
	ck_assert_uint_eq(keys.n, 1);
	ck_assert_uint_eq(keys.list[0].id, 1);
	ck_assert_uint_gt(keys.list[0].since_s, 1700000000);
	memcpy(first, keys.list[0].key, sizeof(first));
	ck_assert_int_eq(root_keys_retire(&keys, 1), -ENOENT); /* the only one */
	ck_assert_int_eq(root_keys_rotate(&keys, 77), 0);
	ck_assert_uint_eq(keys.list[0].id, 2);
	ck_assert_uint_eq(keys.list[0].since_s, 77);
	ck_assert_mem_eq(keys.list[1].key, first, KEY_BYTES);
	ck_assert_mem_ne(keys.list[0].key, first, KEY_BYTES);
	ck_assert_int_eq(root_keys_rotate(&keys, 78), -EEXIST);
	ck_assert_int_eq(key_file_write(state_folder(s), &keys), 0);
	ck_assert(!is_there(STATE_ROOT_KEY_FILE)); /* its bytes are in the other file */
	ck_assert_int_eq(load(&back), 0);
	ck_assert_mem_eq(&back, &keys, sizeof(keys));
	ck_assert_int_eq(root_keys_retire(&keys, 2), -ENOENT); /* the newest */
	ck_assert_int_eq(root_keys_retire(&keys, 3), -ENOENT);
	ck_assert_int_eq(root_keys_retire(&keys, 1), 0);
	ck_assert(sodium_is_zero((const uint8_t *)&keys.list[1], sizeof(keys.list[1])));
	ck_assert_int_eq(key_file_write(state_folder(s), &keys), 0);
	memset(&back, 0, sizeof(back));
	ck_assert_int_eq(load(&back), 0);
	ck_assert_mem_eq(&back, &keys, sizeof(keys));
	ck_assert_int_eq(root_keys_rotate(&keys, 79), 0);
	ck_assert_uint_eq(keys.list[0].id, 3); /* never again */
	end();
}
END_TEST

/* A power cut between the new file and the removal of the old one. */
START_TEST(test_cut_off)
{
	begin();
	ck_assert_int_eq(load(&keys), 0);
	ck_assert_int_eq(
		linkat(state_folder(s), STATE_ROOT_KEY_FILE, state_folder(s), "copy", 0), 0);
	ck_assert_int_eq(root_keys_rotate(&keys, 77), 0);
	ck_assert_int_eq(key_file_write(state_folder(s), &keys), 0);
	ck_assert_int_eq(
		renameat(state_folder(s), "copy", state_folder(s), STATE_ROOT_KEY_FILE), 0);
	ck_assert_int_eq(load(&back), 0);
	ck_assert_mem_eq(&back, &keys, sizeof(keys));
	ck_assert(!is_there(STATE_ROOT_KEY_FILE));
	end();
}
END_TEST

static void put(const void *bytes, size_t len, mode_t mode)
{
	int fd = openat(
		state_folder(s), ROOT_KEYS_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(test_damage)
{
	static const size_t cuts[] = {0, 1, 15, 16, 17, 59, 61, 103};
	uint8_t whole[256], bad[256];
	ssize_t len;
	int fd;

	begin();
	ck_assert_int_eq(load(&keys), 0);
	ck_assert_int_eq(root_keys_rotate(&keys, 77), 0);
	ck_assert_int_eq(key_file_write(state_folder(s), &keys), 0);
	fd = openat(state_folder(s), ROOT_KEYS_FILE, O_RDONLY | O_CLOEXEC);
	len = read(fd, whole, sizeof(whole));
	close(fd);
	ck_assert_int_eq(len, 16 + 2 * 44);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		put(whole, cuts[i], 0600);
		ck_assert_msg(load(&back) == -EBADMSG, "%zu bytes", cuts[i]);
		ck_assert_ptr_nonnull(strstr(why, "put it back"));
	}
	memcpy(bad, whole, sizeof(bad));
	put(bad, (size_t)len + 44, 0600); /* three */
	ck_assert_int_eq(load(&back), -EBADMSG);
	bad[10] ^= 1; /* no such version */
	put(bad, (size_t)len, 0600);
	ck_assert_int_eq(load(&back), -EBADMSG);
	memcpy(bad, whole, sizeof(bad));
	bad[16] = 1; /* the same id twice */
	put(bad, (size_t)len, 0600);
	ck_assert_int_eq(load(&back), -EBADMSG);
	bad[16] = 0;
	put(bad, (size_t)len, 0600);
	ck_assert_int_eq(load(&back), -EBADMSG);
	put(whole, (size_t)len, 0640); /* others have read it */
	ck_assert_int_eq(load(&back), -EBADMSG);
	put(whole, (size_t)len, 0600);
	ck_assert_int_eq(load(&back), 0);
	end();
}
END_TEST

static void put_at(const char *path, const void *bytes, size_t len, mode_t mode)
{
	int fd;

	unlinkat(state_folder(s), path, 0);
	fd = openat(state_folder(s), path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static void give(const uint8_t *key, size_t len, mode_t mode)
{
	char path[128];

	mkdirat(state_folder(s), "credentials", 0700);
	put_at("credentials/" KEY_GIVEN_CREDENTIAL, key, len, mode);
	snprintf(path, sizeof(path), "%s/credentials", folder);
	setenv("CREDENTIALS_DIRECTORY", path, 1);
}

static void refused(const char *word)
{
	memset(&back, 0, sizeof(back));
	ck_assert_int_eq(load(&back), -EBADMSG);
	ck_assert_msg(strstr(why, word) != NULL, "%s: %s", word, why);
	ck_assert(!back.is_given);
	ck_assert_uint_eq(back.n, 0);
}

START_TEST(test_given)
{
	uint8_t key[KEY_BYTES + 1] = "an example root key for testing", other[KEY_BYTES] = {1};

	begin();
	give(key, KEY_BYTES, 0400);
	ck_assert_int_eq(load(&keys), 0);
	ck_assert_uint_eq(keys.n, 1);
	ck_assert(keys.is_given);
	ck_assert_mem_eq(keys.list[0].key, key, KEY_BYTES);
	ck_assert_uint_gt(keys.list[0].since_s, 1700000000);
	ck_assert(!is_there(STATE_ROOT_KEY_FILE));
	ck_assert_int_eq(root_keys_rotate(&keys, 77), -EROFS);
	ck_assert_int_eq(root_keys_retire(&keys, 1), -ENOENT);
	ck_assert_int_eq(load(&back), 0); /* again */
	ck_assert_mem_eq(&back, &keys, sizeof(keys));
	give(other, KEY_BYTES, 0400);
	refused("another key");
	give(key, KEY_BYTES - 1, 0400);
	refused("32 bytes");
	give(key, KEY_BYTES + 1, 0400);
	refused("32 bytes");
	give(key, 0, 0400);
	refused("32 bytes");
	give(key, KEY_BYTES, 0440);
	refused("group or others");
	give((const uint8_t[KEY_BYTES]){0}, KEY_BYTES, 0400);
	refused("zeros");
	unsetenv("CREDENTIALS_DIRECTORY");
	refused("not given");
	ck_assert(!is_there(STATE_ROOT_KEY_FILE));
	end();
}
END_TEST

/* Its print is known, and a file has taken its place, or stands beside it. */
START_TEST(test_given_and_kept)
{
	uint8_t key[KEY_BYTES + 1] = "an example root key for testing", other[KEY_BYTES] = {1};

	begin();
	give(key, KEY_BYTES, 0400);
	ck_assert_int_eq(load(&keys), 0);
	put_at(STATE_ROOT_KEY_FILE, other, KEY_BYTES, 0600);
	refused("take one of them away");
	unsetenv("CREDENTIALS_DIRECTORY");
	refused("another key");
	put_at(STATE_ROOT_KEY_FILE, key, KEY_BYTES, 0600);
	memset(&keys, 0, sizeof(keys));
	ck_assert_int_eq(load(&keys), 0);
	ck_assert(!keys.is_given);
	ck_assert_mem_eq(keys.list[0].key, key, KEY_BYTES);
	give(key, KEY_BYTES, 0400);
	ck_assert_int_eq(load(&back), 0);
	ck_assert(back.is_given);
	ck_assert_int_eq(root_keys_rotate(&keys, 77), 0);
	ck_assert_int_eq(key_file_write(state_folder(s), &keys), 0);
	refused(ROOT_KEYS_FILE);
	unsetenv("CREDENTIALS_DIRECTORY");
	memset(&back, 0, sizeof(back));
	ck_assert_int_eq(load(&back), 0);
	ck_assert_mem_eq(&back, &keys, sizeof(keys));
	end();
}
END_TEST

/* Whatever is wrong with the print: no key is taken for the one that it was. */
START_TEST(test_damaged_print)
{
	uint8_t key[KEY_BYTES + 1] = "an example root key for testing";

	begin();
	give(key, KEY_BYTES, 0400);
	ck_assert_int_eq(load(&keys), 0);
	put_at(KEY_PRINT_FILE, "", 0, 0600);
	refused("another key");
	unlinkat(state_folder(s), KEY_PRINT_FILE, 0);
	ck_assert_int_eq(symlinkat("elsewhere", state_folder(s), KEY_PRINT_FILE), 0);
	refused("another key");
	end();
}
END_TEST

START_TEST(test_rekey)
{
	static const uint8_t id[TOKEN_ID_BYTES] = {7, 8, 9};
	uint8_t one[KEY_BYTES] = {1}, two[KEY_BYTES] = {2};
	struct token made[2], t;

	for (unsigned i = 0; i < 2; i++) {
		token_begin(i ? two : one, i + 1, id, &made[i]);
		ck_assert_int_eq(token_limit_camera(&made[i], "porch", 1), 0);
		ck_assert_int_eq(token_limit_uid(&made[i], 5), 0);
		ck_assert_int_eq(token_limit_expiry(&made[i], UINT64_MAX), 0);
	}
	t = made[0];
	ck_assert_int_eq(token_rekey(&t, two, 2), 0);
	ck_assert_mem_eq(&t, &made[1], sizeof(t));
	t.body[0] = 9;
	ck_assert_int_eq(token_rekey(&t, two, 2), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("key_file");
	TCase *t = tcase_create("key_file");

	tcase_add_test(t, test_rotate_and_retire);
	tcase_add_test(t, test_cut_off);
	tcase_add_test(t, test_damage);
	tcase_add_test(t, test_given);
	tcase_add_test(t, test_given_and_kept);
	tcase_add_test(t, test_damaged_print);
	tcase_add_test(t, test_rekey);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
