/*
 * The root keys while the mux runs: turned over and retired by the writer thread, told to the broker.
 * Standing grants' tokens go over to the new key at once, under the ids that they have, so that
 * whatever ends one ends it under both keys. Runs in framemuxd's loop.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "mux/daemon/config/secret.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/state/key_file.h"
#include "mux/locked.h"

struct key_job {
	struct mux *mux;
	int folder;
	struct root_keys *keys; /* owned: as they are to be */
	uint64_t life;          /* of the broker that asks */
	uint32_t request, uid, pid;
	uint32_t key_id; /* that is retired */
};

static void job_free(struct key_job *j)
{
	j->mux->key_pending = false;
	locked_free(j->keys);
	free(j);
}

static int run_keys(void *data)
{
	const struct key_job *j = data;

	return key_file_write(j->folder, j->keys);
}

static void answer_rotate(struct mux *m, uint64_t life, uint32_t request, int rc)
{
	const struct msg_key_rotated msg = {.request = request, .status = (uint32_t)-rc};

	if (broker_life(m->broker) == life)
		broker_send(m->broker, &wire_key_rotated, &msg, NULL, 0);
}

static void answer_retire(struct mux *m, uint64_t life, uint32_t request, int rc)
{
	const struct msg_revoked_kept msg = {.request = request, .status = (uint32_t)-rc};

	if (broker_life(m->broker) == life)
		broker_send(m->broker, &wire_revoked_kept, &msg, NULL, 0);
}

void mux_send_key(struct mux *m, const struct root_key *key, bool is_current)
{
	struct msg_broker_key msg = {
		.key_id = key->id, .since_s = key->since_s, .is_current = is_current};

	memcpy(msg.key, key->key, KEY_BYTES);
	broker_send(m->broker, &wire_broker_key, &msg, NULL, 0);
	sodium_memzero(&msg, sizeof(msg));
}

/* The keys as they are to be, from those that there are. 0, or why it is not to be. */
static int begin(struct mux *m, uint32_t request, struct key_job **ret)
{
	struct key_job *j;

	if (m->key_pending)
		return -EBUSY;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->mux = m;
	j->keys = locked_alloc(sizeof(*j->keys));
	if (!j->keys) {
		free(j);
		return -ENOMEM;
	}
	*j->keys = m->keys->root;
	j->folder = state_folder(m->state);
	j->life = broker_life(m->broker);
	j->request = request;
	m->key_pending = true;
	*ret = j;
	return 0;
}

/* Takes j, also when it fails. */
static int submit(struct key_job *j, void (*done)(void *data, int result))
{
	const struct disk_job job = {.run = run_keys, .done = done, .data = j};
	int rc = disk_submit(j->mux->disk, &job);

	if (rc < 0)
		job_free(j);
	return rc;
}

/* ---- standing tokens ----------------------------------------------------------------- */

static int rekey(struct standing *st, const struct root_key *key)
{
	char text[LIMIT_TOKEN], *copy = NULL;
	struct token t;
	uint32_t key_id;
	int rc = token_parse(st->token, &t);

	if (!rc)
		rc = token_body_key_id(t.body, t.body_len, &key_id);
	if (!rc && key_id != key->id) {
		rc = token_rekey(&t, key->key, key->id);
		if (!rc)
			rc = token_format(&t, text);
		copy = rc ? NULL : secret_text(text);
		if (!rc && !copy)
			rc = -ENOMEM;
		sodium_memzero(text, sizeof(text));
	}
	sodium_memzero(&t, sizeof(t));
	if (copy) {
		locked_free(st->token);
		st->token = copy;
	}
	return rc < 0 ? rc : copy != NULL;
}

int mux_rekey_tokens(struct mux *m)
{
	struct standing *list;
	size_t n = grants_standing(m->grants, &list);
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		int r = list[i].token ? rekey(&list[i], &m->keys->root.list[0]) : 0;

		if (r > 0)
			mux_note_token(m, &list[i]);
		else if (r < 0)
			rc = r;
	}
	return rc;
}

/* ---- a new key ----------------------------------------------------------------------- */

static void rotated(void *data, int result)
{
	struct key_job *j = data;
	struct mux *m = j->mux;
	int rc = result;

	if (!rc) {
		m->keys->root = *j->keys;
		log_notice("root key %u is in use, asked for by uid %u; key %u is good until it is "
			   "retired",
			m->keys->root.list[0].id, j->uid, m->keys->root.list[1].id);
		mux_send_key(m, &m->keys->root.list[0], true);
		mux_note_key(m, j->uid, j->pid);
		rc = mux_rekey_tokens(m) < 0 ? -EIO : 0;
		if (!m->stopping) /* the next start writes them */
			mux_hand_out(m);
	} else {
		log_error("a new root key is not on disk: %s", strerror(-result));
	}
	if (rc == 0 && broker_life(m->broker) == j->life) {
		m->key_waits = true; /* for the token files */
		m->key_life = j->life;
		m->key_request = j->request;
	} else {
		answer_rotate(m, j->life, j->request, rc);
	}
	job_free(j);
	mux_key_go_on(m);
}

void mux_key_go_on(struct mux *m)
{
	if (!m->key_waits || m->files_pending)
		return;
	m->key_waits = false;
	answer_rotate(m, m->key_life, m->key_request, m->files_failed ? -EIO : 0);
}

int mux_on_key_rotate(void *self, const void *msg, int *fds)
{
	const struct msg_key_rotate *ask = msg;
	struct key_job *j = NULL;
	struct mux *m = self;
	int rc = m->key_waits ? -EBUSY : begin(m, ask->request, &j);

	(void)fds;
	if (!rc) {
		j->uid = ask->uid;
		j->pid = ask->pid;
		rc = root_keys_rotate(j->keys, mux_now_s(m));
		if (rc < 0)
			job_free(j);
		else
			rc = submit(j, rotated);
	}
	if (rc < 0)
		answer_rotate(m, broker_life(m->broker), ask->request, rc);
	return 0;
}

/* ---- the end of the older one -------------------------------------------------------- */

static void retired(void *data, int result)
{
	struct key_job *j = data;
	struct mux *m = j->mux;

	if (!result) {
		m->key_unkept = 0;
		log_notice("root key %u is retired", j->key_id);
	} else {
		log_error("the end of root key %u is not on disk, and would not outlast a restart: "
			  "%s",
			j->key_id, strerror(-result));
	}
	answer_retire(m, j->life, j->request, result);
	job_free(j);
}

/* What an earlier broker's asker was told is not on disk: once more, as nobody can ask for it now. */
void mux_key_keep(struct mux *m)
{
	struct key_job *j = NULL;

	if (!m->key_unkept || begin(m, 0, &j) < 0)
		return;
	j->key_id = m->key_unkept;
	if (submit(j, retired) < 0)
		log_error("root key %u is retired and still on disk", m->key_unkept);
}

/* In memory at once: whatever the disk says, the next broker is not told of that key. */
int mux_on_key_retire(void *self, const void *msg, int *fds)
{
	const struct msg_key_retire *ask = msg;
	struct key_job *j = NULL;
	struct mux *m = self;
	int rc = root_keys_retire(&m->keys->root, ask->key_id);

	(void)fds;
	if (!rc)
		m->key_unkept = ask->key_id;
	if (!rc || (m->key_unkept && ask->key_id == m->key_unkept))
		rc = begin(m, ask->request, &j);
	if (!rc) {
		j->key_id = ask->key_id;
		rc = submit(j, retired);
	}
	if (rc < 0)
		answer_retire(m, broker_life(m->broker), ask->request, rc);
	return 0;
}
