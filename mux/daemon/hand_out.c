/*
 * What the writer thread does for framemuxd: the ids of standing tokens and revoked ids to the
 * state folder, tokens to their files. The jobs own copies of all they write; the thread sees
 * nothing else.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/folder.h"
#include "mux/daemon/reload.h"
#include "mux/daemon/token_file.h"
#include "mux/locked.h"

/* ---- files --------------------------------------------------------------------------- */

/* The configuration may be another one before its turn comes: it borrows nothing of it. */
struct file_job {
	struct mux *mux;
	char grant[LIMIT_NAME]; /* "": not a token file, but the file of standing ids */
	char path[LIMIT_PATH];  /* the token file */
	uid_t uid;
	int folder; /* the state folder */
	char *text; /* owned, of locked_alloc() if a token file; then NULL: to be removed */
	size_t len;
	char why[256];
};

static void file_job_free(struct file_job *j)
{
	if (j->path[0])
		locked_free(j->text);
	else
		free(j->text);
	free(j);
}

static int run_file(void *data)
{
	struct file_job *j = data;

	if (!j->path[0])
		return folder_replace(
			j->folder, GRANTS_FILE, j->text, j->len, 0600, (unsigned)-1);
	if (!j->text)
		return token_file_remove(j->path, j->why, sizeof(j->why));
	return token_file_write(j->path, j->uid, j->text, j->len, j->why, sizeof(j->why));
}

static void say_how_it_went(const struct file_job *j, int result)
{
	if (!j->path[0] && result < 0)
		log_error("the ids of the standing tokens are not kept: %s", strerror(-result));
	else if (!j->path[0])
		return;
	else if (!j->text && result < 0)
		log_warning("cannot remove token file %s: %s", j->path, j->why);
	else if (!j->text)
		log_info("token file %s removed: its grant is gone", j->path);
	else if (result < 0)
		log_error("grant %s: token file %s is not written: %s", j->grant, j->path, j->why);
	else
		log_info("grant %s: token file %s is written", j->grant, j->path);
}

static void file_done(void *data, int result)
{
	struct file_job *j = data;
	struct mux *m = j->mux;

	say_how_it_went(j, result);
	file_job_free(j);
	m->files_pending--;
	m->files_failed |= result < 0;
	mux_announce(m);
	mux_reload_go_on(m);
}

/* Takes text, also when it fails. */
static void submit_file(
	struct mux *m, const struct config_grant *grant, const char *path, char *text, size_t len)
{
	struct file_job *j = calloc(1, sizeof(*j));
	struct disk_job job = {.run = run_file, .done = file_done, .data = j};
	int rc = -ENOMEM;

	if (j) {
		*j = (struct file_job){.mux = m,
			.uid = grant ? grant->uid : 0,
			.folder = state_folder(m->state),
			.text = text,
			.len = len};
		if (grant)
			memcpy(j->grant, grant->name, sizeof(j->grant));
		snprintf(j->path, sizeof(j->path), "%s", path);
		rc = disk_submit(m->disk, &job);
	}
	if (rc == 0) {
		m->files_pending++;
		return;
	}
	m->files_failed = true;
	log_error("%s%s cannot be written: %s", *path ? "token file " : "the state folder", path,
		strerror(-rc));
	if (j)
		file_job_free(j);
	else if (*path)
		locked_free(text);
	else
		free(text);
}

/*
 * The ids first and in the same queue: a token that somebody can read is one that framemuxd
 * remembers, so that the end of its grant kills it.
 */
void mux_hand_out(struct mux *m)
{
	char *text = NULL;
	size_t len;
	int rc = grants_save_text(m->grants, &text, &len);

	m->files_failed = rc < 0;
	if (rc < 0) {
		log_error("no token file is written: %s", strerror(-rc));
		return;
	}
	submit_file(m, NULL, "", text, len);
	for (size_t i = 0; i < m->config->n_grants; i++) {
		const struct config_grant *g = &m->config->grants[i];

		if (!g->token_file[0])
			continue;
		rc = grants_token_text(m->grants, g, &text);
		if (rc < 0) {
			log_error("grant %s: there is no token for its file: %s", g->name,
				strerror(-rc));
			m->files_failed = true;
			continue;
		}
		submit_file(m, g, g->token_file, text, strlen(text));
	}
}

void mux_take_back(struct mux *m)
{
	const char *path;
	size_t at = 0;

	while ((path = grants_stale_file(m->grants, &at)))
		submit_file(m, NULL, path, NULL, 0);
}

/* ---- revocations --------------------------------------------------------------------- */

struct revoke_job {
	struct mux *mux;
	struct state *state;
	uint64_t life; /* of the broker that asks */
	uint32_t request;
	uint8_t id[TOKEN_ID_BYTES];
};

static int run_revoke(void *data)
{
	struct revoke_job *j = data;

	return state_revoked_add(j->state, j->id, 1);
}

static int remember_revoked(struct mux *m, const uint8_t id[TOKEN_ID_BYTES])
{
	uint8_t *ids = reallocarray(m->revoked, m->n_revoked + 1, TOKEN_ID_BYTES);

	if (!ids)
		return -ENOMEM;
	m->revoked = ids;
	memcpy(ids + m->n_revoked++ * TOKEN_ID_BYTES, id, TOKEN_ID_BYTES);
	return 0;
}

static void revoke_done(void *data, int result)
{
	struct revoke_job *j = data;
	struct msg_revoked_kept kept = {.request = j->request};

	if (result == 0) /* the next broker has to know */
		result = remember_revoked(j->mux, j->id);
	if (result < 0)
		log_error("a revocation is not on disk: %s", strerror(-result));
	kept.status = (uint32_t)-result;
	if (broker_life(j->mux->broker) == j->life)
		broker_send(j->mux->broker, &wire_revoked_kept, &kept, NULL, 0);
	free(j);
}

int mux_keep_revoked(struct mux *m, uint32_t request, const uint8_t id[TOKEN_ID_BYTES])
{
	struct revoke_job *j = calloc(1, sizeof(*j));
	struct disk_job job = {.run = run_revoke, .done = revoke_done, .data = j};
	int rc;

	if (!j)
		return -ENOMEM;
	*j = (struct revoke_job){
		.mux = m, .state = m->state, .life = broker_life(m->broker), .request = request};
	memcpy(j->id, id, TOKEN_ID_BYTES);
	rc = disk_submit(m->disk, &job);
	if (rc < 0)
		free(j);
	return rc;
}
