/* Where a client's token comes from: a file; the environment is the library's own business. */
#ifndef FRAMEMUX_KEY_KEY_H
#define FRAMEMUX_KEY_KEY_H

/*
 * The token for a camera from a file that holds one token, or lines "CAMERA TOKEN". 0 and a string
 * for key_free; -ENOKEY: the file has none for this camera; -EBADMSG: it holds something else; or
 * the -errno of reading it.
 */
int key_read(const char *path, const char *camera, char **ret);

/*
 * One line of such a file, which is cut up: 1 and the token in *ret, 0 for a line that is empty or not
 * for this camera, -EBADMSG. camera NULL: for any.
 */
int key_line(char *line, const char *camera, const char **ret);

/* Wipe and free. NULL is fine. */
void key_free(char *token);

#endif
