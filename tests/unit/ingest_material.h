/*
 * Recordings of real cameras, which are no part of the sources: $FRAMEMUX_MATERIAL, or a folder
 * beside the source tree. A test without them says so and passes.
 */
#ifndef FRAMEMUX_TESTS_INGEST_MATERIAL_H
#define FRAMEMUX_TESTS_INGEST_MATERIAL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The whole file, the caller's to free; NULL and a loud line when it is not there. */
static inline uint8_t *material_read(const char *name, size_t *ret_len)
{
	const char *root = getenv("FRAMEMUX_MATERIAL"), *srcdir = getenv("srcdir");
	char path[4096];
	struct stat st;
	uint8_t *data;
	FILE *f;

	if (root)
		snprintf(path, sizeof(path), "%s/%s", root, name);
	else
		snprintf(path, sizeof(path), "%s/../shared/material/%s", srcdir ? srcdir : ".",
			name);
	f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st) < 0) {
		fprintf(stderr, "SKIPPED: no %s (set FRAMEMUX_MATERIAL)\n", path);
		if (f)
			fclose(f);
		return NULL;
	}
	data = malloc((size_t)st.st_size + 1);
	*ret_len = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
	return data;
}

/* Numbers that are the same in each run, for mutations. */
static inline uint32_t material_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif
