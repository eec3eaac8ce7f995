/* The attach table of a decoder, in the test's process. */
#include "tests/unit/attach_scene.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "unit.h"

struct scene sc;
static int fds_before;

static void on_tell(void *data, const struct wire_message *m, const void *msg)
{
	struct scene *s = data;

	if (m == &wire_ring_mapped) {
		s->mapped = *(const struct msg_ring_mapped *)msg;
		s->n_mapped++;
	} else if (m == &wire_let_go) {
		s->let_go = *(const struct msg_let_go *)msg;
		s->n_let_go++;
	} else if (m == &wire_counts) {
		s->counts = *(const struct msg_counts *)msg;
		s->n_counts++;
	} else if (m == &wire_client_fault) {
		s->fault = *(const struct msg_client_fault *)msg;
		s->n_fault++;
	} else {
		ck_abort_msg("unexpected %s", m->name);
	}
}

/* Gives a ring of bytes; returns the status that was answered. */
uint32_t scene_give(const struct msg_ring_give *m, uint64_t bytes, int *ret_client)
{
	int pair[2], fds[RING_GIVE_FDS];
	cleanup_fd int memory = -1;

	ck_assert_int_eq(memfd_make("ring", bytes, &memory), 0);
	ck_assert_int_eq(memfd_reopen(memory, O_RDWR, &fds[RING_GIVE_FD_RING]), 0);
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	fds[RING_GIVE_FD_SOCKET] = pair[0];
	ck_assert_int_eq(attach_give(sc.table, m, fds), 0);
	ck_assert_int_eq(fds[RING_GIVE_FD_RING], -1); /* closed before the answer */
	if (fds[RING_GIVE_FD_SOCKET] >= 0)
		close(fds[RING_GIVE_FD_SOCKET]);
	if (ret_client) {
		*ret_client = pair[1];
		sc.ring_fd = take_fd(&memory);
	} else {
		close(pair[1]);
	}
	return sc.mapped.status;
}

void scene_setup(void)
{
	struct attach_owner owner = {.generation = 5, .tell = on_tell, .data = &sc};
	uint8_t *plane[3];
	void *ring;

	fds_before = unit_count_fds();
	memset(&sc, 0, sizeof(sc));
	ck_assert_int_ge(sodium_init(), 0);
	memset(owner.id.b, 0x11, sizeof(owner.id.b));
	memset(owner.k_cam, 0x22, sizeof(owner.k_cam));
	sc.table = attach_table_new(&owner);
	ck_assert_ptr_nonnull(sc.table);
	sc.frame.image.form = (struct image_form){SIDE, SIDE, 1, 1, 0, 0};
	sc.frame.behind_ns = UINT64_MAX;
	attach_table_set_form(sc.table, 1, &sc.frame.image.form);
	ck_assert_int_eq(picture_layout(DRM_FORMAT_YUV420, SIDE, SIDE, &sc.picture), 0);
	sc.give = (struct msg_ring_give){.generation = 5,
		.lease = 7,
		.attach = 9,
		.serial = 1,
		.width = SIDE,
		.height = SIDE,
		.fourcc = DRM_FORMAT_YUV420,
		.slots = SLOTS,
		.tag_mode = TAG_FULL};
	memcpy(sc.give.id, owner.id.b, sizeof(sc.give.id));
	ck_assert_uint_eq(scene_give(&sc.give, SLOTS * sc.picture.slot_bytes, &sc.client), 0);
	ring = mmap(NULL, SLOTS * sc.picture.slot_bytes, PROT_READ, MAP_SHARED, sc.ring_fd, 0);
	ck_assert_ptr_ne(ring, MAP_FAILED);
	sc.ring = ring;
	key_attach(owner.k_cam, 7, 9, 5, sc.key);

	ck_assert_int_eq(
		image_buffer_reserve(&sc.buffer, SIDE, SIDE, plane, sc.frame.image.stride), 0);
	memset(sc.buffer.memory, 128, sc.buffer.capacity);
	sc.luma = plane[0];
	for (int i = 0; i < 3; i++)
		sc.frame.image.plane[i] = plane[i];
	sc.frame.arrival_ns = 1000;
}

void scene_teardown(void)
{
	attach_table_free(sc.table);
	munmap((void *)sc.ring, SLOTS * sc.picture.slot_bytes);
	close(sc.ring_fd);
	if (sc.client >= 0)
		close(sc.client);
	image_buffer_free(&sc.buffer);
	ck_assert_int_eq(unit_count_fds(), fds_before);
}

int scene_nothing(void *data)
{
	(void)data;
	return 0;
}

void scene_publish(uint8_t luma)
{
	memset(sc.luma, luma, SIDE * SIDE);
	sc.frame.media_ns += 40000000;
	sc.frame.came_ns = clock_monotonic_ns();
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, scene_nothing, NULL), 0);
}

void scene_go(void)
{
	const struct msg_ring_go m = {7, 9};

	attach_go(sc.table, &m);
}

void scene_drop(void)
{
	const struct msg_ring_drop m = {7, 9};

	attach_drop(sc.table, &m);
}

int scene_receive(struct msg_frame *ret)
{
	uint8_t buf[256];
	ssize_t n;
	const uint8_t *slot;
	struct tag_header h;

	do {
		n = sock_recv(sc.client, buf, sizeof(buf), NULL, NULL);
		if (n < 0)
			return 0;
	} while (wire_type(buf, (size_t)n) == wire_beat.type);
	ck_assert_int_eq(wire_decode(&wire_frame, buf, (size_t)n, ret), 0);
	ck_assert_uint_lt(ret->slot, SLOTS);
	slot = sc.ring + ret->slot * sc.picture.slot_bytes;
	h = (struct tag_header){.lease = 7,
		.attach = 9,
		.generation = 5,
		.seq = ret->seq,
		.capture_ns = ret->capture_ns,
		.arrival_ns = ret->arrival_ns,
		.publish_ns = ret->publish_ns,
		.publish_boot_ns = ret->publish_boot_ns,
		.slot = ret->slot,
		.flags = ret->flags,
		.mode = TAG_FULL,
		.sar_num = 1,
		.sar_den = 1,
		.picture = &sc.picture};
	memset(h.camera.b, 0x11, sizeof(h.camera.b));
	ck_assert_int_eq(slot_trailer_check(slot, &sc.picture, ret->seq, ret->tag), 0);
	ck_assert_int_eq(tag_verify(sc.key, &h, slot, ret->tag), 0);
	return 1;
}

void scene_credit(uint32_t slot, uint64_t seq, uint32_t acquired)
{
	const struct msg_credit m = {slot, acquired, seq};

	ck_assert_int_eq(sock_send_msg(sc.client, &wire_credit, &m), 0);
}

void scene_turn(void)
{
	struct pollfd fds[ATTACHES_MAX];
	size_t n = attach_table_poll(sc.table, fds);

	poll(fds, n, 0);
	attach_table_read(sc.table, fds, n);
}

void scene_check_counts(uint64_t published, uint64_t delivered, uint64_t dropped)
{
	scene_drop();
	ck_assert_uint_eq(sc.let_go.published, published);
	ck_assert_uint_eq(sc.let_go.delivered, delivered);
	ck_assert_uint_eq(sc.let_go.dropped, dropped);
}
