/* mux/daemon/state, grants, folder and token_file: what survives a restart, and what must not. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/camera.h"
#include "mux/daemon/config/grants.h"
#include "mux/daemon/config/token_file.h"
#include "mux/daemon/state/folder.h"
#include "mux/daemon/state/state.h"
#include "tests/unit/unit.h"

static char dir[64], why[512];
static int fds_before;

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	umask(077);
	snprintf(dir, sizeof(dir), "/tmp/framemux-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	fds_before = unit_count_fds();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	ck_assert_int_eq(unit_count_fds(), fds_before);
	ck_assert_int_eq(chdir("/"), 0);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static struct state *open_state(void)
{
	struct state *s = NULL;

	ck_assert_msg(state_open("state", &s, why, sizeof(why)) == 0, "%s", why);
	return s;
}

static struct config_camera camera(const char *name, const char *url, const char *model)
{
	struct config_camera cam = {0};
	const char *reason;

	snprintf(cam.name, sizeof(cam.name), "%s", name);
	snprintf(cam.model, sizeof(cam.model), "%s", model);
	ck_assert_int_eq(url_parse(url, &cam.source, &reason), 0);
	return cam;
}

/* ---- folders ------------------------------------------------------------------------------- */

static int try_folder(const char *path, int create)
{
	int fd = -1, rc = folder_open(path, create, &fd, why, sizeof(why));

	if (rc == 0)
		close(fd);
	return rc;
}

START_TEST(test_folders)
{
	char path[128];
	struct stat st;

	ck_assert_int_eq(try_folder("a/b/c", 0700), 0);
	ck_assert_int_eq(stat("a", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0755);
	ck_assert_int_eq(stat("a/b/c", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s//a/b/d/", dir);
	ck_assert_int_eq(try_folder(path, 0755), 0);
	ck_assert_int_eq(stat("a/b/d", &st), 0);
	ck_assert_int_eq(try_folder(".", FOLDER_MUST_EXIST), 0);
	ck_assert_int_eq(try_folder("gone", FOLDER_MUST_EXIST), -ENOENT);
	write_file("file", "");
	ck_assert_int_lt(try_folder("file", FOLDER_MUST_EXIST), 0);
	ck_assert_int_lt(try_folder("file/x", 0700), 0);
	/* a link at the end */
	ck_assert_int_eq(symlink("a", "link"), 0);
	ck_assert_int_lt(try_folder("link", FOLDER_MUST_EXIST), 0);
	ck_assert_int_eq(try_folder("link/b", FOLDER_MUST_EXIST), 0);
	ck_assert_int_eq(symlink("nowhere", "dangling"), 0);
	ck_assert_int_lt(try_folder("dangling", 0700), 0);
	/* others can write: at the end, sticky at the end, on the way, sticky on the way */
	ck_assert_int_eq(chmod("a", 0777), 0);
	ck_assert_int_eq(try_folder("a", FOLDER_MUST_EXIST), -EPERM);
	ck_assert_int_eq(try_folder("a/b", FOLDER_MUST_EXIST), -EPERM);
	ck_assert_int_eq(try_folder("a/new", 0700), -EPERM);
	ck_assert_int_eq(chmod("a", 0770), 0);
	ck_assert_int_eq(try_folder("a", FOLDER_MUST_EXIST), -EPERM);
	ck_assert_int_eq(chmod("a", 01777), 0);
	ck_assert_int_eq(try_folder("a", FOLDER_MUST_EXIST), -EPERM);
	ck_assert_int_eq(try_folder("a", 0755), 0);
	ck_assert_int_eq(try_folder("a/b", FOLDER_MUST_EXIST), 0);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown("a/b", 65534, 65534), 0);
	ck_assert_int_eq(try_folder("a/b", FOLDER_MUST_EXIST), -EPERM);
	ck_assert_int_eq(try_folder("a/b/c", FOLDER_MUST_EXIST), -EPERM);
}
END_TEST

START_TEST(test_replace)
{
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	char *text;
	size_t len;

	write_file("victim", "old");
	ck_assert_int_eq(symlink("victim", ".f.new"), 0); /* squatting the temporary name */
	ck_assert_int_eq(folder_replace(folder, "f", "text", 4, 0400, (unsigned)-1), 0);
	ck_assert_int_eq(folder_read(folder, "f", 100, &text, &len), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_str_eq(text, "text");
	free(text);
	ck_assert_int_eq(folder_read(folder, "victim", 100, &text, &len), 0);
	ck_assert_str_eq(text, "old");
	free(text);
	ck_assert_int_eq(lstat("f", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0400);
	ck_assert_int_eq(lstat(".f.new", &st), -1);
	ck_assert_int_eq(folder_read(folder, "f", 3, &text, &len), -EFBIG);
	ck_assert_int_eq(symlink("f", "l"), 0);
	ck_assert_int_eq(folder_read(folder, "l", 100, &text, &len), -ELOOP);
	ck_assert_int_eq(folder_replace(folder, "../f", "x", 1, 0400, (unsigned)-1), -EINVAL);
	close(folder);
}
END_TEST

/* ---- the state folder ------------------------------------------------------------------------ */

START_TEST(test_root_key)
{
	uint8_t one[KEY_BYTES], two[KEY_BYTES], zero[KEY_BYTES] = {0};
	struct state *s = open_state(), *other;
	struct stat st;

	ck_assert_int_eq(state_root_key(s, one, why, sizeof(why)), 0);
	ck_assert_int_ne(memcmp(one, zero, KEY_BYTES), 0);
	ck_assert_int_eq(stat("state/root.key", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat("state", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(state_open("state", &other, why, sizeof(why)), -EBUSY);
	state_close(s);
	s = open_state();
	ck_assert_int_eq(state_root_key(s, two, why, sizeof(why)), 0);
	ck_assert_mem_eq(one, two, KEY_BYTES);
	ck_assert_int_eq(chmod("state/root.key", 0640), 0);
	ck_assert_int_eq(state_root_key(s, two, why, sizeof(why)), -EPERM);
	ck_assert_int_eq(chmod("state/root.key", 0600), 0);
	ck_assert_int_eq(truncate("state/root.key", 31), 0);
	ck_assert_int_eq(state_root_key(s, two, why, sizeof(why)), -EPERM);
	ck_assert_int_eq(unlink("state/root.key"), 0);
	write_file("elsewhere", "0123456789abcdef0123456789abcdef");
	ck_assert_int_eq(symlink("../elsewhere", "state/root.key"), 0);
	ck_assert_int_lt(state_root_key(s, two, why, sizeof(why)), 0);
	state_close(s);
	/* an open folder is closed to others */
	ck_assert_int_eq(chmod("state", 0755), 0);
	s = open_state();
	ck_assert_int_eq(stat("state", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	state_close(s);
}
END_TEST

/* As framemuxd does at its start. */
static int find_epochs(
	struct state *s, const struct config_camera *cameras, size_t n, uint32_t *ret_epochs)
{
	cleanup_free char *text = NULL;
	size_t len;
	int rc = state_epochs_plan(s, cameras, n, ret_epochs, &text, &len, why, sizeof(why));

	return rc < 0 ? rc : state_epochs_keep(s, text, len, why, sizeof(why));
}

static void epochs_are(const struct config_camera *cams, size_t n, const uint32_t *expected)
{
	struct state *s = open_state();
	uint32_t got[4] = {0};

	ck_assert_msg(find_epochs(s, cams, n, got) == 0, "%s", why);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(got[i], expected[i]);
	state_close(s);
}

START_TEST(test_epochs)
{
	struct config_camera a = camera("a", "rtsp://h/a", ""), b = camera("b", "test:b", "m1");

	epochs_are((struct config_camera[]){a, b}, 2, (uint32_t[]){1, 1});
	epochs_are((struct config_camera[]){b, a}, 2, (uint32_t[]){1, 1}); /* order is nothing */
	a = camera("a", "RTSP://u:p@H:554/a", "");                         /* the same source */
	epochs_are((struct config_camera[]){a, b}, 2, (uint32_t[]){1, 1});
	a = camera("a", "rtsp://h/other", "");
	epochs_are((struct config_camera[]){a, b}, 2, (uint32_t[]){2, 1});
	b = camera("b", "test:b", "m2");
	epochs_are((struct config_camera[]){a, b}, 2, (uint32_t[]){2, 2});
	epochs_are(&a, 1, (uint32_t[]){2});                                /* b is removed */
	epochs_are((struct config_camera[]){a, b}, 2, (uint32_t[]){2, 3}); /* and comes back */
	epochs_are(NULL, 0, NULL);
	a = camera("a", "rtsp://h/a", "");
	epochs_are(&a, 1, (uint32_t[]){3});
}
END_TEST

START_TEST(test_damaged_epochs)
{
	static const char *const rows[] = {"", "framemux epochs 1", "framemux epochs 2\n",
		"framemux epochs 1\na\n", "framemux epochs 1\na 1 present\n",
		"framemux epochs 1\na 0 present "
		"68338bc0837eff53894f7dd14da5ecccaf794c8d893a08d78884e7d49cc70281\n",
		"framemux epochs 1\na 1 here "
		"68338bc0837eff53894f7dd14da5ecccaf794c8d893a08d78884e7d49cc70281\n",
		"framemux epochs 1\na 1 present "
		"68338bc0837eff53894f7dd14da5ecccaf794c8d893a08d78884e7d49cc70281"};
	struct config_camera a = camera("a", "test:a", "");
	uint32_t epoch;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct state *s = open_state();

		write_file("state/epochs", rows[i]);
		ck_assert_int_eq(find_epochs(s, &a, 1, &epoch), -EBADMSG);
		state_close(s);
	}
}
END_TEST

START_TEST(test_camera_record)
{
	struct config_camera cam = camera("a", "rtsp://u:p@H/x", "");
	struct camera_record one, two;

	camera_record_make(&cam, 1, &one);
	ck_assert_str_eq(one.canonical, "rtsp://h:554/x");
	ck_assert_str_eq(one.url, "rtsp://h/x");
	camera_record_make(&cam, 2, &two);
	ck_assert(!camera_id_equal(&one.id, &two.id));
	cam = camera("b", "rtsp://h/x", "");
	camera_record_make(&cam, 1, &two);
	ck_assert(!camera_id_equal(&one.id, &two.id));
	cam = camera("a", "rtsp://h/x", "");
	camera_record_make(&cam, 1, &two);
	ck_assert(camera_id_equal(&one.id, &two.id));
}
END_TEST

static size_t count_revoked(uint8_t **ret)
{
	struct state *s = open_state();
	size_t n = 0;

	free(*ret);
	*ret = NULL;
	ck_assert_msg(state_revoked_load(s, ret, &n, why, sizeof(why)) == 0, "%s", why);
	state_close(s);
	return n;
}

START_TEST(test_revoked)
{
	uint8_t ids[2 * TOKEN_ID_BYTES], *got = NULL;
	struct state *s;
	size_t n;
	int fd;

	ck_assert_uint_eq(count_revoked(&got), 0);
	for (size_t i = 0; i < sizeof(ids); i++)
		ids[i] = (uint8_t)(i * 7);
	s = open_state();
	free(got);
	ck_assert_int_eq(state_revoked_load(s, &got, &n, why, sizeof(why)), 0);
	ck_assert_int_eq(state_revoked_add(s, ids, 1), 0);
	ck_assert_int_eq(state_revoked_add(s, ids + TOKEN_ID_BYTES, 1), 0);
	state_close(s);
	ck_assert_uint_eq(count_revoked(&got), 2);
	ck_assert_mem_eq(got, ids, sizeof(ids));
	/* torn: cut off, and the next one stands on a line of its own */
	fd = open("state/revoked", O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, "0011", 4), 4);
	close(fd);
	s = open_state();
	free(got);
	ck_assert_int_eq(state_revoked_load(s, &got, &n, why, sizeof(why)), 0);
	ck_assert_uint_eq(n, 2);
	ids[0] ^= 1;
	ck_assert_int_eq(state_revoked_add(s, ids, 1), 0);
	state_close(s);
	ck_assert_uint_eq(count_revoked(&got), 3);
	free(got);
	got = NULL;
	/* damaged in the middle: no start */
	fd = open("state/revoked", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "x", 1, 40), 1);
	close(fd);
	s = open_state();
	ck_assert_int_eq(state_revoked_load(s, &got, &n, why, sizeof(why)), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why, "line 2"));
	state_close(s);
}
END_TEST

static size_t size_of_revoked(void)
{
	struct stat st;

	ck_assert_int_eq(stat("state/revoked", &st), 0);
	return (size_t)st.st_size;
}

static struct state *load_revoked(uint8_t **ret)
{
	struct state *s = open_state();
	size_t n;

	free(*ret);
	*ret = NULL;
	ck_assert_msg(state_revoked_load(s, ret, &n, why, sizeof(why)) == 0, "%s", why);
	return s;
}

/* A script that revokes one token for ever fills no disk, and no file that would not be read again. */
START_TEST(test_revoked_again)
{
	uint8_t ids[3 * TOKEN_ID_BYTES], *got = NULL;
	struct state *s = load_revoked(&got);
	size_t size;

	memset(ids, 7, sizeof(ids));
	ids[0] = 9;
	ids[TOKEN_ID_BYTES] = 3;
	ck_assert_int_eq(state_revoked_add(s, ids, 3), 0);
	size = size_of_revoked();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(state_revoked_add(s, ids, 3), 0);
	ck_assert_uint_eq(size_of_revoked(), size);
	state_close(s);
	s = load_revoked(&got); /* and after a restart */
	ck_assert_int_eq(state_revoked_add(s, ids + TOKEN_ID_BYTES, 2), 0);
	state_close(s);
	ck_assert_uint_eq(size_of_revoked(), size);
	ck_assert_uint_eq(count_revoked(&got), 3);
	free(got);
}
END_TEST

/* What cannot be read at the next start is not written. */
START_TEST(test_revoked_full)
{
	uint8_t id[TOKEN_ID_BYTES] = {1}, *got = NULL;
	size_t full = (size_t)STATE_REVOKED_MAX * 33;
	struct state *s = load_revoked(&got);

	ck_assert_int_eq(truncate("state/revoked", (off_t)full - 33), 0);
	ck_assert_int_eq(state_revoked_add(s, id, 1), 0);
	ck_assert_uint_eq(size_of_revoked(), full);
	id[0] = 2;
	ck_assert_int_eq(state_revoked_add(s, id, 1), -EFBIG);
	ck_assert_uint_eq(size_of_revoked(), full);
	state_close(s);
	free(got);
}
END_TEST

static const struct {
	const char *tail;
	size_t len;
	int rc;
} tails[] = {
	{"0", 1, 0},
	{"0123456789abcdef0123456789abcdef", 32, 0},
	{"\0\0\0\0\0\0\0\0", 8, 0}, /* a block that was not written */
	{"01\0\0\0\0", 6, 0},
	/* a bit of its end turned: a token would come back to life */
	{"0123456789abcdef0123456789abcdefJ", 33, -EBADMSG},
	{"0123456789abcdef0123456789abcdef0", 33, -EBADMSG},
	{"01 ", 3, -EBADMSG},
};

START_TEST(test_revoked_tail)
{
	uint8_t id[TOKEN_ID_BYTES] = {1}, *got = NULL;
	struct state *s = load_revoked(&got);
	size_t n = 0;
	int fd;

	ck_assert_int_eq(state_revoked_add(s, id, 1), 0);
	state_close(s);
	fd = open("state/revoked", O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, tails[_i].tail, tails[_i].len), (ssize_t)tails[_i].len);
	close(fd);
	s = open_state();
	free(got);
	got = NULL;
	ck_assert_int_eq(state_revoked_load(s, &got, &n, why, sizeof(why)), tails[_i].rc);
	if (tails[_i].rc)
		ck_assert_ptr_nonnull(strstr(why, "damaged at its end"));
	else
		ck_assert_uint_eq(n, 1);
	state_close(s);
	free(got);
}
END_TEST

/* ---- standing grants ----------------------------------------------------------------------------
 */

struct scene {
	struct config config;
	struct config_camera cameras[2];
	struct config_grant grants[2];
	unsigned which[2][2];
	struct camera_record records[2];
	/* of one life */
	struct state *state;
	struct grants *g;
	uint8_t *revoked;
	size_t n_revoked;
	struct standing *standing;
	size_t n;
};

static void scene_make(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->cameras[0] = camera("a", "test:a", "");
	s->cameras[1] = camera("b", "test:b", "");
	s->config.cameras = s->cameras;
	s->config.n_cameras = 2;
	s->config.grants = s->grants;
	s->config.n_grants = 1;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(s->grants[i].name, sizeof(s->grants[i].name), "g%u", i);
		s->grants[i].uid = geteuid();
		s->which[i][0] = 0;
		s->which[i][1] = 1;
		s->grants[i].cameras = s->which[i];
		s->grants[i].n_cameras = 2;
		snprintf(s->grants[i].token_file, sizeof(s->grants[i].token_file), "%s/tokens/g%u",
			dir, i);
		camera_record_make(&s->cameras[i], 1, &s->records[i]);
	}
}

static void scene_start(struct scene *s, uint64_t now_s)
{
	s->state = open_state();
	ck_assert_int_eq(
		state_revoked_load(s->state, &s->revoked, &s->n_revoked, why, sizeof(why)), 0);
	ck_assert_msg(grants_load(s->state, &s->config, s->records, now_s, &s->revoked,
			      &s->n_revoked, &s->g, why, sizeof(why)) == 0,
		"%s", why);
	s->n = grants_standing(s->g, &s->standing);
}

static void take_tokens(struct scene *s)
{
	char *text;
	size_t len;

	for (size_t i = 0; i < s->n; i++) {
		const struct standing *st = &s->standing[i];
		uint8_t root[KEY_BYTES] = {0}, id[TOKEN_ID_BYTES];
		char token[LIMIT_TOKEN];
		struct token t;

		/* as a broker does: the same for the same grant, camera and round */
		crypto_generichash(id, sizeof(id), st->hash, sizeof(st->hash),
			(const uint8_t *)&st->round, sizeof(st->round));
		token_begin(root, 1, id, &t);
		ck_assert_int_eq(token_format(&t, token), 0);
		ck_assert_int_eq(grants_take_token(s->g, st->grant->name, st->camera, token), 0);
	}
	ck_assert_int_eq(grants_save_text(s->g, &text, &len), 0);
	ck_assert_int_eq(
		folder_replace(state_folder(s->state), GRANTS_FILE, text, len, 0600, (unsigned)-1),
		0);
	free(text);
}

static void scene_end(struct scene *s)
{
	grants_free(s->g);
	state_close(s->state);
	free(s->revoked);
	s->revoked = NULL;
	s->n_revoked = 0;
}

static bool is_revoked(const struct scene *s, const uint8_t *id)
{
	for (size_t i = 0; i < s->n_revoked; i++)
		if (!memcmp(s->revoked + i * TOKEN_ID_BYTES, id, TOKEN_ID_BYTES))
			return true;
	return false;
}

START_TEST(test_unchanged_grant_keeps_its_token)
{
	uint8_t first[TOKEN_ID_BYTES];
	struct scene s;

	scene_make(&s);
	s.grants[0].expires_s = 1000;
	scene_start(&s, 5000);
	ck_assert_uint_eq(s.n, 2);
	ck_assert_uint_eq(s.standing[0].round, 1);
	ck_assert_uint_eq(s.standing[0].not_after, 6000);
	take_tokens(&s);
	memcpy(first, s.standing[0].id, sizeof(first));
	scene_end(&s);
	scene_start(&s, 5500); /* its first day stays its first day */
	ck_assert_uint_eq(s.standing[0].round, 1);
	ck_assert_uint_eq(s.standing[0].not_after, 6000);
	ck_assert_uint_eq(s.n_revoked, 0);
	take_tokens(&s);
	ck_assert_mem_eq(first, s.standing[0].id, sizeof(first));
	scene_end(&s);
}
END_TEST

START_TEST(test_changed_grant_loses_its_tokens)
{
	uint8_t first[2][TOKEN_ID_BYTES];
	struct scene s;

	scene_make(&s);
	scene_start(&s, 5000);
	take_tokens(&s);
	memcpy(first[0], s.standing[0].id, TOKEN_ID_BYTES);
	memcpy(first[1], s.standing[1].id, TOKEN_ID_BYTES);
	scene_end(&s);
	s.grants[0].max_fps = 5;
	scene_start(&s, 5100);
	ck_assert_uint_eq(s.standing[0].round, 2);
	ck_assert_uint_eq(s.standing[0].since_s, 5100);
	ck_assert(is_revoked(&s, first[0]) && is_revoked(&s, first[1]));
	take_tokens(&s);
	scene_end(&s);
	s.grants[0].max_fps = 0; /* back as it was: not back to the old tokens */
	scene_start(&s, 5200);
	ck_assert_uint_eq(s.standing[0].round, 3);
	take_tokens(&s);
	ck_assert_mem_ne(first[0], s.standing[0].id, TOKEN_ID_BYTES);
	ck_assert(!is_revoked(&s, s.standing[0].id));
	scene_end(&s);
	/* a new epoch of one camera is a change of that camera's part alone */
	camera_record_make(&s.cameras[1], 2, &s.records[1]);
	scene_start(&s, 5300);
	ck_assert_uint_eq(s.standing[0].round, 3);
	ck_assert_uint_eq(s.standing[1].round, 4);
	scene_end(&s);
}
END_TEST

START_TEST(test_removed_and_revoked_grants)
{
	uint8_t first[TOKEN_ID_BYTES];
	struct scene s;

	scene_make(&s);
	scene_start(&s, 5000);
	take_tokens(&s);
	memcpy(first, s.standing[0].id, sizeof(first));
	ck_assert_int_eq(
		state_revoked_add(s.state, s.standing[1].id, 1), 0); /* framemuxctl revoke */
	scene_end(&s);
	scene_start(&s, 5100);
	ck_assert_uint_eq(s.standing[0].round, 1);
	ck_assert_uint_eq(s.standing[1].round, 2); /* a new one */
	take_tokens(&s);
	scene_end(&s);
	s.config.n_grants = 0;
	scene_start(&s, 5200);
	ck_assert_uint_eq(s.n, 0);
	ck_assert(is_revoked(&s, first));
	scene_end(&s);
	s.config.n_grants = 1;
	scene_start(&s, 5300);
	ck_assert_uint_eq(s.standing[0].round, 2);
	ck_assert_uint_eq(s.standing[1].round, 3);
	scene_end(&s);
}
END_TEST

START_TEST(test_token_files)
{
	struct scene s;
	struct stat st;
	char *text, path[LIMIT_PATH];

	log_init("test", 0);
	scene_make(&s);
	s.config.n_grants = 2;
	scene_start(&s, 5000);
	ck_assert_int_eq(grants_token_text(s.g, &s.grants[0], &text), -EAGAIN);
	take_tokens(&s);
	ck_assert_int_eq(grants_token_text(s.g, &s.grants[0], &text), 0);
	ck_assert_int_eq(strncmp(text, "a fmx1_", 7), 0);
	ck_assert_ptr_nonnull(strstr(text, "\nb fmx1_"));
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(token_file_write(s.grants[i].token_file, geteuid(), text,
					 strlen(text), why, sizeof(why)),
			0);
	sodium_free(text);
	ck_assert_int_eq(stat("tokens/g0", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0400);
	ck_assert_int_eq(grants_take_token(s.g, "g9", "a", "fmx1_"), -ENOENT);
	ck_assert_int_eq(grants_take_token(s.g, "g0", "a", "nonsense"), -EBADMSG);
	scene_end(&s);
	/* one goes with its grant, the other moves */
	s.config.n_grants = 1;
	snprintf(path, sizeof(path), "%s", s.grants[0].token_file);
	snprintf(s.grants[0].token_file, sizeof(s.grants[0].token_file), "%s/tokens/moved", dir);
	scene_start(&s, 5100);
	grants_clean_up(s.g);
	ck_assert_uint_eq(s.standing[0].round, 1); /* where it is written is no part of the right */
	ck_assert_int_eq(stat("tokens/g1", &st), -1);
	ck_assert_int_eq(stat(path, &st), -1);
	scene_end(&s);
}
END_TEST

START_TEST(test_token_file_folders)
{
	struct stat st;

	ck_assert_int_eq(token_file_write("t/x/f", geteuid(), "one\n", 4, why, sizeof(why)), 0);
	ck_assert_int_eq(token_file_write("t/x/f", geteuid(), "two\n", 4, why, sizeof(why)), 0);
	write_file("victim", "old");
	ck_assert_int_eq(symlink("../../victim", "t/x/l"), 0);
	ck_assert_int_lt(token_file_write("t/x/l", geteuid(), "new\n", 4, why, sizeof(why)), 0);
	ck_assert_int_lt(token_file_remove("t/x/l", why, sizeof(why)), 0);
	ck_assert_int_eq(stat("victim", &st), 0);
	ck_assert_int_eq(st.st_size, 3);
	ck_assert_int_eq(link("victim", "t/x/hard"), 0);
	ck_assert_int_eq(token_file_write("t/x/hard", geteuid(), "new\n", 4, why, sizeof(why)), 0);
	ck_assert_int_eq(stat("victim", &st), 0); /* replaced, not written through */
	ck_assert_int_eq(st.st_size, 3);
	ck_assert_int_eq(symlink("x", "t/link"), 0);
	ck_assert_int_lt(token_file_write("t/link/f", geteuid(), "x\n", 2, why, sizeof(why)), 0);
	ck_assert_int_eq(chmod("t/x", 0777), 0);
	ck_assert_int_eq(token_file_write("t/x/f", geteuid(), "x\n", 2, why, sizeof(why)), -EPERM);
	ck_assert_int_eq(chmod("t/x", 01777), 0);
	ck_assert_int_eq(token_file_write("t/x/f", geteuid(), "x\n", 2, why, sizeof(why)), -EPERM);
	ck_assert_int_eq(chmod("t/x", 0755), 0);
	ck_assert_int_eq(token_file_remove("t/x/f", why, sizeof(why)), 0);
	ck_assert_int_eq(token_file_remove("t/x/f", why, sizeof(why)), 0);
	ck_assert_int_eq(token_file_remove("gone/f", why, sizeof(why)), 0);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(token_file_write("t/x/u", 65534, "x\n", 2, why, sizeof(why)), 0);
	ck_assert_int_eq(stat("t/x/u", &st), 0);
	ck_assert_uint_eq(st.st_uid, 65534);
	ck_assert_uint_eq(st.st_mode & 07777, 0400);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tc = tcase_create("state");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_folders);
	tcase_add_test(tc, test_replace);
	tcase_add_test(tc, test_root_key);
	tcase_add_test(tc, test_epochs);
	tcase_add_test(tc, test_damaged_epochs);
	tcase_add_test(tc, test_camera_record);
	tcase_add_test(tc, test_revoked);
	tcase_add_test(tc, test_revoked_again);
	tcase_add_test(tc, test_revoked_full);
	tcase_add_loop_test(tc, test_revoked_tail, 0, ARRAY_SIZE(tails));
	tcase_add_test(tc, test_unchanged_grant_keeps_its_token);
	tcase_add_test(tc, test_changed_grant_loses_its_tokens);
	tcase_add_test(tc, test_removed_and_revoked_grants);
	tcase_add_test(tc, test_token_files);
	tcase_add_test(tc, test_token_file_folders);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
