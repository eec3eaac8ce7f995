/*
 * What the broker revokes, to disk: ids behind the others, cutoffs as a file anew. Runs in
 * framemuxd's loop; the writer thread gets copies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "mux/daemon/cutoff/cutoff_file.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/state/folder.h"

struct keep_job {
	struct mux *mux;
	struct state *state;
	uint64_t life; /* of the broker that asks */
	uint32_t request;
	uint8_t *ids; /* owned; NULL: cutoffs */
	size_t n;
	char *text; /* owned */
	size_t len;
};

static void job_free(struct keep_job *j)
{
	free(j->ids);
	free(j->text);
	free(j);
}

static int run_keep(void *data)
{
	struct keep_job *j = data;

	if (j->ids)
		return state_revoked_add(j->state, j->ids, j->n);
	return folder_replace(
		state_folder(j->state), CUTOFFS_FILE, j->text, j->len, 0600, (unsigned)-1);
}

/* One that is there already, as it was revoked before, takes up no more room. */
static int remember_ids(struct mux *m, const uint8_t *new_ids, size_t n)
{
	uint8_t *ids = reallocarray(m->revoked, m->n_revoked + n, TOKEN_ID_BYTES);

	if (!ids)
		return -ENOMEM;
	m->revoked = ids;
	if (revoked_make_room(&m->revoked_set, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *id = new_ids + i * TOKEN_ID_BYTES;

		if (revoked_has(&m->revoked_set, id))
			continue;
		(void)revoked_add(&m->revoked_set, id); /* there is room */
		memcpy(ids + m->n_revoked++ * TOKEN_ID_BYTES, id, TOKEN_ID_BYTES);
	}
	broker_make_room(m->broker, mux_set_up_messages(m) + MUX_OUTBOX_SPARE);
	return 0;
}

static void keep_done(void *data, int result)
{
	struct keep_job *j = data;
	struct msg_revoked_kept kept = {.request = j->request};

	if (result < 0)
		log_error("a revocation is not on disk: %s", strerror(-result));
	kept.status = (uint32_t)-result;
	if (broker_life(j->mux->broker) == j->life)
		broker_send(j->mux->broker, &wire_revoked_kept, &kept, NULL, 0);
	job_free(j);
}

/* Takes j, also when it fails. */
static int submit(struct mux *m, uint32_t request, struct keep_job *j)
{
	struct disk_job job = {.run = run_keep, .done = keep_done, .data = j};
	int rc;

	j->mux = m;
	j->state = m->state;
	j->life = broker_life(m->broker);
	j->request = request;
	rc = disk_submit(m->disk, &job);
	if (rc < 0)
		job_free(j);
	return rc;
}

/* In memory at once: the next broker hears of it too, though this one be gone before it is on disk. */
int mux_keep_revoked(struct mux *m, uint32_t request, const uint8_t *ids, size_t n)
{
	int rc = remember_ids(m, ids, n);
	struct keep_job *j = calloc(1, sizeof(*j));

	if (j)
		j->ids = reallocarray(NULL, n, TOKEN_ID_BYTES);
	if (rc < 0 || !j || !j->ids) {
		if (j)
			job_free(j);
		return -ENOMEM;
	}
	memcpy(j->ids, ids, n * TOKEN_ID_BYTES);
	j->n = n;
	return submit(m, request, j);
}

/* In memory at once, as above. */
int mux_keep_cutoff(struct mux *m, uint32_t request, const struct cutoff *c)
{
	struct keep_job *j = calloc(1, sizeof(*j));
	int rc = j ? cutoffs_add(&m->cutoffs, c) : -ENOMEM;

	if (!rc)
		rc = cutoff_file_text(&m->cutoffs, &j->text, &j->len);
	if (rc < 0) {
		free(j);
		return rc;
	}
	return submit(m, request, j);
}
