/* The head file of the audit log. Owns nothing. Runs in framemuxd, never in its loop. */
#include "mux/daemon/audit/audit_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "mux/daemon/state/folder.h"

#define MAGIC       "FMXAUDH1"
#define MAGIC_BYTES 8u
#define PLACE_BYTES 512u /* one sector: more than is used */
#define PLACES      2u
#define SUM_BYTES   32u
#define USED_BYTES                                                                                 \
	(MAGIC_BYTES + 8u + AUDIT_HASH_BYTES + 8u + AUDIT_SEED_BYTES + 4u + 8u) /* before the sum */

void audit_keys_fresh(struct audit_keys *s)
{
	*s = (struct audit_keys){.segment = 1, .seal = 1};
	randombytes_buf(s->seed, sizeof(s->seed));
}

void audit_keys_renew(struct audit_keys *s, const struct audit_head *head, uint64_t seal)
{
	audit_keys_fresh(s);
	s->head = *head;
	s->seal = seal;
}

void audit_keys_evolve(struct audit_keys *s, uint64_t seals)
{
	for (uint64_t i = 0; i < seals; i++)
		audit_seed_next(s->seed);
	s->seal += seals;
}

/* ---- one place ----------------------------------------------------------------------- */

static void sum(const uint8_t place[PLACE_BYTES], uint8_t ret[SUM_BYTES])
{
	crypto_generichash(ret, SUM_BYTES, place, USED_BYTES, NULL, 0);
}

static void pack(const struct audit_keys *s, uint8_t ret[PLACE_BYTES])
{
	uint8_t *p = ret;

	memset(ret, 0, PLACE_BYTES);
	memcpy(p, MAGIC, MAGIC_BYTES);
	put_le64(p += MAGIC_BYTES, s->head.n);
	memcpy(p += 8, s->head.chain, AUDIT_HASH_BYTES);
	put_le64(p += AUDIT_HASH_BYTES, s->seal);
	memcpy(p += 8, s->seed, AUDIT_SEED_BYTES);
	put_le32(p += AUDIT_SEED_BYTES, s->segment);
	put_le64(p += 4, s->bytes);
	sum(ret, p + 8);
}

static int unpack(const uint8_t place[PLACE_BYTES], struct audit_keys *ret)
{
	const uint8_t *p = place;
	uint8_t is[SUM_BYTES];

	sum(place, is);
	if (memcmp(p, MAGIC, MAGIC_BYTES) || memcmp(is, place + USED_BYTES, SUM_BYTES))
		return -EBADMSG;
	ret->head.n = get_le64(p += MAGIC_BYTES);
	memcpy(ret->head.chain, p += 8, AUDIT_HASH_BYTES);
	ret->seal = get_le64(p += AUDIT_HASH_BYTES);
	memcpy(ret->seed, p += 8, AUDIT_SEED_BYTES);
	ret->segment = get_le32(p += AUDIT_SEED_BYTES);
	ret->bytes = get_le64(p + 4);
	return 0;
}

/* ---- the file ------------------------------------------------------------------------ */

static int read_places(int fd, uint8_t places[PLACES][PLACE_BYTES])
{
	ssize_t n = TEMP_FAILURE_RETRY(pread(fd, places, PLACES * PLACE_BYTES, 0));

	if (n < 0)
		return -errno;
	memset((uint8_t *)places + n, 0, PLACES * PLACE_BYTES - (size_t)n);
	return 0;
}

/* The newer of those that are whole. */
static int newest(uint8_t places[PLACES][PLACE_BYTES], struct audit_keys *ret)
{
	struct audit_keys s;
	int rc = -EBADMSG;

	for (size_t i = 0; i < PLACES; i++) {
		if (unpack(places[i], &s) < 0 || (rc == 0 && s.seal <= ret->seal))
			continue;
		*ret = s;
		rc = 0;
	}
	sodium_memzero(&s, sizeof(s));
	return rc;
}

int audit_keys_open(int folder, int *ret_fd)
{
	cleanup_fd int fd =
		openat(folder, AUDIT_HEAD_FILE, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) ||
		st.st_nlink != 1)
		return -EPERM;
	*ret_fd = take_fd(&fd);
	return 0;
}

int audit_keys_load(int folder, struct audit_keys *ret)
{
	uint8_t places[PLACES][PLACE_BYTES];
	cleanup_fd int fd = -1;
	int rc = audit_keys_open(folder, &fd);

	if (!rc)
		rc = read_places(fd, places);
	if (!rc)
		rc = newest(places, ret);
	sodium_memzero(places, sizeof(places));
	return rc;
}

int audit_keys_create(int folder, const struct audit_keys *s, int *ret_fd)
{
	uint8_t places[PLACES][PLACE_BYTES] = {{0}};
	int rc;

	pack(s, places[s->seal % PLACES]);
	rc = folder_replace(folder, AUDIT_HEAD_FILE, places, sizeof(places), 0600, (unsigned)-1);
	sodium_memzero(places, sizeof(places));
	return rc < 0 ? rc : audit_keys_open(folder, ret_fd);
}

static int write_place(int fd, size_t i, const uint8_t place[PLACE_BYTES])
{
	ssize_t n = TEMP_FAILURE_RETRY(pwrite(fd, place, PLACE_BYTES, (off_t)(i * PLACE_BYTES)));

	return n < 0 ? -errno : n == (ssize_t)PLACE_BYTES ? 0 : -EIO;
}

/*
 * The place that was written last stays until this one is on the disk. Then it is cleared, which
 * reaches the disk with the next save: whoever takes the disk away finds one seed too many at most.
 */
int audit_keys_save(int fd, const struct audit_keys *s)
{
	static const uint8_t nothing[PLACE_BYTES];
	uint8_t places[PLACES][PLACE_BYTES], place[PLACE_BYTES];
	struct audit_keys was[PLACES];
	size_t at;
	int rc = read_places(fd, places);

	if (rc < 0)
		return rc;
	memset(was, 0, sizeof(was));
	for (size_t i = 0; i < PLACES; i++)
		if (unpack(places[i], &was[i]) < 0)
			was[i].seal = 0;
	at = was[0].seal > was[1].seal;
	pack(s, place);
	rc = write_place(fd, at, place);
	if (!rc && fdatasync(fd) < 0)
		rc = -errno;
	if (!rc)
		rc = write_place(fd, !at, nothing);
	sodium_memzero(place, sizeof(place));
	sodium_memzero(places, sizeof(places));
	sodium_memzero(was, sizeof(was));
	return rc;
}
