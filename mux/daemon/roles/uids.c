/* Gives out uids for roles. Runs in framemuxd; the file "uids" in its state folder is its own. */
#include "mux/daemon/roles/uids.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <config.h>

#include "common/cleanup.h"
#include "mux/daemon/state/folder.h"

#define FILE_NAME  "uids"
#define BOOT_BYTES 37u /* a UUID as text */
#define BLOCKS     ((ROLE_UID_LAST - ROLE_UID_FIRST + 1) / UIDS_A_START)

_Static_assert(ROLE_UID_FIRST > 0 && ROLE_UID_LAST > ROLE_UID_FIRST &&
		ROLE_UID_LAST - ROLE_UID_FIRST + 1 >= UIDS_A_START,
	"--with-role-uids: too few");

static int read_boot(char ret[BOOT_BYTES])
{
	cleanup_fd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, ret, BOOT_BYTES - 1) != BOOT_BYTES - 1)
		return -EIO;
	ret[BOOT_BYTES - 1] = 0;
	return 0;
}

/*
 * The block that comes after what was taken in this boot. The first is a random one: another
 * framemuxd with another state folder took one, too. -EBADMSG: the file makes no sense.
 */
static int next_block(int folder, const char *boot, uint32_t *ret)
{
	cleanup_free char *text = NULL;
	char kept[BOOT_BYTES], end;
	uint32_t last;
	size_t len;
	int r = folder_read(folder, FILE_NAME, 128, &text, &len);

	*ret = randombytes_uniform(BLOCKS);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (sscanf(text, "%36s %" SCNu32 "\n%c", kept, &last, &end) != 2 || last >= BLOCKS)
		return -EBADMSG;
	if (!strcmp(kept, boot))
		*ret = (last + 1) % BLOCKS;
	return 0;
}

int uids_open(struct uids *u, int state_folder, char *ret_why, size_t why_size)
{
	char boot[BOOT_BYTES], line[64];
	uint32_t block;
	int n, r;

	*u = (struct uids){0, 0};
	if (geteuid() != 0)
		return 0;
	r = read_boot(boot);
	if (r < 0) {
		snprintf(ret_why, why_size,
			"cannot tell this boot from others: no boot_id in /proc");
		return r;
	}
	r = next_block(state_folder, boot, &block);
	if (r < 0) {
		snprintf(ret_why, why_size,
			"%s cannot be read: %s (it may be removed after a reboot)", FILE_NAME,
			r == -EBADMSG ? "it is damaged" : strerror(-r));
		return r;
	}
	n = snprintf(line, sizeof(line), "%s %" PRIu32 "\n", boot, block);
	r = folder_replace(state_folder, FILE_NAME, line, (size_t)n, 0600, (unsigned)-1);
	if (r < 0) {
		snprintf(ret_why, why_size, "cannot write %s: %s", FILE_NAME, strerror(-r));
		return r;
	}
	u->next = ROLE_UID_FIRST + block * UIDS_A_START;
	u->end = u->next + UIDS_A_START;
	return 0;
}

uid_t uids_take(struct uids *u)
{
	return u->next < u->end ? u->next++ : 0;
}
