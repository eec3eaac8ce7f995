/*
 * A root key that the init system gives as a credential, so that it need not lie on the disk: the file
 * "root.key" in $CREDENTIALS_DIRECTORY, KEY_BYTES bytes, as the state folder's own would be. In the
 * state folder there is then only its print ("root.print"), by which another key, or none, is noticed.
 */
#ifndef FRAMEMUX_KEY_GIVEN_H
#define FRAMEMUX_KEY_GIVEN_H

#include <stddef.h>
#include <stdint.h>

#include "common/identity.h"

#define KEY_GIVEN_CREDENTIAL "root.key"
#define KEY_PRINT_FILE       "root.print"

/* 0; -ENOENT: none is given; else why not: -EBADMSG, it is no good. ret_key: of locked_alloc(). */
int key_given_read(uint8_t ret_key[KEY_BYTES], char *ret_why, size_t why_size);

/* Is it the key whose print is in the folder? 0; -ENOENT: there is no print; -EBADMSG: no. */
int key_print_compare(int folder, const uint8_t key[KEY_BYTES]);
int key_print_write(int folder, const uint8_t key[KEY_BYTES]);

#endif
