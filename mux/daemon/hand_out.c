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
#include "mux/daemon/token_file.h"
#include "mux/locked.h"

/* ---- files --------------------------------------------------------------------------- */

struct file_job {
	struct mux *mux;
	const struct config_grant *grant; /* NULL: the file of standing ids */
	int folder;                       /* then: the state folder */
	char *text;                       /* owned; of locked_alloc() if grant */
	size_t len;
	char why[256];
};

static void file_job_free(struct file_job *j)
{
	if (j->grant)
		locked_free(j->text);
	else
		free(j->text);
	free(j);
}

static int run_file(void *data)
{
	struct file_job *j = data;

	if (j->grant)
		return token_file_write(j->grant->token_file, j->grant->uid, j->text, j->len,
			j->why, sizeof(j->why));
	return folder_replace(j->folder, GRANTS_FILE, j->text, j->len, 0600, (unsigned)-1);
}

static void file_done(void *data, int result)
{
	struct file_job *j = data;
	struct mux *m = j->mux;

	if (result < 0 && j->grant)
		log_error("grant %s: token file %s is not written: %s", j->grant->name,
			j->grant->token_file, j->why);
	else if (result < 0)
		log_error("the ids of the standing tokens are not kept: %s", strerror(-result));
	else if (j->grant)
		log_info(
			"grant %s: token file %s is written", j->grant->name, j->grant->token_file);
	file_job_free(j);
	m->files_pending--;
	mux_announce(m);
}

static void submit_file(struct mux *m, const struct config_grant *grant, char *text, size_t len)
{
	struct file_job *j = calloc(1, sizeof(*j));
	struct disk_job job = {.run = run_file, .done = file_done, .data = j};
	int rc = -ENOMEM;

	if (j) {
		*j = (struct file_job){.mux = m,
			.grant = grant,
			.folder = state_folder(m->state),
			.text = text,
			.len = len};
		rc = disk_submit(m->disk, &job);
	}
	if (rc == 0) {
		m->files_pending++;
		return;
	}
	log_error("%s%s cannot be written: %s", grant ? "token file " : "the state folder",
		grant ? grant->token_file : "", strerror(-rc));
	if (j)
		file_job_free(j);
	else if (grant)
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

	if (rc < 0) {
		log_error("no token file is written: %s", strerror(-rc));
		return;
	}
	submit_file(m, NULL, text, len);
	for (size_t i = 0; i < m->config->n_grants; i++) {
		const struct config_grant *g = &m->config->grants[i];

		if (!g->token_file[0])
			continue;
		rc = grants_token_text(m->grants, g, &text);
		if (rc < 0) {
			log_error("grant %s: there is no token for its file: %s", g->name,
				strerror(-rc));
			continue;
		}
		submit_file(m, g, text, strlen(text));
	}
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
