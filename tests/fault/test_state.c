/*
 * The files of the state folder and the token files, with each call failing once while one of them is
 * written or read: either the old content is there or the new one, whole; who was told that it is
 * written finds it written; and the next attempt succeeds.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "mux/daemon/camera.h"
#include "mux/daemon/config/token_file.h"
#include "mux/daemon/state/disk.h"
#include "mux/daemon/state/folder.h"
#include "mux/daemon/state/key_file.h"
#include "mux/daemon/state/key_given.h"
#include "mux/daemon/state/state.h"
#include "mux/daemon/trust/fingerprint_file.h"
#include "tests/fault/runs.h"
#include "tests/unit/unit.h"
#include "tests/unit/work_folder.h"

#define TEXT_MAX 4096

static char dir[64], why[512];
static struct runs runs;
static struct state *state;
static struct config_camera cams[2];
static const uint8_t ids[2 * TOKEN_ID_BYTES] = {1, 2, 3};

/* ---- operations: what is done, on which file; the text of the file before and after --------- */

static void as_daemon(bool is)
{
	fault_set_role(is ? FAULT_DAEMON : FAULT_NOBODY);
}

static struct config_camera camera(const char *name)
{
	struct config_camera cam = {0};
	const char *reason;

	snprintf(cam.name, sizeof(cam.name), "%s", name);
	ck_assert_int_eq(url_parse("rtsp://host/stream", &cam.source, &reason), 0);
	return cam;
}

/* The folder itself, made. */
static int do_open(void)
{
	struct state *s = NULL;
	int rc = state_open("new", &s, why, sizeof(why));

	state_close(s);
	return rc;
}

static void before_open(void)
{
	rmdir("new");
}

static int do_root_key(void)
{
	uint8_t key[KEY_BYTES];

	return state_root_key(state, key, why, sizeof(why));
}

static void before_root_key(void)
{
	unlink("state/root.key");
}

static int write_keys(uint32_t newest)
{
	const struct root_keys keys = {.n = 2, .list = {{.id = newest}, {.id = newest - 1}}};

	return key_file_write(state_folder(state), &keys);
}

static int do_root_keys(void)
{
	return write_keys(3);
}

static int do_root_keys_load(void)
{
	struct root_keys keys = {0};

	return key_file_load(state, &keys, why, sizeof(why));
}

static void before_root_keys(void)
{
	ck_assert_int_eq(write_keys(2), 0);
}

/* The credential is known by its print, or nothing is said to be. */
static int do_root_key_given(void)
{
	struct root_keys keys = {0};
	int rc;

	setenv("CREDENTIALS_DIRECTORY", "credentials", 1);
	rc = key_file_load(state, &keys, why, sizeof(why));
	unsetenv("CREDENTIALS_DIRECTORY");
	if (rc == 0 && (!keys.is_given || keys.n != 1 || keys.list[0].key[0] != 7))
		runs_complain(&runs, "another key than the one that is given");
	return rc;
}

static void before_root_key_given(void)
{
	const uint8_t key[KEY_BYTES] = {7};
	int fd;

	unlink("state/root.key");
	unlink("state/" ROOT_KEYS_FILE);
	unlink("state/" KEY_PRINT_FILE);
	mkdir("credentials", 0700);
	fd = open("credentials/" KEY_GIVEN_CREDENTIAL, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	ck_assert(fd < 0 || write(fd, key, sizeof(key)) == sizeof(key));
	close(fd);
}

/* As framemuxd does at its start. */
static int find_epochs(
	struct state *s, const struct config_camera *cameras, size_t n, uint32_t *ret_epochs)
{
	cleanup_free char *text = NULL;
	size_t len;
	int rc = state_epochs_plan(s, cameras, n, ret_epochs, &text, &len, why, sizeof(why));

	return rc < 0 ? rc : state_epochs_keep(s, text, len, why, sizeof(why));
}

static int do_epochs(void)
{
	uint32_t epochs[2];

	return find_epochs(state, cams, 2, epochs);
}

static void before_epochs(void)
{
	uint32_t epochs[1];

	unlink("state/epochs");
	ck_assert_int_eq(find_epochs(state, cams, 1, epochs), 0);
}

static int do_revoked_load(void)
{
	uint8_t *loaded = NULL;
	size_t n = 0;
	int rc;

	state_close(state);
	state = NULL;
	rc = state_open("state", &state, why, sizeof(why));
	if (rc == 0)
		rc = state_revoked_load(state, &loaded, &n, why, sizeof(why));
	free(loaded);
	return rc;
}

static void load_revoked(uint8_t **ret, size_t *ret_n)
{
	state_close(state);
	ck_assert_int_eq(state_open("state", &state, why, sizeof(why)), 0);
	ck_assert_int_eq(state_revoked_load(state, ret, ret_n, why, sizeof(why)), 0);
}

static void before_revoked(void)
{
	uint8_t *loaded;
	size_t n;

	unlink("state/revoked");
	load_revoked(&loaded, &n);
	free(loaded);
	ck_assert_int_eq(state_revoked_add(state, ids, 1), 0);
}

static int do_revoked_add(void)
{
	return state_revoked_add(state, ids + TOKEN_ID_BYTES, 1);
}

static int do_token(void)
{
	return token_file_write("tokens/porch", geteuid(), "new token\n", 10, why, sizeof(why));
}

static void before_token(void)
{
	ck_assert_int_eq(
		token_file_write("tokens/porch", geteuid(), "old token\n", 10, why, sizeof(why)),
		0);
}

static int do_token_remove(void)
{
	return token_file_remove("tokens/porch", why, sizeof(why));
}

static int write_prints(const char *server)
{
	struct fingerprint_record r = {.print = {.has_identity = true}};
	char *text;
	size_t len;
	int rc;

	snprintf(r.print.server, sizeof(r.print.server), "%s", server);
	rc = fingerprint_file_text(&r, 1, &text, &len);
	if (rc < 0)
		return rc;
	rc = folder_replace(state_folder(state), FINGERPRINTS_FILE, text, len, 0600, (unsigned)-1);
	free(text);
	return rc;
}

static void before_prints(void)
{
	ck_assert_int_eq(write_prints("old server"), 0);
}

static int do_prints(void)
{
	return write_prints("new server");
}

static int do_prints_load(void)
{
	struct camera_record cam = {0};
	struct fingerprint_record r;
	bool is_stale;

	return fingerprint_file_load(state_folder(state), &cam, 1, &r, &is_stale, why, sizeof(why));
}

static void nothing(void *data, int result)
{
	(void)data;
	(void)result;
}

static int succeed(void *data)
{
	(void)data;
	return 0;
}

/* The writer thread itself: begun, given a job, ended. */
static int do_disk(void)
{
	const struct disk_job job = {.run = succeed, .done = nothing};
	struct event_base *base = event_base_new();
	struct disk *d = NULL;
	int rc = disk_new(base, &d);

	if (rc == 0)
		rc = disk_submit(d, &job);
	disk_free(d);
	event_base_free(base);
	return rc;
}

struct operation {
	const char *name, *file;
	void (*before)(void);
	int (*run)(void);
};

static const struct operation operations[] = {
	{"state folder", NULL, before_open, do_open},
	{"root key", "state/root.key", before_root_key, do_root_key},
	{"root keys", "state/" ROOT_KEYS_FILE, before_root_keys, do_root_keys},
	{"root keys, read", "state/" ROOT_KEYS_FILE, before_root_keys, do_root_keys_load},
	{"root key, given", "state/" KEY_PRINT_FILE, before_root_key_given, do_root_key_given},
	{"epochs", "state/epochs", before_epochs, do_epochs},
	{"revoked, read", "state/revoked", before_revoked, do_revoked_load},
	{"revoked, one more", "state/revoked", before_revoked, do_revoked_add},
	{"token file", "tokens/porch", before_token, do_token},
	{"token file, removed", "tokens/porch", before_token, do_token_remove},
	{"fingerprints", "state/" FINGERPRINTS_FILE, before_prints, do_prints},
	{"fingerprints, read", "state/" FINGERPRINTS_FILE, before_prints, do_prints_load},
	{"writer thread", NULL, NULL, do_disk},
};

/* ---- a run ----------------------------------------------------------------------------------- */

/* "" for one that is not there. */
static void read_text(const char *file, char ret[TEXT_MAX])
{
	FILE *f = file ? fopen(file, "r") : NULL;
	size_t n = f ? fread(ret, 1, TEXT_MAX - 1, f) : 0;

	ret[n] = 0;
	if (f)
		fclose(f);
}

struct wanted {
	char old[TEXT_MAX], new[TEXT_MAX];
};

struct series {
	const struct operation *o;
	struct wanted text;
	bool is_random; /* a key: its length is what there is to compare */
};

static bool is_text(const struct series *s, const char *is, const char *wanted)
{
	struct stat st;

	if (s->is_random)
		return !*wanted ? stat(s->o->file, &st) < 0
				: stat(s->o->file, &st) == 0 && st.st_size == KEY_BYTES;
	return !strcmp(is, wanted);
}

static void check_file(const struct series *s, int rc)
{
	char is[TEXT_MAX];

	read_text(s->o->file, is);
	if (rc == 0 && !is_text(s, is, s->text.new))
		runs_complain(&runs, "it is said to be done, and is not");
	if (rc < 0 && !is_text(s, is, s->text.old) && !is_text(s, is, s->text.new))
		runs_complain(&runs, "neither the old text nor the new one: %s", is);
}

static void reopen(void)
{
	if (!state)
		ck_assert_int_eq(state_open("state", &state, why, sizeof(why)), 0);
}

static void run_once(void *data, unsigned n, unsigned variant)
{
	const struct series *s = data;
	long blocks, left;
	int fds, rc;

	reopen();
	if (s->o->before)
		s->o->before();
	fds = unit_count_fds();
	blocks = atomic_load(&fault_page->balance[FAULT_DAEMON].blocks);
	fault_arm(FAULT_DAEMON, n, variant);
	as_daemon(true);
	rc = s->o->run();
	as_daemon(false);
	fault_disarm();
	left = atomic_load(&fault_page->balance[FAULT_DAEMON].blocks) - blocks;
	if (rc < 0 && s->o->run == do_revoked_load) /* opened and closed by hand */
		state_close(state), state = NULL;
	else if (unit_count_fds() != fds)
		runs_complain(&runs, "%d descriptors left", unit_count_fds() - fds);
	if (left && s->o->run != do_revoked_load)
		runs_complain(&runs, "%ld blocks left", left);
	check_file(s, rc);
	if (fault_was_hit())
		runs_count(&runs, rc < 0 ? "said that it failed" : "done all the same");
	reopen();
	if (s->o->run() < 0)
		runs_complain(&runs, "it fails without a fault, too: %s", why);
	check_file(s, 0);
}

/* Whoever asked more than once: the file can be read, and both ids are in it once. */
static void check_revoked(void)
{
	uint8_t *loaded;
	size_t n;

	load_revoked(&loaded, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_mem_eq(loaded, ids, TOKEN_ID_BYTES);
	free(loaded);
}

START_TEST(test_operation)
{
	struct series s = {.o = &operations[_i]};

	s.is_random = s.o->run == do_root_key;
	reopen();
	if (s.o->before)
		s.o->before();
	read_text(s.o->file, s.text.old);
	ck_assert_int_eq(s.o->run(), 0);
	read_text(s.o->file, s.text.new);
	if (s.is_random) {
		strcpy(s.text.old, "");
		strcpy(s.text.new, "a key");
	}
	runs_begin(&runs, s.o->name, "framemuxd");
	runs_all(&runs, run_once, &s);
	if (s.o->run == do_revoked_add)
		check_revoked();
	runs_end(&runs);
}
END_TEST

/* ---- the folder ------------------------------------------------------------------------------ */

static void setup(void)
{
	umask(077);
	fault_begin();
	cams[0] = camera("porch");
	cams[1] = camera("yard");
	work_folder_begin(dir);
}

static void teardown(void)
{
	state_close(state);
	work_folder_end(dir);
}

int main(void)
{
	Suite *s = suite_create("fault_state");
	TCase *tc = tcase_create("fault_state");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_operation, 0, sizeof(operations) / sizeof(operations[0]));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
