/* mux/daemon/config: what is accepted, and what is refused with which FILE:LINE. */
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mux/daemon/config/config.h"
#include "mux/daemon/config/config_text.h"
#include "tests/unit/unit.h"

static char dir[64];

static void write_mode(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void write_file(const char *name, const char *text)
{
	write_mode(name, text, 0600);
}

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	snprintf(dir, sizeof(dir), "/tmp/framemux-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
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
	ck_assert_int_eq(chdir("/"), 0);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct config *load_good(const char *text)
{
	struct config_error error = {""};
	struct config *c = NULL;

	write_file("c", text);
	if (config_load("c", &c, &error) < 0)
		ck_abort_msg("refused: %s", error.text);
	return c;
}

static const char *load_bad(const char *text)
{
	static struct config_error error;
	struct config *c = NULL;

	error.text[0] = 0;
	write_file("c", text);
	if (config_load("c", &c, &error) == 0)
		ck_abort_msg("accepted: %s", text);
	return error.text;
}

#define PIN      "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY      "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="
#define MINISIGN "RWQAAQIDBAUGB4qI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
#define KEY_2    "gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q="
#define CAM      "camera \"a\" { url = \"test:a\" }\n"

START_TEST(test_defaults)
{
	struct config *c = load_good("");

	ck_assert_str_eq(c->socket, RUNSTATEDIR "/framemux/client.sock");
	ck_assert_str_eq(c->control_socket, RUNSTATEDIR "/framemux/control.sock");
	ck_assert_str_eq(c->state_dir, LOCALSTATEDIR "/lib/framemux");
	ck_assert_str_eq(c->admin_group, "framemux");
	ck_assert_uint_eq(c->stale_after_ms, 1000);
	ck_assert_uint_eq(c->linger_s, 5);
	ck_assert_uint_eq(c->uid_quota_mb, 256);
	ck_assert_uint_eq(c->n_cameras + c->n_grants + c->n_admins, 0);
	config_free(c);
}
END_TEST

START_TEST(test_everything_good)
{
	const struct config_camera *cam;
	const struct config_grant *g;
	struct config *c;

	write_file("porch.secret", "pass word\n");
	c = load_good(
		"socket = \"/x/c.sock\" control_socket = '/x/k.sock'\n"
		"state_dir = \"state\" state_anchor = \"none\"\n"
		"admin_group = \"wheel\" admins = { 1000, root }\n"
		"stale_after = 250 linger = 0 uid_quota_mb = 64\n"
		"policy_keys = { \"" KEY "\", \"" KEY_2 "\" } policy_folder = \"drop/\"\n"
		"camera \"porch\" { // a comment with { and \"\n"
		" url = \"RTSP://Cam.Local:554/h264?x=1\"\n"
		" username = \"viewer\" password_file = \"porch.secret\"\n"
		" auth = \"digest\" transport = \"tcp\" fingerprint = \"off\" standby = \"cold\"\n"
		" vendor = \"a vendor\" model = \"m-1\"\n"
		" mask = { \"0,0,320x180\", /* between } */ \"8,8,2x2\" } # the end\n"
		"}\n"
		"camera b { url = test:b }\n"
		"grant \"wall\" { user = root cameras = { b, \"porch\" } max_size = 1280x720\n"
		" max_fps = 15 expires = 30d dump = true label = \"the wall\"\n"
		" mask = { \"1,2,3x4\" } token_file = \"t/wall\" }\n");
	cam = &c->cameras[0];
	g = &c->grants[0];
	ck_assert_uint_eq(c->n_cameras, 2);
	ck_assert_uint_eq(c->n_grants, 1);
	ck_assert_uint_eq(c->n_admins, 2);
	ck_assert_uint_eq(c->n_policy_keys, 2);
	ck_assert_uint_eq(c->policy_quorum, 2);
	ck_assert_int_eq(strncmp(c->policy_folder, dir, strlen(dir)), 0);
	ck_assert_str_eq(c->policy_folder + strlen(dir), "/drop/");
	ck_assert_uint_eq(c->admins[0], 1000);
	ck_assert_uint_eq(c->admins[1], 0);
	ck_assert_str_eq(cam->source.url, "rtsp://cam.local/h264?x=1");
	ck_assert_str_eq(cam->source.canonical, "rtsp://cam.local:554/h264?x=1");
	ck_assert_str_eq(cam->username, "viewer");
	ck_assert_str_eq(cam->password, "pass word");
	ck_assert_uint_eq(cam->n_masks, 2);
	ck_assert_uint_eq(cam->masks[1].x, 8);
	ck_assert_str_eq(cam->model, "m-1");
	ck_assert_uint_eq(c->cameras[1].source.width, 640);
	ck_assert_uint_eq(g->uid, 0);
	ck_assert_uint_eq(g->n_cameras, 2);
	ck_assert_uint_eq(g->cameras[0], 1);
	ck_assert_uint_eq(g->cameras[1], 0);
	ck_assert_uint_eq(g->max_height, 720);
	ck_assert_uint_eq(g->max_fps, 15);
	ck_assert_uint_eq(g->expires_s, 30 * 86400);
	ck_assert(g->dump);
	ck_assert_int_eq(strncmp(g->token_file, dir, strlen(dir)), 0);
	ck_assert_str_eq(g->token_file + strlen(dir), "/t/wall");
	config_free(c);
}
END_TEST

/* text, the line, a part of the message */
static const struct {
	const char *text;
	unsigned line;
	const char *what;
} bad[] = {
	/* grammar, with exact lines after comments of each kind */
	{"# one\n// two\n/* three\n four */\nlinger = x", 5, "whole number"},
	{"colour = \"red\"\n", 1, "unknown key \"colour\""},
	{"\n\ncamera \"a\" {\n url = \"test:a\"\n\n colour = 1\n}\n", 6, "unknown key \"colour\""},
	{"hub \"a\" { }\n", 1, "unknown section \"hub\""},
	{"linger = 1\n\nlinger = 2\n", 3, "\"linger\" is repeated; it stands in c:1"},
	{"camera \"a\" {\n url = \"test:a\"\n url = \"test:b\"\n}\n", 3, "\"url\" is repeated"},
	{"linger += 1\n", 1, "was expected"},
	{CAM "\n" CAM, 3, "camera \"a\" is repeated"},
	{"camera \"a\" {\n url = \"test:a\"\n", 2, "no closing brace"},
	{"camera { url = \"test:a\" }\n", 1, "section's name"},
	{"camera \"a b\" { url = \"test:a\" }\n", 1, "name is 1 to 63"},
	{"camera \"..\" { url = \"test:a\" }\n", 1, "name is 1 to 63"},
	{"\n}\n", 2, "a key or section was expected"},
	{"linger = \"1\n\"\n", 1, "does not end on its line"},
	{"linger\n= 1 /* open\n", 2, "comment that begins here does not end"},
	{"vendor = 1 ? 2\n", 1, "was expected"},
	{"exec(\"x\")\n", 1, "was expected"},
	{"camera \"a\" {\n url = \"test:a\"\n include(\"x\")\n}\n", 3, "outside of sections"},
	/* no variables, in no kind of quotes; comments may */
	{"# ${HOME}\nlinger = ${X}\n", 2, "\"${\" is refused"},
	{"\nstate_dir = \"/x/${HOME}\"\n", 2, "\"${\" is refused"},
	{"\nstate_dir = '/x/${HOME}'\n", 2, "\"${\" is refused"},
	{"admins = { 1,\n \"${HOME}\" }\n", 2, "\"${\" is refused"},
	/* values */
	{"linger = 010x\n", 1, "whole number"},
	{"linger = -1\n", 1, "whole number"},
	{"linger = 99999999999999999999999\n", 1, "whole number"},
	{"stale_after = 0\n", 1, "whole number from 20 to 600000"},
	{"uid_quota_mb = 0\n", 1, "whole number"},
	{"admins = { \"no-such-user\" }\n", 1, "no user"},
	{"admin_group = \"\"\n", 1, "is empty"},
	{"socket = \"x\"\ncontrol_socket = \"x\"\n", 2, "the same path"},
	{"state_anchor = \"else\"\n", 1, "use none, journal, or a file"},
	/* keys of a policy */
	{"policy_keys = { \"AAAA\" }\n", 1, "number 1: a key is the 44 characters"},
	{"\npolicy_keys = { \"" KEY "\",\n\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\" }\n", 2,
		"number 2: that is no key"},
	{"policy_keys = { \"" KEY "\", \"" KEY "\" }\n", 1, "numbers 1 and 2 are one key"},
	{"policy_keys = { \"" KEY "\", \"" MINISIGN "\" }\n", 1, "numbers 1 and 2 are one key"},
	{"linger = 1\npolicy_quorum = 1\n", 2, "policy_quorum without policy_keys"},
	{"policy_keys = { \"" KEY "\" }\npolicy_quorum = 2\n", 2, "from 1 to 1"},
	{"policy_keys = { \"" KEY "\" }\npolicy_quorum = 0\n", 2, "from 1 to 1"},
	{"policy_folder = \"somewhere\"\n", 1, "use none, or a folder"},
	/* transport, certificates, bounds */
	{"camera \"a\" {\n url = \"test:a\"\n transport = \"udp\"\n}\n", 3, "for rtsp and rtsps"},
	{"camera \"a\" {\n url = \"rtsps://h/\"\n transport = \"udp\"\n}\n", 3, "use tcp"},
	{"camera \"a\" {\n url = \"rtsp://h/\"\n transport = \"sctp\"\n}\n", 3,
		"auto or tcp or udp"},
	{"camera \"a\" {\n url = \"rtsp://h/\"\n auth = \"basic\"\n}\n", 3, "in the clear"},
	{"camera \"a\" {\n url = \"http://h/\"\n auth = \"basic\"\n}\n", 3, "in the clear"},
	{"camera \"a\" {\n url = \"https://h/\"\n auth = \"ntlm\"\n}\n", 3, "digest or basic"},
	{"camera \"a\" {\n url = \"test:a\"\n standby = \"hot\"\n}\n", 3, "cold or warm"},
	{"camera \"a\" {\n url = \"rtsp://h/\"\n tls_pin = \"" PIN "\"\n}\n", 3,
		"for rtsps and https"},
	{"camera \"a\" {\n url = \"rtsps://h/\"\n tls_pin = \"x\"\n}\n", 3, "sha256//"},
	{"camera \"a\" {\n url = \"rtsps://h/\"\n tls_pin = \"sha256//AAAA\"\n}\n", 3, "44"},
	{"camera \"a\" {\n url = \"rtsps://h/\"\n tls_pin = \"" PIN "A\"\n}\n", 3, "44"},
	{"camera \"a\" {\n url = \"rtsps://h/\"\n tls_pin = \"sha256//"
	 "\xc1\xc2\xc3\xc4"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n}\n",
		3, "44"},
	{"camera \"a\" {\n url = \"rtsps://h/\"\n tls_pin = \"sha256//"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\"\n}\n",
		3, "44"},
	{"camera \"a\" {\n url = \"rtsps://h/\"\n tls_pin = \"" PIN "\"\n tls_ca = \"c\"\n}\n", 4,
		"only one"},
	{"camera \"a\" {\n url = \"https://h/\"\n tls_ca = \"nowhere\"\n}\n", 3, "No such file"},
	{"camera \"a\" {\n url = \"test:a\"\n patience = 1\n}\n", 3, "2 to 120"},
	{"camera \"a\" {\n url = \"test:a\"\n memory_mb = 63\n}\n", 3, "64 to 65536"},
	{"camera \"a\" {\n url = \"test:a\"\n max_picture = 8192x8192\n}\n", 3, "pixels in all"},
	{CAM "grant g {\n uid = 0\n unit = hub.service\n cameras = { a }\n}\n", 4,
		"\"/system.slice/hub.service\""},
	{CAM "grant g {\n uid = 0\n unit = \"/a/../b\"\n cameras = { a }\n}\n", 4, "whole path"},
	{CAM "grant g {\n uid = 0\n unit = \"\"\n cameras = { a }\n}\n", 4, "is empty"},
	/* cameras */
	{"\ncamera \"a\" {\n}\n", 2, "has no url"},
	{"camera \"a\" {\n url = \"\"\n}\n", 2, "no URL"},
	{"camera \"a\" {\n url = \"ftp://h/\"\n}\n", 2, "unknown scheme"},
	{"camera \"a\" {\n url = \"rtsp://h/\"\n transport = \"sctp\"\n}\n", 3,
		"takes auto or tcp"},
	{"camera \"a\" {\n url = { \"test:a\", \"test:b\" }\n}\n", 2, ""},
	{"camera \"a\" { url = \"test:a\" mask = { \"1,2,3\" } }\n", 1, "a mask is"},
	{"camera \"a\" { url = \"test:a\"\n username = \"u\" }\n", 2, "only a camera on a network"},
	{"camera \"a\" { url = \"rtsp://h/\"\n username = \"u\" }\n", 2,
		"password_file is missing"},
	{"camera \"a\" { url = \"rtsp://u@h/\" }\n", 1, "password_file is missing"},
	{"camera \"a\" { url = \"rtsp://u:p@h/\"\n username = \"u\" }\n", 2, "only one"},
	{"camera \"a\" { url = \"rtsp://h/\" username = u\n password_file = \"none\" }\n", 2,
		"No such file"},
	{"camera \"a\" { url = \"rtsp://h/x\" }\n\ncamera \"b\" {\n\n"
	 "url = \"RTSP://u:p@H.:554/x\" transport = tcp }",
		5, "the same source as camera \"a\""},
	/* grants */
	{CAM "grant g {\n cameras = { a }\n}\n", 2, "no holder"},
	{CAM "grant g {\n user = root\n uid = 0\n cameras = { a }\n}\n", 4, "only one"},
	{CAM "grant g {\n user = \"no-such-user\"\n cameras = { a }\n}\n", 3, "no user"},
	{CAM "grant g {\n uid = 4294967295\n cameras = { a }\n}\n", 3, "user's number"},
	{CAM "grant g {\n uid = root\n cameras = { a }\n}\n", 3, "user's number"},
	{CAM "grant g {\n uid = 0\n}\n", 2, "names no cameras"},
	{CAM "grant g {\n uid = 0\n cameras = { }\n}\n", 4, "names no cameras"},
	{CAM "grant g {\n uid = 0\n cameras = { a,\n b }\n}\n", 4, "\"b\" is not defined"},
	{CAM "grant g {\n uid = 0\n cameras = { a, a }\n}\n", 4, "\"a\" is repeated"},
	{CAM "grant g { uid = 0 cameras = { a }\n max_size = 0x100 }\n", 3, "takes WxH"},
	{CAM "grant g { uid = 0 cameras = { a }\n max_fps = 0 }\n", 3, "whole number"},
	{CAM "grant g { uid = 0 cameras = { a }\n expires = 5 }\n", 3, "duration"},
	{CAM "grant g { uid = 0 cameras = { a }\n expires = 0s }\n", 3, "duration"},
	{CAM "grant g { uid = 0 cameras = { a }\n dump = maybe }\n", 3, "true or false"},
	{CAM "grant g { uid = 0 cameras = { a }\n token_file = \"x/\" }\n", 3, "folder"},
	{CAM "grant g { uid = 0 cameras = { a } token_file = x }\n"
	     "grant h { uid = 0 cameras = { a }\n token_file = x }\n",
		4, "the same token_file"},
	{CAM "grant g { uid = 0 cameras = { a } token_file = \"t/x\" }\n"
	     "grant h { uid = 0 cameras = { a }\n token_file = \"./t//./x\" }\n",
		4, "the same token_file"},
};

START_TEST(test_bad)
{
	char begin[32];
	const char *error = load_bad(bad[_i].text);

	snprintf(begin, sizeof(begin), "c:%u: ", bad[_i].line);
	ck_assert_msg(
		!strncmp(error, begin, strlen(begin)), "not at line %u: %s", bad[_i].line, error);
	ck_assert_msg(strstr(error, bad[_i].what) != NULL, "not \"%s\": %s", bad[_i].what, error);
}
END_TEST

START_TEST(test_camera_keys)
{
	struct config *c =
		load_good("camera \"a\" {\n url = \"rtsps://h/x\"\n tls_pin = \"" PIN "\"\n"
			  "auth = \"basic\"\n standby = \"warm\"\n fingerprint = \"off\"\n"
			  "memory_mb = 100\n max_picture = 1920x1080\n patience = 30\n}\n"
			  "camera \"b\" {\n url = \"rtsp://h/x\"\n transport = \"udp\"\n}\n"
			  "camera \"c\" {\n url = \"rtsp://h/y\"\n}\n");
	const struct config_camera *cam = c->cameras;
	static const uint8_t zeros[TLS_PIN_BYTES];

	ck_assert(cam[0].source.tls && cam[0].has_pin && cam[0].basic && cam[0].warm);
	ck_assert(!cam[0].fingerprint && !cam[0].may_switch);
	ck_assert_mem_eq(cam[0].tls_pin, zeros, TLS_PIN_BYTES);
	ck_assert_uint_eq(cam[0].memory_mb, 100);
	ck_assert_uint_eq(cam[0].max_pixels, 1920 * 1080);
	ck_assert_uint_eq(cam[0].patience_s, 30);
	ck_assert_uint_eq(cam[0].source.port, 322);
	ck_assert(cam[1].transport == TRANSPORT_UDP && !cam[1].may_switch);
	ck_assert(cam[2].transport == TRANSPORT_TCP && cam[2].may_switch);
	ck_assert(cam[2].fingerprint && !cam[2].warm && !cam[2].basic && !cam[2].has_pin);
	ck_assert_uint_eq(cam[2].memory_mb, 512);
	config_free(c);
}
END_TEST

/* Whatever is wrong around it, a URL's password is not repeated. */
START_TEST(test_password_is_not_repeated)
{
	static const char *const texts[] = {
		"camera \"a\" { url \"rtsp://u:hunter2@h/\" }\n",
		"camera \"a\" { url = rtsp://u:hunter2@h/ }\n",
		"camera \"a\" { url = \"rtsp://u:hunter2@h:x/\" }\n",
		"camera \"a\" { \"rtsp://u:hunter2@h:x/\" }\n",
		"camera \"a\" { u:hunter2@h:x = 1 }\n",
		"camera \"a\" { url = { \"rtsp://u:hunter2@h/\", \"x\" } }\n",
		"camera \"a\" { url = \"ftp://u:hunter2@h/\" }\n",
		"camera \"a\" { url = \"rtsp://u:hunter2@h/\" username = \"x\" }\n",
		"camera \"a\" { url = \"rtsp://u:hunter2@h/\" }\n"
		"camera \"b\" { url = \"rtsp://u:hunter2@h/\" }\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *error = load_bad(texts[i]);

		ck_assert_msg(!strstr(error, "hunter2"), "%s", error);
	}
}
END_TEST

START_TEST(test_userinfo_in_the_url)
{
	struct config *c = load_good("camera \"a\" { url = \"rtsp://us%40er:p%3Aw@h/x\" }\n");

	ck_assert_str_eq(c->cameras[0].username, "us@er");
	ck_assert_str_eq(c->cameras[0].password, "p:w");
	ck_assert_str_eq(c->cameras[0].source.url, "rtsp://h/x");
	ck_assert_str_eq(c->cameras[0].source.canonical, "rtsp://h:554/x");
	ck_assert_str_eq(c->cameras[0].source.password, "");
	config_free(c);
}
END_TEST

START_TEST(test_patterns_of_different_labels)
{
	config_free(load_good(CAM "camera \"b\" { url = \"test:b\" }\n"));
	ck_assert_ptr_nonnull(
		strstr(load_bad(CAM "camera \"b\" { url = \"test:a\" }\n"), "same source"));
}
END_TEST

START_TEST(test_includes)
{
	const char *error;
	struct config *c;

	ck_assert_int_eq(mkdir("conf.d", 0700), 0);
	ck_assert_int_eq(mkdir("conf.d/more", 0700), 0);
	write_file(
		"conf.d/2.conf", "camera \"two\" { url = \"test:2\" }\ninclude(\"more/x.conf\")\n");
	write_file("conf.d/1.conf", "camera \"one\" { url = \"test:1\" }");
	write_file("conf.d/not.txt", "this is no configuration");
	write_file("conf.d/more/x.conf",
		"camera \"x\" { url = \"rtsp://h/\" username = u\n"
		" password_file = \"x.secret\" }\n");
	write_file("conf.d/more/x.secret", "s");
	c = load_good("include(\"none/*.conf\") include(\"gone.conf\")\n"
		      "include(\"conf.d/*.conf\") linger = 3\n" CAM);
	ck_assert_uint_eq(c->n_cameras, 4);
	ck_assert_str_eq(c->cameras[0].name, "one"); /* sorted, in place */
	ck_assert_str_eq(c->cameras[1].name, "two");
	ck_assert_str_eq(c->cameras[2].name, "x");
	ck_assert_str_eq(c->cameras[2].password, "s"); /* beside the file that names it */
	ck_assert_str_eq(c->cameras[3].name, "a");
	ck_assert_uint_eq(c->linger_s, 3);
	config_free(c);
	/* lines are of the file, whatever was put in before */
	error = load_bad("include(\"conf.d/1.conf\")\ninclude(\"conf.d/2.conf\")\n\nlinger = x\n");
	ck_assert_msg(!strncmp(error, "c:4: ", 5), "%s", error);
	write_file(
		"conf.d/2.conf", "camera \"two\" { url = \"test:2\" }\n\nlinger = 1\nlinger = 2\n");
	error = load_bad("\ninclude(\"conf.d/*.conf\")\n");
	ck_assert_msg(strstr(error, "/conf.d/2.conf:4: ") != NULL, "%s", error);
	ck_assert_msg(strstr(error, "/conf.d/2.conf:3") != NULL, "%s", error);
	write_file("conf.d/2.conf", "camera \"one\" { url = \"test:2\" }\n");
	error = load_bad("include(\"conf.d/*.conf\")\n");
	ck_assert_msg(strstr(error, "camera \"one\" is repeated") != NULL, "%s", error);
	write_file("conf.d/1.conf", "linger = 1\ninclude(\"../c\")\n");
	error = load_bad("include(\"conf.d/1.conf\")\n");
	ck_assert_msg(strstr(error, "includes itself") != NULL, "%s", error);
	write_file("conf.d/1.conf", "camera \"open\" { url = \"test:1\"\n");
	error = load_bad("include(\"conf.d/1.conf\")\n}\n");
	ck_assert_msg(strstr(error, "no closing brace") != NULL, "%s", error);
}
END_TEST

START_TEST(test_include_depth)
{
	char name[16], text[64];

	for (unsigned i = 0; i < CONFIG_DEPTH_MAX + 1; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		snprintf(text, sizeof(text), "include(\"d%u\")\n", i + 1);
		write_file(name, text);
	}
	ck_assert_ptr_nonnull(strstr(load_bad("include(\"d0\")\n"), "too many includes"));
	config_free(load_good("include(\"d3\")\n"));
}
END_TEST

START_TEST(test_secret_files)
{
	static const char conf[] =
		"camera \"a\" { url = \"rtsp://h/\" username = \"u\"\n password_file = \"s\" }\n";
	static const struct {
		const char *text;
		mode_t mode;
		const char *what; /* NULL: good */
	} rows[] = {
		{"word", 0600, NULL},
		{"word\n", 0400, NULL},
		{"word\r\n", 0400, NULL},
		{"word\n", 0640, "group or others"},
		{"word\n", 0604, "group or others"},
		{"", 0600, "it is empty"},
		{"\n", 0600, "it is empty"},
		{"two\nlines\n", 0600, "not one line"},
	};
	struct config *c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unlink("s");
		write_mode("s", rows[i].text, rows[i].mode);
		if (!rows[i].what) {
			c = load_good(conf);
			ck_assert_str_eq(c->cameras[0].password, "word");
			config_free(c);
		} else {
			ck_assert_msg(
				strstr(load_bad(conf), rows[i].what) != NULL, "%s", load_bad(conf));
			ck_assert_int_eq(strncmp(load_bad(conf), "c:2: ", 5), 0);
		}
	}
	unlink("s");
	write_file("real", "word");
	ck_assert_int_eq(symlink("real", "s"), 0);
	ck_assert_ptr_nonnull(strstr(load_bad(conf), "symbolic link"));
	unlink("s");
	ck_assert_int_eq(link("real", "s"), 0);
	ck_assert_ptr_nonnull(strstr(load_bad(conf), "more than one name"));
	unlink("s");
	ck_assert_int_eq(mkfifo("s", 0600), 0);
	ck_assert_ptr_nonnull(strstr(load_bad(conf), "not a regular file"));
	unlink("s");
	/* a credential of that name comes first */
	ck_assert_int_eq(mkdir("cred", 0700), 0);
	write_file("cred/s", "secret of the service\n");
	write_file("s", "other");
	setenv("CREDENTIALS_DIRECTORY", "cred", 1);
	c = load_good(conf);
	ck_assert_str_eq(c->cameras[0].password, "secret of the service");
	config_free(c);
}
END_TEST

START_TEST(test_file_itself)
{
	struct config_error error;
	struct config *c;

	ck_assert_int_lt(config_load("gone", &c, &error), 0);
	ck_assert_msg(!strncmp(error.text, "gone:0: ", 8), "%s", error.text);
	ck_assert_int_lt(config_load(".", &c, &error), 0);
	ck_assert_ptr_nonnull(strstr(error.text, "not a regular file"));
	write_file("nul", "linger = 1\n");
	ck_assert_int_eq(truncate("nul", 20), 0);
	ck_assert_int_lt(config_load("nul", &c, &error), 0);
	ck_assert_ptr_nonnull(strstr(error.text, "NUL"));
	write_file("big", "");
	ck_assert_int_eq(truncate("big", CONFIG_FILE_BYTES_MAX + 1), 0);
	ck_assert_int_lt(config_load("big", &c, &error), 0);
	ck_assert_ptr_nonnull(strstr(error.text, "too large"));
}
END_TEST

/* Each prefix and each single-byte damage of a good file is read or refused, never worse. */
START_TEST(test_damage)
{
	static const char good[] =
		"linger = 1\ninclude(\"n*\")\ncamera \"a\" { url = \"test:a\" # c\n"
		" mask = { \"0,0,1x1\", '2,2,2x2' } }\n/* x */ grant g { uid = 0\n"
		" cameras = { a } }\n";
	static const char bytes[] = "{}()=,\"'\\#/*$\n\x01 a";
	struct config_error error;
	struct config *c;
	char text[sizeof(good)];

	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		for (size_t k = 0; k < sizeof(bytes); k++) {
			memcpy(text, good, sizeof(good));
			text[i] = bytes[k];
			write_file("c", text);
			error.text[0] = 0;
			if (config_load("c", &c, &error) == 0)
				config_free(c);
			else
				ck_assert_msg(strchr(error.text, ':') != NULL, "%s", error.text);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_everything_good);
	tcase_add_test(tc, test_camera_keys);
	tcase_add_loop_test(tc, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, test_password_is_not_repeated);
	tcase_add_test(tc, test_userinfo_in_the_url);
	tcase_add_test(tc, test_patterns_of_different_labels);
	tcase_add_test(tc, test_includes);
	tcase_add_test(tc, test_include_depth);
	tcase_add_test(tc, test_secret_files);
	tcase_add_test(tc, test_file_itself);
	tcase_add_test(tc, test_damage);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
