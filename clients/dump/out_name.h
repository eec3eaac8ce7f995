/* The names of framemux-dump's output files: a plain name, or a pattern with the frame's number. */
#ifndef FRAMEMUX_DUMP_OUT_NAME_H
#define FRAMEMUX_DUMP_OUT_NAME_H

#include <stddef.h>
#include <stdint.h>

enum out_kind {
	OUT_BAD,     /* a % that is no %d, or several of them */
	OUT_STDOUT,  /* "-" */
	OUT_FILE,    /* no % in it; "%%" stands for one */
	OUT_PATTERN, /* one %d, %5d or %05d */
};

enum out_kind out_name_kind(const char *out);

/* The name for frame number n (from 1) of a good out. 0, or -1 when it does not fit. */
int out_name_make(const char *out, uint64_t n, char *ret, size_t size);

#endif
