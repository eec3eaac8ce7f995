/* Where a command's token comes from. */
#ifndef FRAMEMUX_CTL_SOURCE_H
#define FRAMEMUX_CTL_SOURCE_H

#include "common/token.h"

/*
 * The token of -k FILE, else $FRAMEMUX_TOKEN, else standard input: one line. A file may also be a
 * grant's token_file, lines "CAMERA TOKEN": the one for camera, or the only one when camera is
 * NULL. 0, or an exit code with everything said.
 */
int source_token(const char *key_file, const char *camera, struct token *ret);

/* Print a token as text. 0, or an exit code. */
int source_print(const struct token *t);

#endif
