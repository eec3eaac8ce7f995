/*
 * The files that standing grants hand their tokens out in: lines "CAMERA TOKEN", 0400, the
 * holder's. Waits for the disk: called while starting or from the writer thread.
 */
#ifndef FRAMEMUX_TOKEN_FILE_H
#define FRAMEMUX_TOKEN_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Put text into the file, all or nothing. Its folder is made when missing (0755) and must be one
 * that only root or the mux's uid can write. 0, or -errno and why.
 */
int token_file_write(
	const char *path, uid_t uid, const char *text, size_t len, char *ret_why, size_t why_size);

/* Whether it could be written, as far as one can see without writing. 0, or -errno and why. */
int token_file_check(const char *path, char *ret_why, size_t why_size);

/* Remove it; 0 also when it is not there. */
int token_file_remove(const char *path, char *ret_why, size_t why_size);

#endif
