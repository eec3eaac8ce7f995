/*
 * Cutoffs: tokens that were revoked all at once, by camera, by uid, or every one. Each token says
 * under which issue number it was minted; a cutoff kills those of its number and before, and what is
 * minted after it has the next. No clock is asked, so that none that is set back revives anything.
 *
 * A token without a number is a standing grant's: it keeps its token for years and is killed by id.
 * Pure code: framemuxd keeps cutoffs on disk, the broker applies them.
 */
#ifndef FRAMEMUX_CUTOFF_H
#define FRAMEMUX_CUTOFF_H

#include "common/token.h"

#define CUTOFFS_MAX 65536u

enum cutoff_kind { CUTOFF_ALL = 1, CUTOFF_CAMERA, CUTOFF_UID };

struct cutoff {
	uint32_t kind;
	char camera[LIMIT_NAME]; /* CUTOFF_CAMERA */
	uint32_t uid;            /* CUTOFF_UID */
	uint64_t issue;          /* the newest number that it kills */
};

/* The newest of each camera and uid; one for all makes the older ones superfluous. */
struct cutoffs {
	struct cutoff *list; /* owned */
	size_t n, room;
};

void cutoffs_free(struct cutoffs *s);

/* 0; -EINVAL: none, or older than what is there; -ENOSPC above CUTOFFS_MAX; -ENOMEM. */
int cutoffs_add(struct cutoffs *s, const struct cutoff *c);

/* The number of what is minted once all of these are in force. */
uint64_t cutoffs_next_issue(const struct cutoffs *s);

/* Is it aimed at this camera and holder? */
bool cutoff_hits(const struct cutoff *c, const char *camera, uint32_t uid);

/* Are the rights of a token dead? Also when their number is above newest: it was never given. */
bool cutoffs_kill(const struct cutoffs *s, const struct rights *r, uint64_t newest);

#endif
