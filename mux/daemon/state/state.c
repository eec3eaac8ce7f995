/*
 * The state folder's files. Runs in framemuxd. Anything in them that cannot be read ends the start:
 * a lost epoch or revocation would bring a right back to life.
 */
#include "mux/daemon/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/number.h"
#include "common/revoked.h"
#include "mux/daemon/camera.h"
#include "mux/daemon/config/parse.h"
#include "mux/daemon/state/folder.h"

#define ROOT_KEY      STATE_ROOT_KEY_FILE
#define ROOT_KEY_NEW  "root.key.new"
#define REVOKED       "revoked"
#define ID_HEX        (2 * TOKEN_ID_BYTES)
#define HASH_HEX      (2 * CAMERA_SOURCE_HASH_BYTES)
#define EPOCHS_HEADER "framemux epochs 1\n"

struct state {
	int folder;          /* owned; also holds the lock */
	int revoked_fd;      /* owned */
	struct revoked kept; /* what stands in it; behind a start the writer thread's */
};

static int explain(int rc, char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s: %s", what, strerror(-rc));
	return rc;
}

int state_open(const char *path, struct state **ret, char *ret_why, size_t why_size)
{
	cleanup_fd int folder = -1;
	struct state *s;
	struct stat st;
	int rc = folder_open(path, 0700, &folder, ret_why, why_size);

	if (rc < 0)
		return rc;
	if (fstat(folder, &st) < 0)
		return explain(-errno, ret_why, why_size, "fstat");
	if (st.st_uid != geteuid()) {
		snprintf(ret_why, why_size, "it belongs to uid %u, not to the mux", st.st_uid);
		return -EPERM;
	}
	/* An administrator's mkdir: close it, before there is anything in it. */
	if ((st.st_mode & 077) && fchmod(folder, 0700) < 0)
		return explain(-errno, ret_why, why_size, "chmod");
	if (flock(folder, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return explain(-errno, ret_why, why_size, "flock");
		snprintf(ret_why, why_size, "another framemuxd is using it");
		return -EBUSY;
	}
	s = malloc(sizeof(*s));
	if (!s)
		return explain(-ENOMEM, ret_why, why_size, "state");
	*s = (struct state){.folder = take_fd(&folder), .revoked_fd = -1};
	*ret = s;
	return 0;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	cleanup_close(&s->folder);
	cleanup_close(&s->revoked_fd);
	revoked_free(&s->kept);
	free(s);
}

int state_folder(const struct state *s)
{
	return s->folder;
}

/* ---- the root key -------------------------------------------------------------------- */

/* Made under another name and renamed: a key is there in full or not at all. */
static int make_root_key(struct state *s)
{
	uint8_t *key = sodium_malloc(KEY_BYTES);
	cleanup_fd int fd = -1;
	int rc = 0;

	if (!key)
		return -ENOMEM;
	randombytes_buf(key, KEY_BYTES);
	if (unlinkat(s->folder, ROOT_KEY_NEW, 0) < 0 && errno != ENOENT)
		rc = -errno;
	if (!rc) {
		fd = openat(s->folder, ROOT_KEY_NEW,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		rc = fd < 0 ? -errno : 0;
	}
	if (!rc && write(fd, key, KEY_BYTES) != KEY_BYTES)
		rc = -EIO;
	if (!rc &&
		(fsync(fd) < 0 ||
			renameat2(s->folder, ROOT_KEY_NEW, s->folder, ROOT_KEY, RENAME_NOREPLACE) <
				0 ||
			fsync(s->folder) < 0))
		rc = -errno;
	sodium_free(key);
	return rc;
}

static int read_root_key(struct state *s, uint8_t ret_key[KEY_BYTES], char *why, size_t size)
{
	cleanup_fd int fd =
		openat(s->folder, ROOT_KEY, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return explain(-errno, why, size, ROOT_KEY);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) ||
		st.st_nlink != 1 || st.st_size != KEY_BYTES) {
		snprintf(why, size,
			ROOT_KEY " is not a file of %u bytes that the mux alone can read",
			KEY_BYTES);
		return -EPERM;
	}
	if (read(fd, ret_key, KEY_BYTES) != KEY_BYTES)
		return explain(-EIO, why, size, ROOT_KEY);
	return 0;
}

int state_root_key(struct state *s, uint8_t ret_key[KEY_BYTES], char *ret_why, size_t why_size)
{
	if (faccessat(s->folder, ROOT_KEY, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		int rc = errno == ENOENT ? make_root_key(s) : -errno;

		if (rc < 0)
			return explain(rc, ret_why, why_size, ROOT_KEY);
	}
	return read_root_key(s, ret_key, ret_why, why_size);
}

/* ---- epochs -------------------------------------------------------------------------- */

struct epoch {
	char name[LIMIT_NAME];
	uint32_t number;
	char hash[HASH_HEX + 1];
	bool present;
};

static int parse_epoch(char *line, struct epoch *ret)
{
	char *save = NULL;
	char *name = strtok_r(line, " ", &save), *number = strtok_r(NULL, " ", &save);
	char *presence = strtok_r(NULL, " ", &save), *hash = strtok_r(NULL, " ", &save);
	uint64_t n;

	if (!hash || strtok_r(NULL, " ", &save) || !parse_is_name(name) ||
		number_parse(number, 1, UINT32_MAX - 1, &n) < 0 || strlen(hash) != HASH_HEX ||
		strspn(hash, "0123456789abcdef") != HASH_HEX ||
		(strcmp(presence, "present") != 0 && strcmp(presence, "absent") != 0))
		return -EINVAL;
	*ret = (struct epoch){.number = (uint32_t)n, .present = presence[0] == 'p'};
	memcpy(ret->name, name, strlen(name) + 1);
	memcpy(ret->hash, hash, sizeof(ret->hash));
	return 0;
}

/* room: further elements that the caller needs. */
static int load_epochs(
	struct state *s, size_t room, struct epoch **ret, size_t *ret_n, char *why, size_t size)
{
	cleanup_free char *text = NULL;
	cleanup_free struct epoch *epochs = NULL;
	size_t len = 0, lines = 0, n = 0;
	char *save = NULL;
	int rc = folder_read(s->folder, STATE_EPOCHS_FILE, STATE_FILE_BYTES_MAX, &text, &len);

	if (rc < 0 && rc != -ENOENT)
		return explain(rc, why, size, STATE_EPOCHS_FILE);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	epochs = calloc(lines + room + 1, sizeof(*epochs));
	if (!epochs)
		return explain(-ENOMEM, why, size, STATE_EPOCHS_FILE);
	if (!rc &&
		(strncmp(text, EPOCHS_HEADER, strlen(EPOCHS_HEADER)) != 0 ||
			text[len - 1] != '\n')) {
		snprintf(why, size, "%s is damaged", STATE_EPOCHS_FILE);
		return -EBADMSG;
	}
	for (char *line = rc ? NULL : strtok_r(text + strlen(EPOCHS_HEADER), "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		if (n >= lines || parse_epoch(line, &epochs[n]) < 0) {
			snprintf(why, size, "%s is damaged in line %zu", STATE_EPOCHS_FILE, n + 2);
			return -EBADMSG;
		}
		n++;
	}
	*ret = take_ptr(epochs);
	*ret_n = n;
	return 0;
}

static int epochs_text(const struct epoch *epochs, size_t n, char **ret, size_t *ret_len)
{
	const size_t line_max = LIMIT_NAME + HASH_HEX + 32;
	size_t cap = sizeof(EPOCHS_HEADER) + n * line_max, len;
	char *text = malloc(cap);

	if (!text)
		return -ENOMEM;
	len = (size_t)snprintf(text, cap, "%s", EPOCHS_HEADER);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, cap - len, "%s %" PRIu32 " %s %s\n",
			epochs[i].name, epochs[i].number, epochs[i].present ? "present" : "absent",
			epochs[i].hash);
	*ret = text;
	*ret_len = len;
	return 0;
}

static struct epoch *find_epoch(struct epoch *epochs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(epochs[i].name, name))
			return &epochs[i];
	return NULL;
}

int state_epochs_plan(struct state *s, const struct config_camera *cameras, size_t n,
	uint32_t *ret_epochs, char **ret_text, size_t *ret_len, char *ret_why, size_t why_size)
{
	cleanup_free struct epoch *epochs = NULL;
	cleanup_free bool *was_present = NULL;
	size_t n_epochs = 0;
	int rc = load_epochs(s, n, &epochs, &n_epochs, ret_why, why_size);

	if (rc < 0)
		return rc;
	was_present = calloc(n_epochs + n + 1, sizeof(*was_present));
	if (!was_present)
		return explain(-ENOMEM, ret_why, why_size, STATE_EPOCHS_FILE);
	for (size_t i = 0; i < n_epochs; i++) {
		was_present[i] = epochs[i].present;
		epochs[i].present = false; /* kept for good: it may come back */
	}
	for (size_t i = 0; i < n; i++) {
		struct epoch *e = find_epoch(epochs, n_epochs, cameras[i].name);
		uint8_t hash[CAMERA_SOURCE_HASH_BYTES];
		char hex[HASH_HEX + 1];

		camera_source_hash(&cameras[i], hash);
		sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
		if (!e) {
			e = &epochs[n_epochs++];
			memcpy(e->name, cameras[i].name, sizeof(e->name));
			e->number = 1;
		} else if (!was_present[e - epochs] || strcmp(e->hash, hex) != 0) {
			e->number++;
		}
		e->present = true;
		memcpy(e->hash, hex, sizeof(hex));
		ret_epochs[i] = e->number;
	}
	rc = epochs_text(epochs, n_epochs, ret_text, ret_len);
	return rc < 0 ? explain(rc, ret_why, why_size, STATE_EPOCHS_FILE) : 0;
}

int state_epochs_keep(struct state *s, const char *text, size_t len, char *ret_why, size_t why_size)
{
	int rc = folder_replace(s->folder, STATE_EPOCHS_FILE, text, len, 0600, (unsigned)-1);

	return rc < 0 ? explain(rc, ret_why, why_size, STATE_EPOCHS_FILE) : 0;
}

static bool is_configured(const struct config_camera *cameras, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(cameras[i].name, name))
			return true;
	return false;
}

int state_epochs_gone(struct state *s, const struct config_camera *cameras, size_t n,
	void (*gone)(void *data, const char *name, uint32_t epoch), void *data)
{
	cleanup_free struct epoch *epochs = NULL;
	size_t n_epochs = 0;
	char why[256];
	int rc = load_epochs(s, 0, &epochs, &n_epochs, why, sizeof(why));

	for (size_t i = 0; !rc && i < n_epochs; i++)
		if (epochs[i].present && !is_configured(cameras, n, epochs[i].name))
			gone(data, epochs[i].name, epochs[i].number);
	return rc;
}

/* ---- revoked tokens ------------------------------------------------------------------ */

static int open_revoked(struct state *s)
{
	struct stat st;

	s->revoked_fd = openat(s->folder, REVOKED,
		O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (s->revoked_fd < 0 || fstat(s->revoked_fd, &st) < 0 || fsync(s->folder) < 0)
		return -errno;
	/* Of another name for it somebody else's file might be appended to, or cut. */
	return S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 ? 0 : -EPERM;
}

static int parse_revoked(const char *text, size_t whole, uint8_t *ids, size_t *ret_n)
{
	size_t n = 0;

	for (size_t at = 0; at < whole; at += ID_HEX + 1) {
		size_t got;

		if (whole - at < ID_HEX + 1 || text[at + ID_HEX] != '\n' ||
			sodium_hex2bin(ids + n * TOKEN_ID_BYTES, TOKEN_ID_BYTES, text + at, ID_HEX,
				NULL, &got, NULL) < 0 ||
			got != TOKEN_ID_BYTES) {
			*ret_n = n;
			return -EBADMSG;
		}
		n++;
	}
	*ret_n = n;
	return 0;
}

/* What a power cut leaves of a line: a part of it, or the zeros of a block that was not written. */
static bool is_torn_line(const char *text, size_t len)
{
	size_t digits = strspn(text, "0123456789abcdef");

	return digits <= ID_HEX && sodium_is_zero((const uint8_t *)text + digits, len - digits);
}

int state_revoked_load(
	struct state *s, uint8_t **ret_ids, size_t *ret_n, char *ret_why, size_t why_size)
{
	cleanup_free char *text = NULL;
	cleanup_free uint8_t *ids = NULL;
	size_t len = 0, whole, n = 0;
	int rc = open_revoked(s);

	if (rc < 0)
		return explain(rc, ret_why, why_size, REVOKED);
	rc = folder_read(s->folder, REVOKED, STATE_REVOKED_MAX * (ID_HEX + 1), &text, &len);
	if (rc < 0)
		return explain(rc, ret_why, why_size, REVOKED);
	for (whole = len; whole && text[whole - 1] != '\n'; whole--)
		;
	if (!is_torn_line(text + whole, len - whole)) {
		snprintf(ret_why, why_size, "%s is damaged at its end", REVOKED);
		return -EBADMSG;
	}
	if (whole < len && ftruncate(s->revoked_fd, (off_t)whole) < 0)
		return explain(-errno, ret_why, why_size, REVOKED);
	ids = malloc(whole / (ID_HEX + 1) * TOKEN_ID_BYTES + TOKEN_ID_BYTES);
	if (!ids)
		return explain(-ENOMEM, ret_why, why_size, REVOKED);
	if (parse_revoked(text, whole, ids, &n) < 0) {
		snprintf(ret_why, why_size, "%s is damaged in line %zu", REVOKED, n + 1);
		return -EBADMSG;
	}
	if (revoked_add_all(&s->kept, ids, n) < 0)
		return explain(-ENOMEM, ret_why, why_size, REVOKED);
	*ret_ids = take_ptr(ids);
	*ret_n = n;
	return 0;
}

/*
 * The disk is full, or fails: what was written of this call is taken back, or the next line would join
 * it, and whoever asks again would add all of it once more.
 */
static int take_back(struct state *s, off_t size, int why)
{
	return ftruncate(s->revoked_fd, size) < 0 ? -EIO : why;
}

/* One write for one line: with O_APPEND a line is whole or it is the torn last one. */
static int append_revoked(struct state *s, const uint8_t id[TOKEN_ID_BYTES])
{
	char line[ID_HEX + 2];
	ssize_t wrote;

	sodium_bin2hex(line, ID_HEX + 1, id, TOKEN_ID_BYTES);
	line[ID_HEX] = '\n';
	wrote = TEMP_FAILURE_RETRY(write(s->revoked_fd, line, ID_HEX + 1));
	if (wrote < 0)
		return -errno;
	return wrote == ID_HEX + 1 ? 0 : -ENOSPC;
}

/* With more than that it would not be read at the next start. */
static bool has_room(const struct stat *st, size_t n)
{
	return n <= STATE_REVOKED_MAX &&
		(uint64_t)st->st_size <= (STATE_REVOKED_MAX - n) * (uint64_t)(ID_HEX + 1);
}

/* Whoever revokes one again has nothing to wait for, and the file does not grow. */
int state_revoked_add(struct state *s, const uint8_t *ids, size_t n)
{
	size_t added = 0;
	struct stat st;

	if (fstat(s->revoked_fd, &st) < 0)
		return -errno;
	if (revoked_make_room(&s->kept, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *id = ids + i * TOKEN_ID_BYTES;
		int rc = 0;

		if (revoked_has(&s->kept, id))
			continue;
		rc = has_room(&st, ++added) ? append_revoked(s, id) : -EFBIG;
		if (rc < 0)
			return take_back(s, st.st_size, rc);
	}
	if (added && fdatasync(s->revoked_fd) < 0)
		return take_back(s, st.st_size, -errno);
	for (size_t i = 0; i < n; i++)
		(void)revoked_add(&s->kept, ids + i * TOKEN_ID_BYTES); /* there is room */
	return 0;
}
