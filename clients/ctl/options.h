/* framemuxctl's command line, checked. Opens nothing. */
#ifndef FRAMEMUX_CTL_OPTIONS_H
#define FRAMEMUX_CTL_OPTIONS_H

#include <stdbool.h>

#include "common/token.h"

struct options;

struct verb {
	const char *name;
	const char *synopsis; /* what follows the name in its usage line */
	const char *help;
	const char *permitted; /* letters of the options below, beyond -h, -s and --json */
	int n_operands;        /* at most */
	int (*run)(const struct options *o); /* the exit code, everything said */
};

/* What a grant or a narrowing limits. */
struct limits {
	const char *camera, *unit, *label; /* NULL: not given */
	bool has_uid, has_size, has_fps, has_expiry, dump, no_dump;
	uint32_t uid, width, height, fps;
	uint64_t expires_s; /* NUMBER_NEVER: never */
	struct mask masks[LIMIT_MASKS];
	uint32_t n_masks;
};

/* Strings are borrowed from argv. */
struct options {
	const struct verb *verb;
	const char *socket; /* NULL: the built-in default */
	const char *key_file;
	const char *output; /* NULL: standard output */
	const char *vendor;
	const char *operand, *second;
	const char *anchor; /* a file with a line of state_anchor */
	uint32_t timeout_s; /* 0: not given */
	bool json, watch, all, follow, state;
	bool has_since, has_until, has_at;
	uint64_t since_ms, until_ms, at_ms; /* since the Unix epoch */
	struct limits limits;
};

/* -1: go on with *ret; else the program's exit code, everything said. */
int options_parse(int argc, char **argv, struct options *ret);

/* All verbs; ends with a NULL name. */
extern const struct verb verbs[];

#endif
