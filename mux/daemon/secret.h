/*
 * Secrets in memory: camera passwords and keys, in pages of their own that are locked, left out of
 * core dumps and cleared when freed. Read from files once, at start.
 */
#ifndef FRAMEMUX_SECRET_H
#define FRAMEMUX_SECRET_H

#include <stddef.h>

#define SECRET_BYTES_MAX 256u

/* Zeroed locked memory; NULL without memory. sodium_init() must have been called. */
void *secret_alloc(size_t size);
void secret_free(void *secret);

/* A copy of a text in such memory. */
char *secret_text(const char *text);

/*
 * The one line of a secret file, its newline cut. A name without a slash is looked for in
 * $CREDENTIALS_DIRECTORY first, then in folder. The file must be regular, no link, with one name,
 * and not readable by group or others. 0 and a secret of secret_alloc(), or -errno and why.
 */
int secret_read(const char *folder, const char *name, char **ret, const char **ret_why);

#endif
