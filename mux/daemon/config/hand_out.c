/*
 * What the writer thread does for standing grants: their tokens' ids to the state folder, tokens to
 * their files. The jobs own copies of all they write; the thread sees
 * nothing else.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/config/token_file.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/reload/reload.h"
#include "mux/daemon/state/folder.h"
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
		return folder_replace(j->folder, GRANTS_FILE, j->text, j->len, 0600, (unsigned)-1);
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
	mux_key_go_on(m);
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
