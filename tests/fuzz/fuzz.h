/*
 * What each fuzz target is: a program of libFuzzer that links a role's real parsers and gives them
 * bytes. MUST is what has to be true of the outcome; the sanitizers see the rest. A new target is
 * a file fuzz_NAME.c, its name in tests/fuzz/local.mk, and a function seeds_NAME in seeds.py.
 */
#ifndef FRAMEMUX_TESTS_FUZZ_H
#define FRAMEMUX_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Input that is taken apart bit by bit. */
struct fuzz {
	const uint8_t *at;
	size_t len;
};

static inline uint8_t fuzz_byte(struct fuzz *f)
{
	if (!f->len)
		return 0;
	f->len--;
	return *f->at++;
}

/* A piece with its length in front of it, 16 bits; shorter at the end. */
static inline struct fuzz fuzz_piece(struct fuzz *f)
{
	size_t n = (size_t)fuzz_byte(f) << 8;
	struct fuzz piece;

	n |= fuzz_byte(f);
	if (n > f->len)
		n = f->len;
	piece = (struct fuzz){f->at, n};
	f->at += n;
	f->len -= n;
	return piece;
}

/* The text up to the next line feed, cut to fit ret[size]; NULs become blanks. */
static inline void fuzz_line(struct fuzz *f, char *ret, size_t size)
{
	size_t n = 0;

	while (f->len) {
		uint8_t c = fuzz_byte(f);

		if (c == '\n')
			break;
		if (n + 1 < size)
			ret[n++] = c ? (char)c : ' ';
	}
	ret[n] = 0;
}

#endif
