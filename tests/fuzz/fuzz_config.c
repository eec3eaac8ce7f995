/*
 * A whole framemux.conf: what is accepted is within its limits, and what is refused is refused with a
 * place and a reason. Includes and files are looked for where the input lies, and are not there.
 */
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "mux/daemon/config/config.h"

static char path[64];

static void write_input(const uint8_t *data, size_t len)
{
	FILE *f;

	if (!path[0]) {
		char folder[] = "/tmp/framemux-fuzz-XXXXXX";

		MUST(mkdtemp(folder) && sodium_init() >= 0);
		snprintf(path, sizeof(path), "%s/framemux.conf", folder);
	}
	f = fopen(path, "w");
	MUST(f && fwrite(data, 1, len, f) == len && fclose(f) == 0);
	MUST(chmod(path, 0600) == 0);
}

static void must_be_sane(const struct config *c)
{
	MUST(c->socket[0] == '/' && c->control_socket[0] == '/' && c->state_dir[0] == '/');
	MUST(c->n_admins <= CONFIG_ADMINS_MAX && c->n_cameras <= CONFIG_CAMERAS_MAX);
	MUST(c->n_grants <= CONFIG_GRANTS_MAX && c->stale_after_ms);
	for (size_t i = 0; i < c->n_cameras; i++) {
		const struct config_camera *camera = &c->cameras[i];

		MUST(camera->name[0] && memchr(camera->name, 0, sizeof(camera->name)));
		MUST(camera->source.canonical[0] && camera->memory_mb && camera->max_pixels);
		MUST(camera->max_pixels <= LIMIT_PIXELS && camera->n_masks <= LIMIT_MASKS);
		MUST(!strchr(camera->source.url, '@') || !camera->password ||
			!strstr(camera->source.url, camera->password));
		for (size_t j = 0; j < i; j++)
			MUST(strcmp(camera->name, c->cameras[j].name));
	}
	for (size_t i = 0; i < c->n_grants; i++) {
		const struct config_grant *g = &c->grants[i];

		MUST(g->n_masks <= LIMIT_MASKS && (!g->token_file[0] || g->token_file[0] == '/'));
		for (size_t j = 0; j < g->n_cameras; j++)
			MUST(g->cameras[j] < c->n_cameras);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config_error error = {""};
	struct config *c = NULL;

	write_input(data, len);
	if (config_load(path, &c, &error) < 0) {
		MUST(!c && error.text[0]);
		return 0;
	}
	must_be_sane(c);
	config_free(c);
	return 0;
}
