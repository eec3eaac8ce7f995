/*
 * The root keys of all tokens: the newest, with which tokens are made, and at most one before it,
 * which is still good until it is retired. In the state folder as "root.key" while there has only been
 * one, then as "root.keys"; replaced as a whole. Or the one key is a credential (key_given.h), which the
 * mux cannot replace. What sees files may wait for the disk: while starting, or in the writer thread.
 */
#ifndef FRAMEMUX_KEY_FILE_H
#define FRAMEMUX_KEY_FILE_H

#include "mux/daemon/state/state.h"

#define ROOT_KEYS_MAX  2u
#define ROOT_KEYS_FILE "root.keys"

struct root_key {
	uint32_t id; /* counts up; never used again */
	uint64_t since_s;
	uint8_t key[KEY_BYTES];
};

/* Of locked_alloc(). The newest first. */
struct root_keys {
	uint32_t n;
	bool is_given; /* the only one, as a credential */
	struct root_key list[ROOT_KEYS_MAX];
};

/* 0, or -errno and why; -EBADMSG: damaged. Makes a key where there is none. */
int key_file_load(struct state *s, struct root_keys *ret, char *ret_why, size_t why_size);

/* On disk when it returns 0; with -errno it is as it was. */
int key_file_write(int folder, const struct root_keys *keys);

/* Put a new key before the one that there is. -EEXIST: there are two; -EROFS: it is a credential. */
int root_keys_rotate(struct root_keys *keys, uint64_t now_s);

/* Wipe the older one. -ENOENT: it is none of that id, or the only one. */
int root_keys_retire(struct root_keys *keys, uint32_t id);

#endif
