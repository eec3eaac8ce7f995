/*
 * Standing grants over restarts: an unchanged one keeps its tokens, a changed or removed one has
 * them revoked, a revoked one gets new ones. Kept in the state folder, for each grant and camera:
 * when it began, how many tokens it had, the last one's id, and the token file. Without descriptors
 * and without a clock of its own; grants_plan, grants_load and grants_clean_up alone see files.
 */
#ifndef FRAMEMUX_GRANTS_H
#define FRAMEMUX_GRANTS_H

#include "mux/daemon/camera.h"
#include "mux/daemon/config/config.h"
#include "mux/daemon/state/state.h"

struct standing {
	const struct config_grant *grant; /* borrowed from the configuration */
	char camera[LIMIT_NAME];
	uint32_t round;     /* counts up when the tokens of this grant and camera were killed */
	uint64_t since_s;   /* the first day of this round; expires counts from it */
	uint64_t not_after; /* 0: never */
	uint8_t hash[32];   /* of all that the token says */
	bool has_id;
	uint8_t id[TOKEN_ID_BYTES]; /* of the token in use */
	char *token;                /* owned, of locked_alloc(); NULL until the broker made it */
};

struct grants;

/*
 * Compare the configuration with what was. revoked: the ids known so far, may be reallocated and
 * grow by the tokens that die now (they are on disk when this returns). now_s: Unix time.
 */
int grants_load(struct state *s, const struct config *c, const struct camera_record *cameras,
	uint64_t now_s, uint8_t **revoked, size_t *n_revoked, struct grants **ret, char *ret_why,
	size_t why_size);
void grants_free(struct grants *g);

/*
 * The same without writing: what grants_save_text gives, and the ids that have come to revoked, are
 * to be written before anything of it is used.
 */
int grants_plan(struct state *s, const struct config *c, const struct camera_record *cameras,
	uint64_t now_s, uint8_t **revoked, size_t *n_revoked, struct grants **ret, char *ret_why,
	size_t why_size);

/* Tokens that go on move from old, which is no more used, to g. Those without one lack it. */
void grants_take_over(struct grants *g, struct grants *old);

/* NULL: none. */
const struct standing *grants_find(const struct grants *g, const char *grant, const char *camera);

/* The next token file of the last life that no grant has any more; NULL: that was all. at: 0. */
const char *grants_stale_file(const struct grants *g, size_t *at);

/* Remove the token files of grants that are gone or have another file now. Logs what fails. */
void grants_clean_up(const struct grants *g);

size_t grants_standing(const struct grants *g, struct standing **ret);

/* The broker made a token. -ENOENT for no grant of ours, -EBADMSG for no token. */
int grants_take_token(struct grants *g, const char *grant, const char *camera, const char *token);

/* The file "grants" of the state folder as text; the caller frees. */
int grants_save_text(const struct grants *g, char **ret, size_t *ret_len);
#define GRANTS_FILE "grants"

/* A token file's text, of locked_alloc(). -EAGAIN while a token of the grant is missing. */
int grants_token_text(const struct grants *g, const struct config_grant *grant, char **ret);

#endif
