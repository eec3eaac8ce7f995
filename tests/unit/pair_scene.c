/* A camera and its pair for tests. In the test's process, and in those that it plays the roles in. */
#include "tests/unit/pair_scene.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sock.h"

#define ANSWER_MS 20000

static const char *const role_names[] = {"broker", "ingest", "decode"};

static void must(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "scene of a pair: %s: %s\n", what, strerror(errno));
	abort();
}

/* No log is kept of it. */
static void note(void *self, const struct msg_audit_note *m)
{
	(void)self;
	(void)m;
}

void pair_scene_begin(
	struct pair_scene *s, const char *name, const char *url, const struct config_camera *like)
{
	struct config_camera camera = {.transport = TRANSPORT_TCP};
	const char *why = "";

	if (like)
		camera = *like;
	snprintf(camera.name, sizeof(camera.name), "%s", name);
	must(url_parse(url, &camera.source, &why) == 0, url);
	camera_record_make(&camera, 1, &s->camera);
	s->base = event_base_new();
	must(s->base != NULL, "event_base_new");
	s->host = (struct pair_host){.base = s->base,
		.roles = &s->roles,
		.k_session = s->k_session,
		.stale_after_ms = 20000,
		.pairs = &s->pair,
		.n_pairs = 1,
		.note = note};
}

void pair_scene_end(struct pair_scene *s)
{
	event_base_free(s->base);
	s->base = NULL;
}

static void role_path(const struct roles *roles, const char *name, char *ret, size_t size)
{
	must(snprintf(ret, size, "%s/framemux-%s", roles->folder, name) < (int)size, name);
}

void role_folder_make(struct roles *roles)
{
	char self[256], path[LIMIT_PATH + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	must(n > 0, "/proc/self/exe");
	self[n] = 0;
	snprintf(roles->folder, sizeof(roles->folder), "/tmp/framemux-roles-XXXXXX");
	must(mkdtemp(roles->folder) != NULL, roles->folder);
	for (size_t i = 0; i < sizeof(role_names) / sizeof(role_names[0]); i++) {
		role_path(roles, role_names[i], path, sizeof(path));
		must(symlink(self, path) == 0, path);
	}
}

void role_folder_remove(const struct roles *roles)
{
	char path[LIMIT_PATH + 32];

	for (size_t i = 0; i < sizeof(role_names) / sizeof(role_names[0]); i++) {
		role_path(roles, role_names[i], path, sizeof(path));
		unlink(path);
	}
	rmdir(roles->folder);
}

int role_receive(int fd, const struct wire_message *m, void *ret)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	if (poll(&p, 1, ANSWER_MS) != 1)
		return -ETIMEDOUT;
	n = sock_recv(fd, buf, sizeof(buf), NULL, NULL);
	return n < 0 ? (int)n : wire_decode(m, buf, (size_t)n, ret);
}

bool role_sees_end(int fd, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	poll(&p, 1, wait_ms);
	n = sock_recv(fd, buf, sizeof(buf), NULL, NULL);
	return n < 0 && n != -EAGAIN;
}
