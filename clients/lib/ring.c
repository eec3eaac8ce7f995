/*
 * Checks and maps the memory of one attach. Believes the broker about the geometry and nobody about
 * the descriptors. Never writes to a mapping, never talks to a socket. In the client's process.
 */
#include "clients/lib/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/memfd.h"
#include "common/sock.h"

#define STALE_MAX_NS       (3600u * NS_PER_S) /* no lease's limit is longer */
#define COLOR_ENCODING_MAX 2u                 /* BT.2020 */
#define COLOR_RANGE_MAX    1u                 /* full */
#define SAR_MAX            65535u

/* What the broker promises must hang together and be what was asked for. */
static int check_geometry(
	const struct msg_attach *a, const struct msg_open *asked, struct picture *ret)
{
	if (picture_layout(a->fourcc, a->width, a->height, ret) < 0)
		return -EINVAL;
	if (a->slots < LIMIT_SLOTS_MIN || a->slots > LIMIT_SLOTS_MAX ||
		a->ring_bytes != a->slots * ret->slot_bytes)
		return -EINVAL;
	if (a->fourcc != asked->fourcc)
		return -EINVAL;
	if (asked->width && (a->width != asked->width || a->height != asked->height))
		return -EINVAL;
	if (a->color_encoding > COLOR_ENCODING_MAX || a->color_range > COLOR_RANGE_MAX ||
		a->sar_num > SAR_MAX || a->sar_den > SAR_MAX)
		return -EINVAL;
	if (a->stale_ns == 0 || a->stale_ns > STALE_MAX_NS)
		return -EINVAL;
	if (a->tag_mode != TAG_FULL &&
		(a->tag_mode != TAG_SAMPLED || (asked->flags & FRAMEMUX_OPEN_VERIFY_FULL)))
		return -EINVAL;
	return 0;
}

static int check_socket(int fd)
{
	int type = 0, domain = 0, flags = fcntl(fd, F_GETFL);
	socklen_t len = sizeof(int);

	if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	return type == SOCK_SEQPACKET && domain == AF_UNIX ? 0 : -EPERM;
}

/* Read-only, in no core dump and in no child. */
static int map_quietly(int fd, size_t size, const void **ret)
{
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	int r;

	if (p == MAP_FAILED)
		return -errno;
	if (madvise(p, size, MADV_DONTDUMP) < 0 || madvise(p, size, MADV_DONTFORK) < 0) {
		r = -errno;
		munmap(p, size);
		return r;
	}
	*ret = p;
	return 0;
}

/* What every frame of this attach has in common. */
static void fill_frame(struct ring *r, unsigned slot)
{
	struct framemux_frame *f = &r->slots[slot].frame;
	bool has_sar = r->attach.sar_num && r->attach.sar_den;

	*f = (struct framemux_frame){
		.width = r->picture.width,
		.height = r->picture.height,
		.fourcc = r->picture.fourcc,
		.planes = r->picture.planes,
		.generation = r->attach.generation,
		.color_encoding = r->attach.color_encoding,
		.color_range = r->attach.color_range,
		.sar_num = has_sar ? r->attach.sar_num : 1,
		.sar_den = has_sar ? r->attach.sar_den : 1,
	};
	for (unsigned i = 0; i < r->picture.planes; i++) {
		f->plane[i] = ring_slot(r, slot) + r->picture.offset[i];
		f->stride[i] = r->picture.stride[i];
	}
}

int ring_open(const struct msg_attach *attach, const struct msg_open *asked, int fds[ATTACH_FDS],
	struct ring **ret)
{
	struct picture picture;
	struct ring *ring;
	const void *p;
	int r;

	if (strcmp(attach->camera, asked->camera))
		return -EBADMSG;
	r = check_geometry(attach, asked, &picture);
	if (r < 0)
		return r;
	if (!breakage("lib-skip-seals")) {
		r = memfd_check(fds[ATTACH_FD_RING], attach->ring_bytes);
		if (r == 0)
			r = memfd_check(fds[ATTACH_FD_DEAD], DEAD_PAGE_BYTES);
		if (r < 0)
			return r;
	}
	r = check_socket(fds[ATTACH_FD_SOCKET]);
	if (r < 0)
		return r;

	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->attach = *attach;
	ring->picture = picture;
	memcpy(ring->camera.b, attach->camera_id, CAMERA_ID_BYTES);
	ring->fd = ring->socket_fd = ring->ready = -1;
	r = map_quietly(fds[ATTACH_FD_RING], attach->ring_bytes, &p);
	if (r < 0)
		goto fail;
	ring->map = p;
	r = map_quietly(fds[ATTACH_FD_DEAD], DEAD_PAGE_BYTES, &p);
	if (r < 0)
		goto fail;
	ring->dead_page = p;
	for (unsigned i = 0; i < attach->slots; i++)
		fill_frame(ring, i);
	sock_refuse_fds(fds[ATTACH_FD_SOCKET]);
	ring->fd = take_fd(&fds[ATTACH_FD_RING]);
	ring->socket_fd = take_fd(&fds[ATTACH_FD_SOCKET]);
	*ret = ring;
	return 0;
fail:
	ring_free(ring);
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	if (r->map)
		munmap((void *)r->map, r->attach.ring_bytes);
	if (r->dead_page)
		munmap((void *)r->dead_page, DEAD_PAGE_BYTES);
	if (r->fd >= 0)
		close(r->fd);
	if (r->socket_fd >= 0)
		close(r->socket_fd);
	sodium_memzero(r, sizeof(*r));
	free(r);
}

void ring_end(struct ring *r)
{
	r->has_ended = true;
	if (r->ready >= 0)
		r->slots[r->ready].owner = SLOT_DECODER;
	r->ready = -1;
	if (r->fd >= 0)
		close(take_fd(&r->fd));
	if (r->socket_fd >= 0)
		close(take_fd(&r->socket_fd));
	sodium_memzero(r->attach.k_attach, sizeof(r->attach.k_attach));
}

bool ring_is_dead(const struct ring *r)
{
	if (r->has_ended)
		return true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(r->dead_page, __ATOMIC_ACQUIRE) != 0 && !breakage("lib-skip-dead");
}

int ring_find(const struct ring *r, const struct framemux_frame *frame)
{
	for (unsigned i = 0; i < r->attach.slots; i++)
		if (&r->slots[i].frame == frame)
			return r->slots[i].owner == SLOT_ACQUIRED ? (int)i : -1;
	return -1;
}
