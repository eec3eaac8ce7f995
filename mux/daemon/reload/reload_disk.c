/*
 * What a reload does in threads, because it may wait: reading a configuration, reckoning what
 * becomes of epochs and grants, and writing it down. Sees nothing of the mux but what the job holds
 * and, in the writer thread, the state folder.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mux/daemon/reload/reload_private.h"
#include "mux/daemon/state/folder.h"

#define GROUP_BYTES 65536u

static gid_t find_group(const char *name)
{
	struct group gr, *found = NULL;
	char *room = malloc(GROUP_BYTES);
	gid_t gid = (gid_t)-1;

	if (room && getgrnam_r(name, &gr, room, GROUP_BYTES, &found) == 0 && found)
		gid = gr.gr_gid;
	free(room);
	return gid;
}

int reload_read(void *reload)
{
	struct reload *r = reload;
	int rc = config_load_whole(r->path, &r->config, &r->fault);

	if (!rc)
		r->group = find_group(r->config->admin_group);
	return rc;
}

int reload_plan(void *reload)
{
	struct reload *r = reload;
	struct state *s = r->mux->state;
	const struct config *c = r->config;
	uint32_t *epochs = calloc(c->n_cameras + 1, sizeof(*epochs));
	int rc = -ENOMEM;

	r->records = calloc(c->n_cameras + 1, sizeof(*r->records));
	if (epochs && r->records)
		rc = state_epochs_plan(s, c->cameras, c->n_cameras, epochs, &r->epochs_text,
			&r->epochs_len, r->why, sizeof(r->why));
	for (size_t i = 0; !rc && i < c->n_cameras; i++)
		camera_record_make(&c->cameras[i], epochs[i], &r->records[i]);
	free(epochs);
	if (!rc)
		rc = grants_plan(s, c, r->records, r->now_s, &r->revoked, &r->n_revoked, &r->grants,
			r->why, sizeof(r->why));
	if (!rc)
		rc = grants_save_text(r->grants, &r->grants_text, &r->grants_len);
	return rc;
}

/*
 * All or nothing: what may fail for want of room comes first and is taken back. Cut off in the
 * middle by a crash it does no harm: the next start reckons the same from the same configuration.
 */
int reload_keep(void *reload)
{
	struct reload *r = reload;
	int folder = state_folder(r->mux->state);
	int rc = folder_prepare(
		folder, STATE_EPOCHS_FILE, r->epochs_text, r->epochs_len, 0600, (unsigned)-1);

	if (!rc)
		rc = folder_prepare(
			folder, GRANTS_FILE, r->grants_text, r->grants_len, 0600, (unsigned)-1);
	if (!rc)
		rc = state_revoked_add(r->mux->state, r->revoked + r->n_before * TOKEN_ID_BYTES,
			r->n_revoked - r->n_before);
	if (!rc)
		rc = folder_commit(folder, STATE_EPOCHS_FILE);
	if (!rc)
		rc = folder_commit(folder, GRANTS_FILE);
	if (rc < 0) {
		folder_discard(folder, STATE_EPOCHS_FILE);
		folder_discard(folder, GRANTS_FILE);
		snprintf(r->why, sizeof(r->why), "the state folder cannot be written: %s",
			strerror(-rc));
	}
	return rc;
}
