/*
 * Who has signed a policy: the keys of the configuration, and how many different ones of them vouch
 * for a body. Pure.
 */
#ifndef FRAMEMUX_POLICY_KEYS_H
#define FRAMEMUX_POLICY_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"

#define POLICY_KEYS_MAX       32u
#define POLICY_KEY_BYTES      32u /* of Ed25519, public */
#define POLICY_KEY_ID         17u /* 16 hexadecimal digits of the key's BLAKE2b, and NUL */
#define POLICY_SIGNATURES_MAX 64u
#define POLICY_SIGNATURE_WORD "signature "

struct policy_key {
	uint8_t key[POLICY_KEY_BYTES];
	char id[POLICY_KEY_ID];
};

/*
 * Base64 as it has to be written, with its padding. libsodium's own decoder takes each byte above 0x7f
 * for a '/'. 0 or -EINVAL.
 */
int policy_base64(const char *text, size_t len, uint8_t *ret, size_t size, size_t *ret_len);

/*
 * Base64 of a public key, or of what minisign(1) writes for one. 0, or -EINVAL and what is wrong with
 * it, a literal.
 */
int policy_key_parse(const char *text, struct policy_key *ret, const char **ret_why);

/*
 * tail: the signature lines of a bundle. ret_signed[i]: keys[i] has signed the body. The number of
 * those that have; or -EBADMSG and why: a line that is no signature, too many of them.
 */
int policy_keys_count(const struct policy_key *keys, size_t n_keys, const char *body,
	size_t body_len, const char *tail, size_t tail_len, bool ret_signed[POLICY_KEYS_MAX],
	char ret_why[LIMIT_REASON]);

#endif
