/* mux/decode/attach and ring: who owns a slot, what a client may do, what the broker hears. */
#include "mux/decode/attach.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/memfd.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "common/tag.h"
#include "mux/link.h"
#include "unit.h"

#define SLOTS 3u
#define SIDE  64u

/* The broker's ear and one client. */
struct scene {
	struct attach_table *table;
	struct picture picture;
	int client, ring_fd; /* ring_fd: the probe's description */
	const uint8_t *ring;
	uint8_t key[KEY_BYTES];
	struct msg_ring_give give;
	/* heard */
	struct msg_ring_mapped mapped;
	struct msg_let_go let_go;
	struct msg_counts counts;
	struct msg_client_fault fault;
	unsigned n_mapped, n_let_go, n_counts, n_fault;
	struct image_buffer buffer;
	struct attach_frame frame;
	uint8_t *luma;
};

static struct scene sc;
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
static uint32_t give(const struct msg_ring_give *m, uint64_t bytes, int *ret_client)
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

static void setup(void)
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
	ck_assert_uint_eq(give(&sc.give, SLOTS * sc.picture.slot_bytes, &sc.client), 0);
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

static void teardown(void)
{
	attach_table_free(sc.table);
	munmap((void *)sc.ring, SLOTS * sc.picture.slot_bytes);
	close(sc.ring_fd);
	if (sc.client >= 0)
		close(sc.client);
	image_buffer_free(&sc.buffer);
	ck_assert_int_eq(unit_count_fds(), fds_before);
}

static int nothing(void *data)
{
	(void)data;
	return 0;
}

static void publish(uint8_t luma)
{
	memset(sc.luma, luma, SIDE * SIDE);
	sc.frame.media_ns += 40000000;
	sc.frame.came_ns = clock_monotonic_ns();
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, nothing, NULL), 0);
}

static void go(void)
{
	const struct msg_ring_go m = {7, 9};

	attach_go(sc.table, &m);
}

static void drop(void)
{
	const struct msg_ring_drop m = {7, 9};

	attach_drop(sc.table, &m);
}

/* The next frame message, checked like the library does; 0 when there is none. */
static int receive(struct msg_frame *ret)
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

static void credit(uint32_t slot, uint64_t seq, uint32_t acquired)
{
	const struct msg_credit m = {slot, acquired, seq};

	ck_assert_int_eq(sock_send_msg(sc.client, &wire_credit, &m), 0);
}

/* One turn of the decoder's loop for the lease sockets. */
static void turn(void)
{
	struct pollfd fds[ATTACHES_MAX];
	size_t n = attach_table_poll(sc.table, fds);

	poll(fds, n, 0);
	attach_table_read(sc.table, fds, n);
}

static void check_counts(uint64_t published, uint64_t delivered, uint64_t dropped)
{
	drop();
	ck_assert_uint_eq(sc.let_go.published, published);
	ck_assert_uint_eq(sc.let_go.delivered, delivered);
	ck_assert_uint_eq(sc.let_go.dropped, dropped);
}

START_TEST(nothing_before_go)
{
	struct msg_frame m;

	publish(1);
	ck_assert(!receive(&m));
	go();
	publish(2);
	ck_assert(receive(&m));
	ck_assert_uint_eq(m.seq, 1);
	check_counts(1, 0, 0);
}
END_TEST

START_TEST(a_slot_comes_back_with_its_credit)
{
	struct msg_frame m;

	go();
	for (unsigned i = 1; i <= 20; i++) {
		publish((uint8_t)i);
		ck_assert(receive(&m));
		ck_assert_uint_eq(m.seq, i);
		ck_assert_uint_eq(sc.ring[m.slot * sc.picture.slot_bytes], i);
		credit(m.slot, m.seq, i % 2);
		turn();
	}
	ck_assert_uint_eq(sc.n_fault, 0);
	check_counts(20, 10, 10);
}
END_TEST

START_TEST(what_the_client_holds_is_never_overwritten)
{
	struct msg_frame m[SLOTS], more;
	cleanup_free uint8_t *before = malloc(SLOTS * sc.picture.slot_bytes);

	go();
	for (unsigned i = 0; i < SLOTS; i++) {
		publish((uint8_t)(i + 1));
		ck_assert(receive(&m[i]));
	}
	memcpy(before, sc.ring, SLOTS * sc.picture.slot_bytes);
	for (unsigned i = 0; i < 50; i++)
		publish(99);
	ck_assert(!receive(&more));
	ck_assert_mem_eq(before, sc.ring, SLOTS * sc.picture.slot_bytes);
	credit(m[1].slot, m[1].seq, 1);
	turn();
	publish(77);
	ck_assert(receive(&more));
	ck_assert_uint_eq(more.slot, m[1].slot);
	ck_assert_uint_eq(more.seq, SLOTS + 51);
	check_counts(SLOTS + 51, 1, 50);
}
END_TEST

/* Each of these is a client's fault: told once, and no further frame. */
static void check_fault(void)
{
	struct msg_frame m;

	turn();
	ck_assert_uint_eq(sc.n_fault, 1);
	ck_assert_uint_eq(sc.fault.lease, 7);
	ck_assert_uint_eq(sc.fault.attach, 9);
	ck_assert_uint_gt(strlen(sc.fault.reason), 0);
	while (receive(&m))
		continue;
	publish(3);
	turn();
	ck_assert(!receive(&m));
	ck_assert_uint_eq(sc.n_fault, 1);
	drop();
	ck_assert_uint_eq(sc.n_let_go, 1);
}

START_TEST(an_early_credit_is_a_fault)
{
	go();
	credit(0, 1, 1);
	check_fault();
}
END_TEST

START_TEST(a_double_credit_is_a_fault)
{
	struct msg_frame m;

	go();
	publish(1);
	ck_assert(receive(&m));
	credit(m.slot, m.seq, 1);
	credit(m.slot, m.seq, 1);
	check_fault();
	ck_assert_uint_eq(sc.let_go.delivered, 1);
}
END_TEST

START_TEST(a_forged_credit_is_a_fault)
{
	static const struct {
		uint32_t slot_add, acquired;
		uint64_t seq_add;
	} forged[] = {{0, 1, 1}, {1, 1, 0}, {SLOTS, 1, 0}, {0xffffffffu - 2, 1, 0}, {0, 2, 0},
		{0, 1, UINT64_MAX}};
	struct msg_frame m;

	go();
	publish(1);
	ck_assert(receive(&m));
	credit(m.slot + forged[_i].slot_add, m.seq + forged[_i].seq_add, forged[_i].acquired);
	check_fault();
}
END_TEST

START_TEST(garbage_is_a_fault)
{
	static const uint8_t bytes[300];
	static const size_t sizes[] = {1, 4, 19, 21, 64, 65, 300, 0};

	go();
	ck_assert_int_eq(send(sc.client, bytes, sizes[_i], MSG_NOSIGNAL), (ssize_t)sizes[_i]);
	check_fault();
}
END_TEST

START_TEST(credits_before_go_are_a_fault)
{
	credit(0, 0, 0);
	check_fault();
}
END_TEST

START_TEST(descriptors_on_the_lease_socket_do_not_arrive)
{
	const struct msg_credit m = {0, 0, 99};
	uint8_t buf[64];
	ssize_t n = wire_encode(&wire_credit, &m, buf, sizeof(buf));
	int fd = sc.ring_fd, before;

	go();
	ck_assert_int_gt(n, 0);
	(void)sock_send(
		sc.client, buf, (size_t)n, &fd, 1); /* refused, or the descriptor is dropped */
	before = unit_count_fds();
	turn();
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

START_TEST(a_client_that_goes_away_costs_nothing)
{
	struct pollfd p[ATTACHES_MAX];

	go();
	publish(1);
	close(sc.client);
	sc.client = -1;
	turn();
	publish(2);
	ck_assert_uint_eq(sc.n_fault, 1); /* told once: the broker may not see it elsewhere */
	ck_assert_uint_eq(attach_table_poll(sc.table, p), 1);
	ck_assert_int_eq(p[0].fd, -1); /* no spinning on POLLHUP */
	check_counts(1, 0, 0);
}
END_TEST

START_TEST(a_client_that_never_reads_blocks_nobody)
{
	go();
	for (unsigned i = 0; i < 5000; i++) /* far more than its socket holds */
		attach_table_beat(sc.table);
	publish(1);
	check_counts(1, 0, 1); /* no room for the message: the slot stays ours */
	ck_assert_uint_eq(sc.n_fault, 0);
}
END_TEST

START_TEST(a_flood_is_read_in_portions)
{
	struct pollfd fds[ATTACHES_MAX];
	size_t n;

	go();
	publish(1);
	for (unsigned i = 0; i < 100; i++)
		credit(0, 1, 1); /* the second is a fault; the rest is not even read */
	n = attach_table_poll(sc.table, fds);
	poll(fds, n, 0);
	attach_table_read(sc.table, fds, n);
	ck_assert_uint_eq(sc.n_fault, 1);
	turn();
	ck_assert_uint_eq(sc.n_fault, 1);
}
END_TEST

START_TEST(let_go_is_at_once_and_leaves_no_writer)
{
	int probe;

	go();
	publish(1);
	ck_assert_int_eq(memfd_reopen(sc.ring_fd, O_RDONLY, &probe), 0);
	ck_assert(!memfd_has_no_writer(probe));
	drop();
	ck_assert_uint_eq(sc.n_let_go, 1);
	ck_assert(memfd_has_no_writer(probe));
	publish(2);
	turn();
	close(probe);
}
END_TEST

/* The drop comes while a frame is on its way to the attaches, and is for the next one. */
static int drop_now(void *data)
{
	(void)data;
	if (sc.n_let_go == 0)
		drop();
	return 0;
}

START_TEST(a_drop_in_the_middle_of_a_round_counts)
{
	struct msg_frame m;

	go();
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, drop_now, NULL), 0);
	ck_assert(!receive(&m));
	ck_assert_uint_eq(sc.let_go.published, 0);
	turn();
}
END_TEST

static int go_now(void *data)
{
	(void)data;
	go();
	return 0;
}

START_TEST(a_go_in_the_middle_of_a_round_waits_for_the_next)
{
	struct msg_frame m;

	sc.frame.came_ns = clock_monotonic_ns();
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, go_now, NULL), 0);
	ck_assert(!receive(&m));
	publish(2);
	ck_assert(receive(&m));
}
END_TEST

/* Held back by the decoder or kept while nobody looked: decoded after the go, but from before it. */
START_TEST(what_came_before_go_is_not_shown)
{
	struct msg_frame m;

	sc.frame.came_ns = clock_monotonic_ns();
	go();
	sc.frame.arrival_ns = clock_monotonic_ns(); /* that of a picture shown before it */
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, nothing, NULL), 0);
	ck_assert(!receive(&m));
	publish(4);
	ck_assert(receive(&m));
	check_counts(1, 0, 0);
}
END_TEST

/* Whoever slept since that was looked at publishes with boot time from before: the client's limit. */
START_TEST(boot_time_is_of_before_a_sleep)
{
	struct msg_frame m;

	go();
	sc.frame.asleep_ns = 5 * NS_PER_S;
	publish(1);
	ck_assert(receive(&m));
	ck_assert_uint_eq(m.publish_boot_ns, m.publish_ns + 5 * NS_PER_S);
}
END_TEST

/* Of units I0 P3 B1 B2 the attach may begin between P3 and B1: then B1 and B2 are left out too. */
START_TEST(an_attach_begins_behind_what_is_reordered)
{
	uint64_t before = clock_monotonic_ns();
	struct msg_frame m;

	go();
	sc.frame.behind_ns = before;
	publish(1);
	publish(2);
	sc.frame.came_ns = before;
	sc.frame.behind_ns = UINT64_MAX;
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, nothing, NULL), 0);
	ck_assert(!receive(&m));
	publish(4);
	ck_assert(receive(&m));
	publish(5);
	ck_assert(receive(&m));
	check_counts(2, 0, 0);
}
END_TEST

START_TEST(takers_are_who_may_get_frames)
{
	struct image_form wide = sc.frame.image.form;

	wide.width *= 2;
	ck_assert(attach_table_has_takers(sc.table)); /* mapped, not live */
	ck_assert(!attach_table_is_wanted(sc.table));
	go();
	attach_table_set_form(sc.table, 2, &wide); /* the broker will give or keep */
	ck_assert(attach_table_has_takers(sc.table));
	ck_assert(!attach_table_is_wanted(sc.table));
	drop();
	ck_assert(!attach_table_has_takers(sc.table));
}
END_TEST

START_TEST(an_unknown_ring_is_let_go_of)
{
	const struct msg_ring_drop m = {7, 10};

	attach_drop(sc.table, &m);
	ck_assert_uint_eq(sc.n_let_go, 1);
	ck_assert_uint_eq(sc.let_go.attach, 10);
	ck_assert_uint_eq(sc.let_go.published, 0);
}
END_TEST

START_TEST(a_form_has_to_be_fit)
{
	struct image_form wide = sc.frame.image.form, tall = wide;
	struct msg_ring_keep keep = {7, 9, 2};
	struct msg_frame m;

	wide.width *= 2;
	tall.height *= 2;
	go();
	attach_table_set_form(sc.table, 2, &wide);
	ck_assert(!attach_table_is_wanted(sc.table));
	publish(1);
	ck_assert(!receive(&m));
	attach_keep(sc.table, &keep);
	publish(2);
	ck_assert(receive(&m));
	ck_assert_uint_eq(m.seq, 1);
	/* Neither what it was made for nor what it was kept for has to be asked about again. */
	attach_table_set_form(sc.table, 3, &sc.frame.image.form);
	ck_assert(attach_table_is_wanted(sc.table));
	attach_table_set_form(sc.table, 4, &wide);
	ck_assert(attach_table_is_wanted(sc.table));
	/* An answer is for the serial that it names, not for the newest. */
	attach_table_set_form(sc.table, 5, &tall);
	attach_keep(sc.table, &keep);
	ck_assert(!attach_table_is_wanted(sc.table));
	/* And not for one that is forgotten. */
	keep.serial = 5;
	for (uint32_t serial = 6; serial < 40; serial++)
		attach_table_set_form(sc.table, serial, serial % 2 ? &wide : &sc.frame.image.form);
	attach_keep(sc.table, &keep);
	attach_table_set_form(sc.table, 40, &tall);
	ck_assert(!attach_table_is_wanted(sc.table));
}
END_TEST

/* More forms than are remembered: the oldest has to be asked about again. */
START_TEST(forms_are_forgotten)
{
	struct image_form form = sc.frame.image.form;

	go();
	for (uint32_t serial = 2; serial < 7; serial++) {
		const struct msg_ring_keep keep = {7, 9, serial};

		form.width = SIDE + serial;
		attach_table_set_form(sc.table, serial, &form);
		attach_keep(sc.table, &keep);
		ck_assert(attach_table_is_wanted(sc.table));
	}
	form.width = SIDE + 2;
	attach_table_set_form(sc.table, 7, &form);
	ck_assert(!attach_table_is_wanted(sc.table));
	form.width = SIDE + 5;
	attach_table_set_form(sc.table, 8, &form);
	ck_assert(attach_table_is_wanted(sc.table));
}
END_TEST

START_TEST(pacing_is_for_each_attach)
{
	struct msg_ring_give slow = sc.give;
	struct msg_frame m;
	int client = -1, ring = sc.ring_fd;
	unsigned frames = 0;
	uint8_t buf[256];

	slow.attach = 10;
	slow.max_fps = 5;
	ck_assert_uint_eq(give(&slow, SLOTS * sc.picture.slot_bytes, &client), 0);
	close(sc.ring_fd);
	sc.ring_fd = ring;
	go();
	attach_go(sc.table, &(struct msg_ring_go){7, 10});
	for (unsigned i = 0; i < 25; i++) {
		publish(1);
		ck_assert(receive(&m));
		credit(m.slot, m.seq, 1);
		while (sock_recv(client, buf, sizeof(buf), NULL, NULL) > 0) {
			const struct msg_credit c = {(uint32_t)(frames % SLOTS), 0, frames + 1};

			ck_assert_int_eq(sock_send_msg(client, &wire_credit, &c), 0);
			frames++;
		}
		turn();
	}
	ck_assert_uint_eq(frames, 5);
	ck_assert_uint_eq(sc.n_fault, 0);
	close(client);
}
END_TEST

START_TEST(counts_are_told_when_they_change)
{
	go();
	attach_table_beat(sc.table);
	ck_assert_uint_eq(sc.n_counts, 0);
	publish(1);
	attach_table_beat(sc.table);
	attach_table_beat(sc.table);
	ck_assert_uint_eq(sc.n_counts, 1);
	ck_assert_uint_eq(sc.counts.published, 1);
}
END_TEST

START_TEST(a_ring_that_is_not_ours_is_refused)
{
	struct msg_ring_give m = sc.give;
	uint64_t bytes = SLOTS * sc.picture.slot_bytes;

	m.attach = 20;
	m.id[0] ^= 1;
	ck_assert_uint_eq(give(&m, bytes, NULL), EREMCHG);
	m = sc.give;
	m.attach = 20;
	m.generation++;
	ck_assert_uint_eq(give(&m, bytes, NULL), EREMCHG);
	m = sc.give; /* twice the same */
	ck_assert_uint_eq(give(&m, bytes, NULL), EEXIST);
	m.attach = 20;
	ck_assert_uint_eq(give(&m, bytes + 4096, NULL), EINVAL);
	ck_assert_uint_eq(give(&m, bytes - 4096, NULL), EINVAL);
	m.slots = 1;
	ck_assert_uint_eq(give(&m, sc.picture.slot_bytes, NULL), EINVAL);
	m.slots = 17;
	ck_assert_uint_eq(give(&m, 17 * sc.picture.slot_bytes, NULL), EINVAL);
	m.slots = SLOTS;
	m.width = 0;
	ck_assert_uint_eq(give(&m, bytes, NULL), EINVAL);
	m.width = SIDE;
	m.fourcc = DRM_FORMAT_YUYV;
	ck_assert_uint_eq(give(&m, bytes, NULL), EINVAL);
	m.fourcc = sc.give.fourcc;
	m.tag_mode = 3;
	ck_assert_uint_eq(give(&m, bytes, NULL), EINVAL);
	m.tag_mode = TAG_FULL;
	m.masks_len = 15;
	ck_assert_uint_ne(give(&m, bytes, NULL), 0);
	m.masks_len = 0;
	ck_assert_uint_eq(give(&m, bytes, NULL), 0);
}
END_TEST

START_TEST(erase_leaves_zeros)
{
	go();
	publish(200);
	ck_assert_uint_eq(sc.ring[0], 200);
	attach_table_erase(sc.table);
	for (uint64_t i = 0; i < SLOTS * sc.picture.slot_bytes; i++)
		ck_assert_uint_eq(sc.ring[i], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("attach");
	TCase *t = tcase_create("attach");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_before_go);
	tcase_add_test(t, boot_time_is_of_before_a_sleep);
	tcase_add_test(t, a_slot_comes_back_with_its_credit);
	tcase_add_test(t, what_the_client_holds_is_never_overwritten);
	tcase_add_test(t, an_early_credit_is_a_fault);
	tcase_add_test(t, a_double_credit_is_a_fault);
	tcase_add_loop_test(t, a_forged_credit_is_a_fault, 0, 6);
	tcase_add_loop_test(t, garbage_is_a_fault, 0, 8);
	tcase_add_test(t, credits_before_go_are_a_fault);
	tcase_add_test(t, descriptors_on_the_lease_socket_do_not_arrive);
	tcase_add_test(t, a_client_that_goes_away_costs_nothing);
	tcase_add_test(t, a_client_that_never_reads_blocks_nobody);
	tcase_add_test(t, a_flood_is_read_in_portions);
	tcase_add_test(t, let_go_is_at_once_and_leaves_no_writer);
	tcase_add_test(t, a_drop_in_the_middle_of_a_round_counts);
	tcase_add_test(t, a_go_in_the_middle_of_a_round_waits_for_the_next);
	tcase_add_test(t, what_came_before_go_is_not_shown);
	tcase_add_test(t, an_attach_begins_behind_what_is_reordered);
	tcase_add_test(t, takers_are_who_may_get_frames);
	tcase_add_test(t, an_unknown_ring_is_let_go_of);
	tcase_add_test(t, a_form_has_to_be_fit);
	tcase_add_test(t, forms_are_forgotten);
	tcase_add_test(t, pacing_is_for_each_attach);
	tcase_add_test(t, counts_are_told_when_they_change);
	tcase_add_test(t, a_ring_that_is_not_ours_is_refused);
	tcase_add_test(t, erase_leaves_zeros);
	suite_add_tcase(s, t);
	return unit_run(s);
}
