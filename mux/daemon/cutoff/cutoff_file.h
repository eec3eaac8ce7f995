/*
 * The file "cutoffs" of the state folder: what was revoked by camera, by uid, or as a whole. Touches
 * the disk while starting; text otherwise.
 */
#ifndef FRAMEMUX_CUTOFF_FILE_H
#define FRAMEMUX_CUTOFF_FILE_H

#include "common/cutoff.h"

#define CUTOFFS_FILE "cutoffs"

/* 0 (also when there is no file yet), or -errno and why; -EBADMSG: damaged, a right may live on. */
int cutoff_file_load(int folder, struct cutoffs *ret, char *ret_why, size_t why_size);

/* The caller frees. */
int cutoff_file_text(const struct cutoffs *s, char **ret, size_t *ret_len);

#endif
