/* clients/lib against a decoder that lies and a broker that hands out what it should not. */
#include <drm_fourcc.h>
#include <sys/socket.h>

#include "common/sock.h"
#include "tests/unit/client_test.h"

/* --- a hostile or broken decoder ------------------------------------------------------------- */

/* Each bends one thing of frame 11 in slot 1; frame 10 in slot 0 is acquired, and good. */
struct bend {
	const char *name;
	void (*bend)(struct fake_ring *r, struct msg_frame *m);
	bool is_after_tag;
};

static void bend_tag(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->tag[3] ^= 1;
}

static void bend_pixel(struct fake_ring *r, struct msg_frame *m)
{
	r->map[m->slot * r->picture.slot_bytes + 70] ^= 1;
}

static void bend_trailer(struct fake_ring *r, struct msg_frame *m)
{
	slot_trailer_write(r->map + m->slot * r->picture.slot_bytes, &r->picture, 9, m->tag);
}

static void bend_key(struct fake_ring *r, struct msg_frame *m)
{
	(void)m;
	r->attach.k_attach[0] ^= 1;
}

static void bend_camera(struct fake_ring *r, struct msg_frame *m)
{
	(void)m;
	r->attach.camera_id[0] ^= 1;
}

static void bend_lease(struct fake_ring *r, struct msg_frame *m)
{
	(void)m;
	r->attach.lease++;
}

static void bend_generation(struct fake_ring *r, struct msg_frame *m)
{
	(void)m;
	r->attach.generation++;
}

static void bend_other_slot(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->slot = 2;
}

static void bend_time(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->publish_ns++;
}

static void bend_old_seq(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->seq = 10;
}

static void bend_slot(struct fake_ring *r, struct msg_frame *m)
{
	m->slot = r->attach.slots;
}

static void bend_huge_slot(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->slot = UINT32_MAX;
}

static void bend_held_slot(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->slot = 0;
}

static void bend_flags(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->flags = 0x80;
}

static void bend_future(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->publish_ns += 10 * NS_PER_S;
}

static void bend_boot_future(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->publish_boot_ns += 10 * NS_PER_S;
}

static void bend_publish_back(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->publish_ns = m->arrival_ns = m->capture_ns = 5;
}

static void bend_boot_back(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->publish_boot_ns -= NS_PER_S / 2;
}

static void bend_arrival(struct fake_ring *r, struct msg_frame *m)
{
	(void)r;
	m->arrival_ns = m->publish_ns + 1;
}

static const struct bend bends[] = {
	{"tag", bend_tag, true},
	{"pixel", bend_pixel, true},
	{"trailer", bend_trailer, true},
	{"key", bend_key, false},
	{"camera", bend_camera, false},
	{"lease", bend_lease, false},
	{"generation", bend_generation, false},
	{"other slot", bend_other_slot, true},
	{"time", bend_time, true},
	{"old seq", bend_old_seq, false},
	{"slot out of range", bend_slot, false},
	{"huge slot", bend_huge_slot, false},
	{"held slot", bend_held_slot, true},
	{"flags", bend_flags, false},
	{"published in the future", bend_future, false},
	{"boot time in the future", bend_boot_future, false},
	{"published before the last", bend_publish_back, false},
	{"boot time before the last", bend_boot_back, false},
	{"arrived after publishing", bend_arrival, false},
};

START_TEST(test_bent_frame)
{
	const struct bend *b = &bends[_i];
	struct fake_ring *r;
	struct msg_frame m;
	struct heard h;
	const struct framemux_frame *f;
	uint64_t attach_id;

	begin_attach(&h);
	r = &h.mux.ring;
	attach_id = r->attach.attach;
	fake_publish(r, 0, 10, 1);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	expect_heard(&h, "2");
	m = fake_frame(r, 1, 11, 2);
	if (!b->is_after_tag)
		b->bend(r, &m);
	if (m.slot < r->attach.slots)
		fake_tag(r, &m);
	if (b->is_after_tag)
		b->bend(r, &m);
	r->attach.attach = attach_id;
	fake_send_lease(r, &wire_frame, &m);
	expect_heard(&h, "3");
	expect_report(&h, 0);
	ck_assert_int_eq(acquire(&h), -EBADMSG);
	ck_assert_int_eq(acquire(&h), -ESTALE);
	/* The attach is over, the good frame's memory is not gone. */
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	ck_assert_uint_le(*(const volatile uint8_t *)f->plane[0], 255);
	framemux_release(h.view, f);
	end(&h);
}
END_TEST

static void send_raw(struct heard *h, const void *data, size_t len)
{
	ck_assert_int_eq(send(h->mux.ring.socket_fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

START_TEST(test_garbage_from_decoder)
{
	static const struct msg_beat beat = {.boot_ns = UINT64_MAX};
	uint8_t garbage[1024];
	struct heard h;

	memset(garbage, 0xa5, sizeof(garbage));
	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 1, 1);
	expect_heard(&h, "2F");
	switch (_i) {
	case 0:
		send_raw(&h, "", 0);
		break;
	case 1:
		send_raw(&h, garbage, 3);
		break;
	case 2:
		send_raw(&h, garbage, sizeof(garbage));
		break;
	case 3:
		fake_send_lease(&h.mux.ring, &wire_beat, &beat);
		break;
	default: /* a message of the other direction */
		fake_send_lease(&h.mux.ring, &wire_credit, &(struct msg_credit){.seq = 1});
		break;
	}
	expect_heard(&h, "3");
	expect_report(&h, 0);
	ck_assert_int_eq(acquire(&h), -EBADMSG);
	end(&h);
}
END_TEST

START_TEST(test_no_fds_from_decoder)
{
	struct heard h;
	int fds[2] = {0, 1}, before;
	uint8_t buf[256];
	struct msg_beat beat = {.boot_ns = clock_boot_ns()};
	ssize_t n = wire_encode(&wire_beat, &beat, buf, sizeof(buf));
	int r;

	begin_attach(&h);
	before = unit_count_fds();
	r = sock_send(h.mux.ring.socket_fd, buf, (size_t)n, fds, 2);
	ck_assert(r == 0 || r == -EPERM); /* a kernel with SO_PASSRIGHTS drops or refuses them */
	expect_heard(&h, "");
	ck_assert_int_eq(unit_count_fds(), before);
	end(&h);
}
END_TEST

START_TEST(test_flood_of_beats)
{
	struct heard h;
	struct msg_beat beat;
	int sent = 0;

	begin_attach(&h);
	do
		beat.boot_ns = clock_boot_ns();
	while (sock_send_msg(h.mux.ring.socket_fd, &wire_beat, &beat) == 0 && ++sent < 5000);
	ck_assert_int_gt(sent, 64);
	expect_heard(&h, "3"); /* the attach is over, and with it the waking up */
	end(&h);
}
END_TEST

START_TEST(test_decoder_dies)
{
	struct heard h;
	const struct framemux_frame *f;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 1, 1);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	expect_heard(&h, "2");
	close(take_fd(&h.mux.ring.socket_fd));
	expect_heard(&h, "");
	ck_assert_int_eq(acquire(&h), -EAGAIN);
	framemux_release(h.view, f);
	fake_state(&h.mux, h.number, FRAMEMUX_STATE_LOST, "the camera is gone");
	expect_heard(&h, "4");
	ck_assert_str_eq(h.reason, "the camera is gone");
	ck_assert_int_eq(acquire(&h), -ESTALE);
	end(&h);
}
END_TEST

/* --- attaches -------------------------------------------------------------------------------- */

struct refusal {
	const char *name;
	uint32_t status;
	enum fake_fault fault;
	void (*bend)(struct msg_attach *m);
};

static void attach_camera(struct msg_attach *m)
{
	memcpy(m->camera, "street", 7);
}

static void attach_lease(struct msg_attach *m)
{
	m->lease++;
}

static void attach_bytes(struct msg_attach *m)
{
	m->ring_bytes += 4096;
}

static void attach_slots(struct msg_attach *m)
{
	m->slots = 17;
	m->ring_bytes = m->ring_bytes / 4 * 17;
}

static void attach_one_slot(struct msg_attach *m)
{
	m->slots = 1;
	m->ring_bytes /= 4;
}

static void attach_fourcc(struct msg_attach *m)
{
	m->fourcc = DRM_FORMAT_YUV420;
}

static void attach_unknown_fourcc(struct msg_attach *m)
{
	m->fourcc = 1;
}

static void attach_width(struct msg_attach *m)
{
	m->width = 16384;
}

static void attach_zero(struct msg_attach *m)
{
	m->height = 0;
}

static void attach_color(struct msg_attach *m)
{
	m->color_encoding = 3;
}

static void attach_range(struct msg_attach *m)
{
	m->color_range = 2;
}

static void attach_tag_mode(struct msg_attach *m)
{
	m->tag_mode = 3;
}

static void attach_no_limit(struct msg_attach *m)
{
	m->stale_ns = 0;
}

static void attach_long_limit(struct msg_attach *m)
{
	m->stale_ns = UINT64_MAX;
}

static const struct refusal refusals[] = {
	{"unsealed", EPERM, FAKE_UNSEALED, NULL},
	{"writable", EPERM, FAKE_WRITABLE, NULL},
	{"small", EPERM, FAKE_SMALL, NULL},
	{"dead page unsealed", EPERM, FAKE_DEAD_UNSEALED, NULL},
	{"no socket", ENOTSOCK, FAKE_NO_SOCKET, NULL},
	{"camera", EBADMSG, FAKE_GOOD, attach_camera},
	{"lease", EBADMSG, FAKE_GOOD, attach_lease},
	{"bytes", EINVAL, FAKE_GOOD, attach_bytes},
	{"slots", EINVAL, FAKE_GOOD, attach_slots},
	{"one slot", EINVAL, FAKE_GOOD, attach_one_slot},
	{"format not asked for", EINVAL, FAKE_GOOD, attach_fourcc},
	{"unknown format", EINVAL, FAKE_GOOD, attach_unknown_fourcc},
	{"width", EINVAL, FAKE_GOOD, attach_width},
	{"no height", EINVAL, FAKE_GOOD, attach_zero},
	{"colour", EINVAL, FAKE_GOOD, attach_color},
	{"range", EINVAL, FAKE_GOOD, attach_range},
	{"tag mode", EINVAL, FAKE_GOOD, attach_tag_mode},
	{"no limit", EINVAL, FAKE_GOOD, attach_no_limit},
	{"long limit", EINVAL, FAKE_GOOD, attach_long_limit},
};

START_TEST(test_refused_attach)
{
	const struct refusal *x = &refusals[_i];
	struct msg_attach m;
	struct msg_attached done;
	struct heard h;
	int before;

	begin_lease(&h);
	before = unit_count_fds();
	m = fake_attach_for(&h.mux, h.number);
	if (x->bend)
		x->bend(&m);
	fake_attach(&h.mux, &m, x->fault);
	(void)framemux_dispatch(h.fm, 0);
	if (x->status == EBADMSG) {
		struct msg_report report;

		fake_expect(&h.mux, &wire_report, &report);
		ck_assert_uint_eq(report.attach, m.attach);
		ck_assert_uint_eq(report.seq, 0);
		ck_assert_int_eq(acquire(&h), -EBADMSG);
	}
	fake_expect(&h.mux, &wire_attached, &done);
	ck_assert_msg(done.status == x->status, "%s: status %u", x->name, done.status);
	ck_assert_int_eq(acquire(&h), x->status == EBADMSG ? -ESTALE : -EAGAIN);
	fake_drop_ring(&h.mux.ring);
	ck_assert_int_eq(unit_count_fds(), before); /* nothing of it is kept */
	/* The next one may be good. */
	m = fake_attach_for(&h.mux, h.number);
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), 0);
	fake_publish(&h.mux.ring, 0, 1, 1);
	ck_assert_int_eq(acquire(&h), 0);
	end(&h);
}
END_TEST

START_TEST(test_explicit_geometry)
{
	struct heard h;
	struct framemux_request rq = nv12;
	struct msg_attach m;

	begin(&h);
	rq.width = 64;
	rq.height = 34;
	rq.flags = FRAMEMUX_OPEN_VERIFY_FULL;
	h.view = open_with(&h, rq);
	expect_heard(&h, "");
	h.number = fake_lease(&h.mux);
	expect_heard(&h, "1");
	m = fake_attach_for(&h.mux, h.number); /* 64x32 */
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), EINVAL);
	m = fake_attach_for(&h.mux, h.number);
	m.height = 34;
	m.tag_mode = TAG_SAMPLED; /* less than was asked for */
	ck_assert_int_eq(picture_layout(m.fourcc, 64, 34, &h.mux.ring.picture), 0);
	m.ring_bytes = m.slots * h.mux.ring.picture.slot_bytes;
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), EINVAL);
	m.tag_mode = TAG_FULL;
	m.attach = ++h.mux.next_attach;
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), 0);
	end(&h);
}
END_TEST

START_TEST(test_next_attach)
{
	struct heard h;
	const struct framemux_frame *old, *f;
	struct msg_attached done;
	struct msg_report report;
	struct msg_attach m;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 41, 1);
	ck_assert_int_eq(framemux_acquire(h.view, &old), 0);
	expect_heard(&h, "2");
	m = fake_attach_for(&h.mux, h.number);
	m.width = 128;
	m.generation = 4;
	ck_assert_int_eq(picture_layout(m.fourcc, 128, 32, &h.mux.ring.picture), 0);
	m.ring_bytes = m.slots * h.mux.ring.picture.slot_bytes;
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), 0);
	/* No picture of the new one yet, and the old one is none any more. */
	ck_assert_int_eq(acquire(&h), -EAGAIN);
	ck_assert_int_eq(framemux_check(h.view, old), -ESTALE);
	fake_publish(&h.mux.ring, 0, 1, 2); /* counts anew */
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	ck_assert_uint_eq(f->width, 128);
	ck_assert_uint_eq(f->generation, 4);
	ck_assert_uint_eq(*(const volatile uint8_t *)old->plane[0], 1); /* mapped while held */
	ck_assert_int_eq(framemux_check(h.view, f), 0);
	framemux_release(h.view, old);
	expect_no_credit(&h);
	ck_assert_int_eq(framemux_check(h.view, f), 0);
	/* Within one lease all attaches are of one camera. */
	m = fake_attach_for(&h.mux, h.number);
	m.camera_id[5] ^= 1;
	fake_attach(&h.mux, &m, FAKE_GOOD);
	expect_heard(&h, "3");
	fake_expect(&h.mux, &wire_report, &report);
	ck_assert_uint_eq(report.attach, m.attach);
	fake_expect(&h.mux, &wire_attached, &done);
	ck_assert_uint_eq(done.status, EBADMSG);
	ck_assert_int_eq(acquire(&h), -EBADMSG);
	end(&h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client_hostile");
	TCase *tc = tcase_create("client_hostile");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_bent_frame, 0, (int)ARRAY_SIZE(bends));
	tcase_add_loop_test(tc, test_garbage_from_decoder, 0, 5);
	tcase_add_test(tc, test_no_fds_from_decoder);
	tcase_add_test(tc, test_flood_of_beats);
	tcase_add_test(tc, test_decoder_dies);
	tcase_add_loop_test(tc, test_refused_attach, 0, (int)ARRAY_SIZE(refusals));
	tcase_add_test(tc, test_explicit_geometry);
	tcase_add_test(tc, test_next_attach);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
