/*
 * What standing grants remember. Runs in framemuxd, while starting and in the loop; only
 * grants_load and grants_clean_up touch the disk.
 */
#include "mux/daemon/config/grants.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/number.h"
#include "mux/daemon/config/parse.h"
#include "mux/daemon/config/secret.h"
#include "mux/daemon/config/token_file.h"
#include "mux/daemon/state/folder.h"
#include "mux/daemon/state/list_file.h"
#include "mux/locked.h"

#define HASH_BYTES 32u

/* A line of the file: as standing, but by name. */
struct memory {
	char grant[LIMIT_NAME], camera[LIMIT_NAME];
	bool present, has_id;
	uint32_t round;
	uint64_t since_s;
	uint8_t hash[HASH_BYTES], id[TOKEN_ID_BYTES];
	char token_file[LIMIT_PATH];
};

struct grants {
	const struct config *config; /* borrowed */
	struct standing *standing;   /* owned */
	size_t n_standing;
	struct memory *memories; /* owned: those of the last life; the absent ones are kept */
	size_t n_memories;
};

static int explain(int rc, char *why, size_t size)
{
	snprintf(why, size, GRANTS_FILE ": %s", strerror(-rc));
	return rc;
}

/* ---- the file ------------------------------------------------------------------------ */

static int unhex(const char *hex, uint8_t *out, size_t size)
{
	size_t got;

	return strlen(hex) == 2 * size &&
			sodium_hex2bin(out, size, hex, 2 * size, NULL, &got, NULL) == 0 &&
			got == size
		? 0
		: -EINVAL;
}

/* GRANT CAMERA present|absent ROUND SINCE HASH ID|- TOKEN_FILE|- */
static int parse_memory(char *line, struct memory *m)
{
	char *save = NULL, *word[7];
	uint64_t round;

	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < ARRAY_SIZE(word); i++) {
		word[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!word[i])
			return -EINVAL;
	}
	if (!*save || strlen(save) >= sizeof(m->token_file) || !parse_is_name(word[0]) ||
		!parse_is_name(word[1]) || number_parse(word[3], 1, UINT32_MAX - 1, &round) < 0 ||
		number_parse(word[4], 0, UINT64_MAX, &m->since_s) < 0 ||
		unhex(word[5], m->hash, sizeof(m->hash)) < 0)
		return -EINVAL;
	if (strcmp(word[2], "present") != 0 && strcmp(word[2], "absent") != 0)
		return -EINVAL;
	m->has_id = strcmp(word[6], "-") != 0;
	if (m->has_id && unhex(word[6], m->id, sizeof(m->id)) < 0)
		return -EINVAL;
	m->present = word[2][0] == 'p';
	m->round = (uint32_t)round;
	memcpy(m->grant, word[0], strlen(word[0]) + 1);
	memcpy(m->camera, word[1], strlen(word[1]) + 1);
	if (strcmp(save, "-") != 0)
		memcpy(m->token_file, save, strlen(save) + 1);
	return 0;
}

static const struct list_file list = {
	.name = GRANTS_FILE, .header = "framemux grants 1\n", .bytes_max = STATE_FILE_BYTES_MAX};

static int take_memory(void *data, char *line)
{
	struct grants *g = data;
	struct memory *more = reallocarray(g->memories, g->n_memories + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	g->memories = more;
	if (parse_memory(line, &more[g->n_memories]) < 0)
		return -EBADMSG;
	g->n_memories++;
	return 0;
}

static int print_line(FILE *f, const char *grant, const char *camera, bool present, uint32_t round,
	uint64_t since_s, const uint8_t *hash, const uint8_t *id, const char *token_file)
{
	char hash_hex[2 * HASH_BYTES + 1], id_hex[2 * TOKEN_ID_BYTES + 1] = "-";

	sodium_bin2hex(hash_hex, sizeof(hash_hex), hash, HASH_BYTES);
	if (id)
		sodium_bin2hex(id_hex, sizeof(id_hex), id, TOKEN_ID_BYTES);
	return fprintf(f, "%s %s %s %" PRIu32 " %" PRIu64 " %s %s %s\n", grant, camera,
		present ? "present" : "absent", round, since_s, hash_hex, id_hex,
		token_file[0] ? token_file : "-");
}

static const struct standing *find_standing(
	const struct grants *g, const char *grant, const char *camera)
{
	for (size_t i = 0; i < g->n_standing; i++)
		if (!strcmp(g->standing[i].grant->name, grant) &&
			!strcmp(g->standing[i].camera, camera))
			return &g->standing[i];
	return NULL;
}

static void print_all(const void *data, FILE *f)
{
	const struct grants *g = data;

	for (size_t i = 0; i < g->n_standing; i++) {
		const struct standing *st = &g->standing[i];

		print_line(f, st->grant->name, st->camera, true, st->round, st->since_s, st->hash,
			st->has_id ? st->id : NULL, st->grant->token_file);
	}
	for (size_t i = 0; i < g->n_memories; i++) {
		const struct memory *m = &g->memories[i];

		if (!find_standing(g, m->grant, m->camera))
			print_line(f, m->grant, m->camera, false, m->round, m->since_s, m->hash,
				m->has_id ? m->id : NULL, "");
	}
}

int grants_save_text(const struct grants *g, char **ret, size_t *ret_len)
{
	return list_file_text(&list, print_all, g, ret, ret_len);
}

/* ---- what is the same, and what is not ----------------------------------------------- */

/* Over all that the token says but for its round: another value is another grant. */
static void hash_standing(struct standing *st, const struct camera_id *camera)
{
	const struct config_grant *g = st->grant;
	uint8_t numbers[4 * 4 + 8 + 4], masks[LIMIT_MASKS * 16];
	crypto_generichash_state h;

	put_le32(numbers, g->uid);
	put_le32(numbers + 4, g->max_width);
	put_le32(numbers + 8, g->max_height);
	put_le32(numbers + 12, g->max_fps);
	put_le64(numbers + 16, g->expires_s);
	put_le32(numbers + 24, g->dump);
	for (uint32_t i = 0; i < g->n_masks; i++) {
		put_le32(masks + 16 * i, g->masks[i].x);
		put_le32(masks + 16 * i + 4, g->masks[i].y);
		put_le32(masks + 16 * i + 8, g->masks[i].width);
		put_le32(masks + 16 * i + 12, g->masks[i].height);
	}
	crypto_generichash_init(&h, NULL, 0, HASH_BYTES);
	crypto_generichash_update(&h, (const uint8_t *)"framemux grant 1", 16);
	crypto_generichash_update(&h, (const uint8_t *)g->name, sizeof(g->name));
	crypto_generichash_update(&h, camera->b, CAMERA_ID_BYTES);
	crypto_generichash_update(&h, numbers, sizeof(numbers));
	crypto_generichash_update(&h, (const uint8_t *)g->label, sizeof(g->label));
	crypto_generichash_update(&h, masks, 16 * g->n_masks);
	if (*g->unit) {
		crypto_generichash_update(&h, (const uint8_t *)"unit", 5);
		crypto_generichash_update(&h, (const uint8_t *)g->unit, sizeof(g->unit));
	}
	crypto_generichash_final(&h, st->hash, HASH_BYTES);
}

static bool is_revoked(const uint8_t *ids, size_t n, const uint8_t id[TOKEN_ID_BYTES])
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(ids + i * TOKEN_ID_BYTES, id, TOKEN_ID_BYTES))
			return true;
	return false;
}

static const struct memory *recall(const struct grants *g, const struct standing *st)
{
	for (size_t i = 0; i < g->n_memories; i++)
		if (!strcmp(g->memories[i].grant, st->grant->name) &&
			!strcmp(g->memories[i].camera, st->camera))
			return &g->memories[i];
	return NULL;
}

static bool goes_on(const struct grants *g, const struct memory *m)
{
	const struct standing *st = find_standing(g, m->grant, m->camera);

	return m->present && st && !memcmp(st->hash, m->hash, HASH_BYTES);
}

static void settle(struct grants *g, struct standing *st, uint64_t now_s, const uint8_t *revoked,
	size_t n_revoked)
{
	const struct memory *m = recall(g, st);

	st->round = 1;
	st->since_s = now_s;
	if (m && goes_on(g, m) && !(m->has_id && is_revoked(revoked, n_revoked, m->id))) {
		st->round = m->round;
		st->since_s = m->since_s;
		st->has_id = m->has_id;
		memcpy(st->id, m->id, sizeof(st->id));
	} else if (m) {
		st->round = m->round + 1;
	}
	st->not_after = st->grant->expires_s ? st->since_s + st->grant->expires_s : 0;
}

/* The tokens of what does not go on die: their ids behind the n_revoked that are there. */
static int collect_ended(const struct grants *g, uint8_t **revoked, size_t *n_revoked)
{
	uint8_t *ids = reallocarray(*revoked, *n_revoked + g->n_memories + 1, TOKEN_ID_BYTES);

	if (!ids)
		return -ENOMEM;
	*revoked = ids;
	for (size_t i = 0; i < g->n_memories; i++) {
		const struct memory *m = &g->memories[i];

		if (!m->present || !m->has_id || goes_on(g, m) ||
			is_revoked(ids, *n_revoked, m->id))
			continue;
		memcpy(ids + *n_revoked * TOKEN_ID_BYTES, m->id, TOKEN_ID_BYTES);
		++*n_revoked;
	}
	return 0;
}

static int make_standing(
	struct grants *g, const struct config *c, const struct camera_record *cameras)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_grants; i++)
		n += c->grants[i].n_cameras;
	g->standing = calloc(n + 1, sizeof(*g->standing));
	if (!g->standing)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_grants; i++) {
		for (size_t k = 0; k < c->grants[i].n_cameras; k++) {
			struct standing *st = &g->standing[g->n_standing++];

			const struct camera_record *camera = &cameras[c->grants[i].cameras[k]];

			st->grant = &c->grants[i];
			memcpy(st->camera, camera->name, sizeof(st->camera));
			hash_standing(st, &camera->id);
		}
	}
	return 0;
}

int grants_plan(struct state *s, const struct config *c, const struct camera_record *cameras,
	uint64_t now_s, uint8_t **revoked, size_t *n_revoked, struct grants **ret, char *ret_why,
	size_t why_size)
{
	struct grants *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return explain(-ENOMEM, ret_why, why_size);
	g->config = c;
	rc = list_file_load(state_folder(s), &list, take_memory, g, ret_why, why_size);
	if (rc < 0) {
		grants_free(g);
		return rc;
	}
	rc = make_standing(g, c, cameras);
	if (!rc)
		rc = collect_ended(g, revoked, n_revoked);
	if (rc < 0) {
		grants_free(g);
		return explain(rc, ret_why, why_size);
	}
	for (size_t i = 0; i < g->n_standing; i++)
		settle(g, &g->standing[i], now_s, *revoked, *n_revoked);
	*ret = g;
	return 0;
}

int grants_load(struct state *s, const struct config *c, const struct camera_record *cameras,
	uint64_t now_s, uint8_t **revoked, size_t *n_revoked, struct grants **ret, char *ret_why,
	size_t why_size)
{
	cleanup_free char *text = NULL;
	size_t before = *n_revoked, len;
	struct grants *g;
	int rc = grants_plan(s, c, cameras, now_s, revoked, n_revoked, &g, ret_why, why_size);

	if (rc < 0)
		return rc;
	rc = state_revoked_add(s, *revoked + before * TOKEN_ID_BYTES, *n_revoked - before);
	if (!rc)
		rc = grants_save_text(g, &text, &len);
	if (!rc)
		rc = folder_replace(state_folder(s), GRANTS_FILE, text, len, 0600, (unsigned)-1);
	if (rc < 0) {
		grants_free(g);
		return explain(rc, ret_why, why_size);
	}
	*ret = g;
	return 0;
}

void grants_free(struct grants *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_standing; i++)
		locked_free(g->standing[i].token);
	free(g->standing);
	free(g->memories);
	free(g);
}

static bool is_in_use(const struct grants *g, const char *token_file)
{
	for (size_t i = 0; i < g->config->n_grants; i++)
		if (!strcmp(g->config->grants[i].token_file, token_file))
			return true;
	return false;
}

const char *grants_stale_file(const struct grants *g, size_t *at)
{
	while (*at < g->n_memories) {
		size_t i = (*at)++;
		const char *path = g->memories[i].token_file;

		if (path[0] && !is_in_use(g, path) &&
			(!i || strcmp(g->memories[i - 1].token_file, path) != 0))
			return path;
	}
	return NULL;
}

void grants_clean_up(const struct grants *g)
{
	const char *path;
	char why[256];
	size_t at = 0;

	while ((path = grants_stale_file(g, &at))) {
		if (token_file_remove(path, why, sizeof(why)) < 0)
			log_warning("cannot remove token file %s: %s", path, why);
		else
			log_info("token file %s removed: its grant is gone", path);
	}
}

size_t grants_standing(const struct grants *g, struct standing **ret)
{
	*ret = g->standing;
	return g->n_standing;
}

int grants_take_token(struct grants *g, const char *grant, const char *camera, const char *token)
{
	struct standing *st = (struct standing *)find_standing(g, grant, camera);
	struct token parsed;
	const uint8_t *id;
	char *copy;

	if (!st)
		return -ENOENT;
	if (token_parse(token, &parsed) < 0)
		return -EBADMSG;
	id = token_body_id(parsed.body, parsed.body_len);
	copy = id ? secret_text(token) : NULL;
	if (!copy) {
		explicit_bzero(&parsed, sizeof(parsed));
		return id ? -ENOMEM : -EBADMSG;
	}
	memcpy(st->id, id, TOKEN_ID_BYTES);
	explicit_bzero(&parsed, sizeof(parsed));
	st->has_id = true;
	locked_free(st->token);
	st->token = copy;
	return 0;
}

int grants_token_text(const struct grants *g, const struct config_grant *grant, char **ret)
{
	size_t size = 1, len = 0;
	char *text;

	for (size_t i = 0; i < g->n_standing; i++) {
		const struct standing *st = &g->standing[i];

		if (st->grant != grant)
			continue;
		if (!st->token)
			return -EAGAIN;
		size += strlen(st->camera) + strlen(st->token) + 2;
	}
	text = locked_alloc(size);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_standing; i++)
		if (g->standing[i].grant == grant)
			len += (size_t)snprintf(text + len, size - len, "%s %s\n",
				g->standing[i].camera, g->standing[i].token);
	*ret = text;
	return 0;
}

/* A token that is alive, and in whose place there is the same one. */
void grants_take_over(struct grants *g, struct grants *old)
{
	for (size_t i = 0; i < g->n_standing; i++) {
		struct standing *st = &g->standing[i];
		struct standing *was =
			(struct standing *)find_standing(old, st->grant->name, st->camera);

		if (!was || !was->token || !was->has_id || !st->has_id ||
			memcmp(was->id, st->id, sizeof(st->id)) != 0)
			continue;
		st->token = was->token;
		was->token = NULL;
	}
}

const struct standing *grants_find(const struct grants *g, const char *grant, const char *camera)
{
	return find_standing(g, grant, camera);
}
