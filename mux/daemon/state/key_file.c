/* Reads, writes and turns over the root keys. Runs in framemuxd. */
#include "mux/daemon/state/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/state/folder.h"
#include "mux/daemon/state/key_given.h"
#include "mux/locked.h"

/* MAGIC, then of each key: u32 id | u64 since | the key */
#define MAGIC     "framemux keys 1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define KEY_PART  (4u + 8u + KEY_BYTES)
#define FILE_MAX  (MAGIC_LEN + ROOT_KEYS_MAX * KEY_PART)

static int damaged(char *why, size_t size)
{
	snprintf(why, size,
		ROOT_KEYS_FILE
		" is not a whole file of keys that the mux alone can read; without it "
		"every token is worthless: put it back, or remove it to begin anew");
	return -EBADMSG;
}

static int parse(const uint8_t *bytes, size_t len, struct root_keys *ret)
{
	size_t n = (len - MAGIC_LEN) / KEY_PART;

	if (len <= MAGIC_LEN || memcmp(bytes, MAGIC, MAGIC_LEN) != 0 ||
		(len - MAGIC_LEN) % KEY_PART || n > ROOT_KEYS_MAX)
		return -EBADMSG;
	bytes += MAGIC_LEN;
	for (size_t i = 0; i < n; i++, bytes += KEY_PART) {
		struct root_key *k = &ret->list[i];

		k->id = get_le32(bytes);
		k->since_s = get_le64(bytes + 4);
		memcpy(k->key, bytes + 12, KEY_BYTES);
		if (k->id == 0 || (i && k->id >= ret->list[i - 1].id))
			return -EBADMSG;
	}
	ret->n = (uint32_t)n;
	return 0;
}

static int read_keys(int fd, struct root_keys *ret)
{
	uint8_t *bytes = locked_alloc(FILE_MAX + 1);
	struct stat st;
	ssize_t n;
	int rc = 0;

	if (!bytes)
		return -ENOMEM;
	if (fstat(fd, &st) < 0 || (n = read(fd, bytes, FILE_MAX + 1)) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) ||
		st.st_nlink != 1)
		rc = -EBADMSG;
	else
		rc = parse(bytes, (size_t)n, ret);
	locked_free(bytes);
	return rc;
}

static bool is_there(struct state *s, const char *name)
{
	return faccessat(state_folder(s), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int refuse(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EBADMSG;
}

/* A key that is known by its print: is it this one? 0 also when none is known. */
static int compare_print(
	struct state *s, const uint8_t *key, const char *where, char *why, size_t size)
{
	int rc = key_print_compare(state_folder(s), key);

	if (rc != -EBADMSG)
		return rc == -ENOENT ? 0 : rc;
	snprintf(why, size,
		"%s is another key than the one of all tokens so far (" KEY_PRINT_FILE
		"): put that back, or remove " KEY_PRINT_FILE
		" to begin anew, every token being worthless then",
		where);
	return rc;
}

/* One that is given is the same each time; with a copy in the folder, that as well. */
static int take_given(struct state *s, struct root_keys *ret, char *why, size_t size)
{
	const uint8_t *key = ret->list[0].key;
	int rc = compare_print(s, key, "the credential " KEY_GIVEN_CREDENTIAL, why, size);

	if (!rc && is_there(s, STATE_ROOT_KEY_FILE)) {
		rc = state_root_key(s, ret->list[1].key, why, size);
		if (!rc && sodium_memcmp(key, ret->list[1].key, KEY_BYTES) != 0)
			rc = refuse(why, size,
				STATE_ROOT_KEY_FILE
				" is another key than the credential " KEY_GIVEN_CREDENTIAL
				": take one of them away");
		else if (!rc)
			log_warning("the root key is a credential, and also in " STATE_ROOT_KEY_FILE
				    " of the state folder: remove that, or who copies the folder "
				    "has it");
		sodium_memzero(ret->list[1].key, KEY_BYTES);
	}
	if (!rc && !is_there(s, KEY_PRINT_FILE)) {
		rc = key_print_write(state_folder(s), key);
		if (rc < 0)
			snprintf(why, size, KEY_PRINT_FILE ": %s", strerror(-rc));
	}
	ret->is_given = !rc;
	return rc;
}

static int take_kept(struct state *s, struct root_keys *ret, char *why, size_t size)
{
	int rc;

	if (!is_there(s, STATE_ROOT_KEY_FILE) && is_there(s, KEY_PRINT_FILE))
		return refuse(why, size,
			"the root key was the credential " KEY_GIVEN_CREDENTIAL
			", which is not given: give it, or remove " KEY_PRINT_FILE
			" to begin anew, every token being worthless then");
	rc = state_root_key(s, ret->list[0].key, why, size);
	return rc < 0 ? rc : compare_print(s, ret->list[0].key, STATE_ROOT_KEY_FILE, why, size);
}

/* Its one key has always been there: since when the file says. */
static int load_single(struct state *s, struct root_keys *ret, char *why, size_t size)
{
	struct stat st;
	int rc = key_given_read(ret->list[0].key, why, size);

	if (rc == -ENOENT)
		rc = take_kept(s, ret, why, size);
	else if (!rc)
		rc = take_given(s, ret, why, size);
	if (rc < 0)
		return rc;
	if (fstatat(state_folder(s), ret->is_given ? KEY_PRINT_FILE : STATE_ROOT_KEY_FILE, &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
		st.st_mtime = 0;
	ret->list[0].id = 1;
	ret->list[0].since_s = (uint64_t)st.st_mtime;
	ret->n = 1;
	return 0;
}

/* Which of them is in force could not be told any more. */
static int refuse_given(char *why, size_t size)
{
	uint8_t *key = locked_alloc(KEY_BYTES);
	int rc = key ? key_given_read(key, why, size) : -ENOMEM;

	locked_free(key);
	if (rc == 0)
		return refuse(why, size,
			"there are " ROOT_KEYS_FILE
			" that were rotated, and the credential " KEY_GIVEN_CREDENTIAL
			": take that out of the unit");
	return rc == -ENOENT ? 0 : rc;
}

int key_file_load(struct state *s, struct root_keys *ret, char *ret_why, size_t why_size)
{
	cleanup_fd int fd = openat(
		state_folder(s), ROOT_KEYS_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int rc = fd < 0 ? -errno : 0;

	if (rc == -ENOENT)
		return load_single(s, ret, ret_why, why_size);
	if (!rc && (rc = refuse_given(ret_why, why_size)) < 0)
		return rc;
	if (!rc)
		rc = read_keys(fd, ret);
	if (rc == -EBADMSG || rc == -ELOOP)
		return damaged(ret_why, why_size);
	if (rc < 0) {
		snprintf(ret_why, why_size, ROOT_KEYS_FILE ": %s", strerror(-rc));
		return rc;
	}
	/* Cut off between the two steps of key_file_write. */
	(void)unlinkat(state_folder(s), STATE_ROOT_KEY_FILE, 0);
	return 0;
}

int key_file_write(int folder, const struct root_keys *keys)
{
	uint8_t *bytes = locked_alloc(FILE_MAX), *at = bytes;
	int rc;

	if (!bytes)
		return -ENOMEM;
	memcpy(at, MAGIC, MAGIC_LEN);
	at += MAGIC_LEN;
	for (uint32_t i = 0; i < keys->n; i++, at += KEY_PART) {
		put_le32(at, keys->list[i].id);
		put_le64(at + 4, keys->list[i].since_s);
		memcpy(at + 12, keys->list[i].key, KEY_BYTES);
	}
	rc = folder_replace(
		folder, ROOT_KEYS_FILE, bytes, (size_t)(at - bytes), 0600, (unsigned)-1);
	locked_free(bytes);
	if (!rc)
		(void)unlinkat(folder, STATE_ROOT_KEY_FILE, 0);
	return rc;
}

int root_keys_rotate(struct root_keys *keys, uint64_t now_s)
{
	if (keys->is_given)
		return -EROFS;
	if (keys->n == ROOT_KEYS_MAX)
		return -EEXIST;
	keys->list[1] = keys->list[0];
	keys->list[0] = (struct root_key){.id = keys->list[1].id + 1, .since_s = now_s};
	randombytes_buf(keys->list[0].key, KEY_BYTES);
	keys->n = 2;
	return 0;
}

int root_keys_retire(struct root_keys *keys, uint32_t id)
{
	if (keys->n != 2 || keys->list[1].id != id)
		return -ENOENT;
	sodium_memzero(&keys->list[1], sizeof(keys->list[1]));
	keys->n = 1;
	return 0;
}
