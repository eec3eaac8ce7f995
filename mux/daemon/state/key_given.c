/* Reads the root key that is given as a credential, and knows it again. Runs in framemuxd, starting. */
#include "mux/daemon/state/key_given.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "mux/daemon/config/secret.h"
#include "mux/daemon/state/folder.h"
#include "mux/locked.h"

#define PRINT_HEADER "framemux root key's print 1\n"
#define PRINT_LABEL  "framemux root print 1" /* hashed with its NUL */
#define HASH_BYTES   32u
#define PRINT_LEN    (sizeof(PRINT_HEADER) - 1 + 2 * HASH_BYTES + 1)

static int bad(char *why, size_t size, const char *what)
{
	snprintf(why, size, "the credential " KEY_GIVEN_CREDENTIAL ": %s", what);
	return -EBADMSG;
}

int key_given_read(uint8_t ret_key[KEY_BYTES], char *ret_why, size_t why_size)
{
	cleanup_fd int fd = -1;
	const char *what = "";
	uint8_t *bytes;
	ssize_t n;
	int rc = secret_open_credential(KEY_GIVEN_CREDENTIAL, &fd, &what);

	if (rc == -ENOENT)
		return rc;
	if (rc < 0)
		return bad(ret_why, why_size, what);
	bytes = locked_alloc(KEY_BYTES + 1);
	if (!bytes)
		return -ENOMEM;
	n = TEMP_FAILURE_RETRY(read(fd, bytes, KEY_BYTES + 1));
	if (n != (ssize_t)KEY_BYTES)
		rc = bad(ret_why, why_size, n < 0 ? strerror(errno) : "it is not 32 bytes");
	else if (sodium_is_zero(bytes, KEY_BYTES))
		rc = bad(ret_why, why_size, "it is all zeros, which is no secret");
	else
		memcpy(ret_key, bytes, KEY_BYTES);
	locked_free(bytes);
	return rc;
}

/* Of a random key nothing can be told by it. */
static void print_of(const uint8_t key[KEY_BYTES], char ret[PRINT_LEN + 1])
{
	uint8_t hash[HASH_BYTES];
	char hex[2 * HASH_BYTES + 1];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)PRINT_LABEL, sizeof(PRINT_LABEL),
		key, KEY_BYTES);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	snprintf(ret, PRINT_LEN + 1, PRINT_HEADER "%s\n", hex);
}

int key_print_compare(int folder, const uint8_t key[KEY_BYTES])
{
	cleanup_free char *text = NULL;
	char print[PRINT_LEN + 1];
	size_t len;
	int rc = folder_read(folder, KEY_PRINT_FILE, PRINT_LEN, &text, &len);

	if (rc == -ENOENT || rc == -ENOMEM)
		return rc;
	if (breakage("daemon-any-root-key"))
		return 0;
	print_of(key, print);
	return rc == 0 && len == PRINT_LEN && !memcmp(text, print, PRINT_LEN) ? 0 : -EBADMSG;
}

int key_print_write(int folder, const uint8_t key[KEY_BYTES])
{
	char print[PRINT_LEN + 1];

	print_of(key, print);
	return folder_replace(folder, KEY_PRINT_FILE, print, PRINT_LEN, 0600, (unsigned)-1);
}
