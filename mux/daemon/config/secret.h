/* Secrets from files, in memory of mux/locked.h. Read once, at start and at reload. */
#ifndef FRAMEMUX_SECRET_H
#define FRAMEMUX_SECRET_H

#define SECRET_BYTES_MAX 256u

/* A copy of a text in such memory. */
char *secret_text(const char *text);

/*
 * The one line of a secret file, its newline cut. A name without a slash is looked for in
 * $CREDENTIALS_DIRECTORY first, then in folder. The file must be regular, no link, with one name,
 * and not readable by group or others. 0 and a secret of locked_alloc(), or -errno and why.
 */
int secret_read(const char *folder, const char *name, char **ret, const char **ret_why);

/* A credential that the init system gave, as such a file. -ENOENT: there is none of that name. */
int secret_open_credential(const char *name, int *ret_fd, const char **ret_why);

#endif
