/* clients/lib: leases, frames, staleness and final states, against a mux that behaves or goes. */
#include <drm_fourcc.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/sock.h"
#include "tests/unit/client_test.h"

/* --- the good path --------------------------------------------------------------------------- */

START_TEST(test_frame)
{
	struct heard h;
	const struct framemux_frame *f;

	begin_attach(&h);
	ck_assert_uint_eq(framemux_view_lease(h.view), 7);
	ck_assert_int_eq(acquire(&h), -EAGAIN);
	fake_publish(&h.mux.ring, 2, 1, 0x5a);
	expect_heard(&h, "2F");
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	ck_assert_uint_eq(f->width, 64);
	ck_assert_uint_eq(f->height, 32);
	ck_assert_uint_eq(f->planes, 2);
	ck_assert_uint_eq(f->seq, 1);
	ck_assert_uint_eq(f->generation, 3);
	ck_assert_uint_eq(f->color_encoding, 1);
	ck_assert_uint_eq(((const uint8_t *)f->plane[0])[63 + 31 * f->stride[0]], 0x5a);
	ck_assert_uint_eq(((const uint8_t *)f->plane[1])[63 + 15 * f->stride[1]], 0x5a);
	ck_assert_int_eq(framemux_check(h.view, f), 0);
	ck_assert_int_eq(acquire(&h), -EAGAIN);
	expect_no_credit(&h);
	framemux_release(h.view, f);
	expect_credit(&h, 2, 1, 1);
	ck_assert_int_eq(framemux_check(h.view, f), -EINVAL);
	framemux_release(h.view, f); /* not held any more: nothing happens */
	framemux_release(h.view, NULL);
	expect_no_credit(&h);
	end(&h);
}
END_TEST

START_TEST(test_newest_wins)
{
	struct heard h;
	const struct framemux_frame *f;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 1, 1);
	fake_publish(&h.mux.ring, 1, 2, 2);
	fake_publish(&h.mux.ring, 2, 5, 3);
	expect_heard(&h, "2F");
	expect_credit(&h, 0, 1, 0);
	expect_credit(&h, 1, 2, 0);
	/* One that comes between callback and acquire is newer still. */
	fake_publish(&h.mux.ring, 0, 6, 4);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	ck_assert_uint_eq(f->seq, 6);
	expect_credit(&h, 2, 5, 0);
	expect_heard(&h, "");
	/* Several held at once; closing gives them back as acquired. */
	fake_publish(&h.mux.ring, 1, 7, 5);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	fake_publish(&h.mux.ring, 2, 8, 6);
	expect_heard(&h, "F");
	framemux_view_close(h.view);
	expect_credit(&h, 0, 6, 1);
	expect_credit(&h, 1, 7, 1);
	expect_credit(&h, 2, 8, 0);
	end(&h);
}
END_TEST

START_TEST(test_times_never_run_backwards)
{
	struct heard h;
	const struct framemux_frame *f;
	struct msg_frame m;
	uint64_t arrival;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 1, 1);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	arrival = f->arrival_ns;
	m = fake_frame(&h.mux.ring, 1, 2, 2);
	m.arrival_ns = arrival - 1000; /* B frames are shown later than they came */
	m.capture_ns = m.publish_ns + NS_PER_S;
	fake_tag(&h.mux.ring, &m);
	fake_send_lease(&h.mux.ring, &wire_frame, &m);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	ck_assert_uint_eq(f->arrival_ns, arrival);
	ck_assert_uint_eq(f->capture_ns, 0);
	end(&h);
}
END_TEST

START_TEST(test_requests)
{
	struct heard h;
	struct framemux_view *v;
	struct framemux_request good = nv12, rq;
	struct msg_open open;
	char name[80];

	begin(&h);
	good.token = h.mux.token_text;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
#define refused(member, value)                                                                     \
	do {                                                                                       \
		rq = good;                                                                         \
		rq.member = (value);                                                               \
		ck_assert_int_eq(framemux_open(h.fm, &rq, &listener, &h, &v), -EINVAL);            \
	} while (0)
	refused(size, 8);
	refused(camera, NULL);
	refused(camera, "");
	refused(camera, name);
	refused(camera, "a\nb"); /* would end the conversation, and all other views with it */
	refused(camera, "\xff");
	refused(token, "fmx1_zzz");
	refused(token, "");
	refused(width, 640); /* and no height */
	refused(height, 480);
	refused(fourcc, DRM_FORMAT_RGBA8888);
	refused(fps, 1001);
	refused(slots, 1);
	refused(slots, 17);
	refused(flags, 0x80);
	rq = good;
	rq.width = rq.height = 8193;
	ck_assert_int_eq(framemux_open(h.fm, &rq, &listener, &h, &v), -EINVAL);
#undef refused
	unsetenv("FRAMEMUX_TOKEN");
	rq = good;
	rq.token = NULL;
	ck_assert_int_eq(framemux_open(h.fm, &rq, &listener, &h, &v), -EINVAL);
	setenv("FRAMEMUX_TOKEN", h.mux.token_text, 1);
	rq.width = 320;
	rq.height = 180;
	rq.fourcc = DRM_FORMAT_XRGB8888;
	rq.fps = 5;
	rq.slots = 2;
	rq.flags = FRAMEMUX_OPEN_DUMP | FRAMEMUX_OPEN_RECONNECT;
	ck_assert_int_eq(framemux_open(h.fm, &rq, NULL, NULL, &v), 0);
	expect_heard(&h, "");
	fake_expect(&h.mux, &wire_open, &open);
	ck_assert_uint_eq(open.width, 320);
	ck_assert_uint_eq(open.fourcc, DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(open.slots, 2);
	ck_assert_uint_eq(open.flags, FRAMEMUX_OPEN_DUMP);
	end(&h);
}
END_TEST

/* --- never stale ----------------------------------------------------------------------------- */

START_TEST(test_dead_mark)
{
	struct heard h;
	const struct framemux_frame *f;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 1, 0x77);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	expect_heard(&h, "2");
	/* Before any message: what is erased under the application is no picture, and no report. */
	fake_publish(&h.mux.ring, 1, 2, 0x78);
	fake_erase(&h.mux.ring);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_uint_eq(((const uint8_t *)f->plane[0])[5], 0);
	ck_assert(fake_is_quiet(&h.mux));
	fake_state(&h.mux, h.number, FRAMEMUX_STATE_REVOKED, "by hand");
	expect_heard(&h, "5");
	ck_assert_int_eq(framemux_check(h.view, f), -EKEYREVOKED);
	ck_assert_int_eq(acquire(&h), -EKEYREVOKED);
	ck_assert_uint_eq(((const uint8_t *)f->plane[0])[5], 0);
	framemux_release(h.view, f);
	end(&h);
}
END_TEST

START_TEST(test_dead_mark_in_dispatch)
{
	struct heard h;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 1, 2, 0x78);
	fake_erase(&h.mux.ring);
	expect_heard(&h, "");
	ck_assert(fake_is_quiet(&h.mux));
	end(&h);
}
END_TEST

START_TEST(test_goes_stale_by_itself)
{
	struct heard h;
	const struct framemux_frame *f;
	struct msg_attach m;
	struct msg_beat beat;

	begin_lease(&h);
	m = fake_attach_for(&h.mux, h.number);
	m.stale_ns = 80 * NS_PER_MS;
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), 0);
	fake_publish(&h.mux.ring, 0, 1, 1);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	expect_heard(&h, "2");
	beat.boot_ns = clock_boot_ns();
	fake_send_lease(&h.mux.ring, &wire_beat, &beat); /* alive is not new */
	while (!*h.log)
		ck_assert_int_eq(framemux_dispatch(h.fm, 1000), 0);
	expect_heard(&h, "3");
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	framemux_release(h.view, f);
	/* The same attach may come back. */
	fake_publish(&h.mux.ring, 0, 2, 2);
	expect_heard(&h, "2F");
	ck_assert_int_eq(acquire(&h), 0);
	end(&h);
}
END_TEST

/* Asked, it says so itself: no dispatch has run. */
START_TEST(test_stale_without_a_dispatch)
{
	struct heard h;
	const struct framemux_frame *f;
	struct msg_attach m;
	struct timespec pause = {.tv_nsec = 60000000};

	begin_lease(&h);
	m = fake_attach_for(&h.mux, h.number);
	m.stale_ns = 40 * NS_PER_MS;
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), 0);
	fake_publish(&h.mux.ring, 0, 1, 1);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	nanosleep(&pause, NULL);
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	/* Nor does it stay so when there is a newer one. */
	fake_publish(&h.mux.ring, 1, 2, 2);
	ck_assert_int_eq(acquire(&h), 0);
	framemux_release(h.view, f);
	end(&h);
}
END_TEST

START_TEST(test_old_frames_in_the_queue)
{
	struct heard h;
	struct msg_frame m;

	begin_attach(&h);
	for (uint32_t i = 0; i < 2; i++) {
		m = fake_frame(&h.mux.ring, i, i + 1, 1);
		m.publish_boot_ns -= 2 * NS_PER_S;
		fake_tag(&h.mux.ring, &m);
		fake_send_lease(&h.mux.ring, &wire_frame, &m);
	}
	expect_heard(&h, "");
	expect_credit(&h, 0, 1, 0);
	expect_credit(&h, 1, 2, 0);
	ck_assert_int_eq(acquire(&h), -EAGAIN);
	end(&h);
}
END_TEST

START_TEST(test_ready_frame_grows_old)
{
	struct heard h;
	struct msg_attach a;
	struct timespec pause = {.tv_nsec = 60000000};

	begin_lease(&h);
	a = fake_attach_for(&h.mux, h.number);
	a.stale_ns = 40 * NS_PER_MS;
	ck_assert_uint_eq(attach(&h, &a, FAKE_GOOD), 0);
	fake_publish(&h.mux.ring, 3, 1, 1);
	expect_heard(&h, "2F");
	nanosleep(&pause, NULL); /* the application is busy elsewhere, no dispatch runs */
	ck_assert_int_eq(acquire(&h), -ESTALE);
	expect_credit(&h, 3, 1, 0);
	end(&h);
}
END_TEST

/* --- final states and callbacks --------------------------------------------------------------- */

START_TEST(test_final)
{
	static const struct {
		enum framemux_state state;
		int error;
	} finals[] = {{FRAMEMUX_STATE_REVOKED, -EKEYREVOKED}, {FRAMEMUX_STATE_REFUSED, -EACCES},
		{FRAMEMUX_STATE_CLOSED, -EPIPE}};
	struct heard h;
	struct msg_attach m;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 1, 1);
	fake_state(&h.mux, h.number, finals[_i].state, "enough");
	(void)framemux_dispatch(h.fm, 0);
	/* Whether the frame or the end was read first is the kernel's choice. */
	ck_assert_int_eq(h.log[strlen(h.log) - 1], '0' + (int)finals[_i].state);
	ck_assert_str_eq(h.reason, "enough");
	memset(h.log, 0, sizeof(h.log));
	ck_assert_int_eq(acquire(&h), finals[_i].error);
	/* Nothing more is heard, whatever comes. */
	fake_state(&h.mux, h.number, FRAMEMUX_STATE_LOST, "late");
	m = fake_attach_for(&h.mux, h.number);
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), ECANCELED);
	expect_heard(&h, "");
	ck_assert_int_eq(acquire(&h), finals[_i].error);
	end(&h);
}
END_TEST

START_TEST(test_refused_at_once)
{
	struct heard h;
	struct msg_open open;

	begin(&h);
	h.view = open_with(&h, nv12);
	ck_assert_int_eq(acquire(&h), -EAGAIN);
	expect_heard(&h, "");
	fake_expect(&h.mux, &wire_open, &open);
	fake_state(&h.mux, open.view, FRAMEMUX_STATE_REFUSED, "no");
	expect_heard(&h, "6");
	ck_assert_int_eq(acquire(&h), -EACCES);
	end(&h);
}
END_TEST

START_TEST(test_mux_dies)
{
	struct heard h;

	begin_attach(&h);
	close(take_fd(&h.mux.conn_fd));
	ck_assert_int_eq(framemux_dispatch(h.fm, 1000), -EPIPE);
	ck_assert_str_eq(h.log, "7");
	ck_assert_int_eq(acquire(&h), -EPIPE);
	ck_assert_int_eq(framemux_dispatch(h.fm, -1), -EPIPE); /* does not wait for ever */
	ck_assert_str_eq(h.log, "7");
	ck_assert_int_eq(framemux_open(h.fm, &(struct framemux_request){.size = sizeof(nv12)}, NULL,
				 NULL, &h.view),
		-EPIPE);
	end(&h);
}
END_TEST

/* Each is no conversation that a mux has. */
START_TEST(test_broker_breaks_protocol)
{
	struct heard h;
	struct msg_attach m;
	int fd;

	begin_lease(&h);
	switch (_i) {
	case 0: /* a second welcome */
		fake_send(&h.mux, &wire_welcome, &(struct msg_welcome){.version = 1});
		break;
	case 1: /* an attach without descriptors */
		m = fake_attach_for(&h.mux, h.number);
		fake_send(&h.mux, &wire_attach, &m);
		break;
	case 2: /* a state that is none */
		fake_state(&h.mux, h.number, 99, "");
		break;
	case 3: /* a lease for what has one */
		fake_send(&h.mux, &wire_lease, &(struct msg_lease){.view = h.number, .lease = 8});
		break;
	case 4: /* a descriptor where none belongs */
		fd = 0;
		ck_assert_int_eq(sock_send(h.mux.conn_fd, "xxxx", 4, &fd, 1), 0);
		break;
	default:
		ck_assert_int_eq(send(h.mux.conn_fd, "", 0, 0), 0);
		break;
	}
	ck_assert_int_eq(framemux_dispatch(h.fm, 0), -EPIPE);
	ck_assert_str_eq(h.log, "7");
	end(&h);
}
END_TEST

START_TEST(test_close_in_callback)
{
	struct heard h;
	struct framemux_view *other;

	begin_lease(&h);
	other = open_with(&h, nv12);
	expect_heard(&h, "");
	ck_assert_uint_ne(fake_lease(&h.mux), h.number);
	switch (_i) {
	case 0: /* itself */
		h.close_view = other;
		expect_heard(&h, "1");
		break;
	case 1: /* the other one, whose turn would be next */
		expect_heard(&h, "1");
		fake_state(&h.mux, h.number, FRAMEMUX_STATE_LOST, "");
		h.close_view = other;
		close(take_fd(&h.mux.conn_fd));
		ck_assert_int_eq(framemux_dispatch(h.fm, 0), -EPIPE);
		ck_assert_int_ge((int)strlen(h.log), 2);
		break;
	default: /* everything */
		h.close_fm = h.fm;
		ck_assert_int_eq(framemux_dispatch(h.fm, 0), -EPIPE);
		ck_assert_str_eq(h.log, "1");
		h.fm = NULL;
		break;
	}
	end(&h);
}
END_TEST

START_TEST(test_close_both_when_the_mux_dies)
{
	struct heard h;
	struct framemux_view *other;

	begin_lease(&h);
	other = open_with(&h, nv12);
	expect_heard(&h, "");
	(void)fake_lease(&h.mux);
	expect_heard(&h, "1");
	/* Two callbacks are due; the first closes the view of the second, whichever that is. */
	close(take_fd(&h.mux.conn_fd));
	h.close_view = other;
	ck_assert_int_eq(framemux_dispatch(h.fm, 0), -EPIPE);
	ck_assert_int_le((int)strlen(h.log), 2);
	end(&h);
}
END_TEST

START_TEST(test_frame_callback_closes)
{
	struct heard h;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 1, 1);
	h.close_view = h.view; /* in the LIVE callback: no frame callback follows */
	expect_heard(&h, "2");
	ck_assert(!fake_is_quiet(&h.mux)); /* shut */
	end(&h);
}
END_TEST

START_TEST(test_close_says_shut)
{
	struct heard h;
	struct msg_shut shut;

	begin_attach(&h);
	framemux_view_close(h.view);
	fake_expect(&h.mux, &wire_shut, &shut);
	ck_assert_uint_eq(shut.view, h.number);
	framemux_view_close(NULL);
	framemux_close(NULL);
	end(&h);
}
END_TEST

START_TEST(test_reconnect)
{
	struct heard h;
	struct framemux_request rq = nv12;
	const struct framemux_frame *f;
	struct msg_attach m;

	begin(&h);
	rq.flags = FRAMEMUX_OPEN_RECONNECT;
	h.view = open_with(&h, rq);
	expect_heard(&h, "");
	h.number = fake_lease(&h.mux);
	expect_heard(&h, "1");
	m = fake_attach_for(&h.mux, h.number);
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), 0);
	fake_publish(&h.mux.ring, 0, 1, 1);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	expect_heard(&h, "2");
	/* Gone, and for a while nobody answers. */
	close(take_fd(&h.mux.listen_fd));
	close(take_fd(&h.mux.conn_fd));
	expect_heard(&h, "4");
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	ck_assert_int_eq(framemux_dispatch(h.fm, 150), 0);
	/* Back: the same token, another challenge, another lease. */
	ck_assert_int_eq(sock_listen(h.mux.path, 0600, &h.mux.listen_fd), 0);
	for (int i = 0; i < 100; i++) {
		struct pollfd p = {.fd = h.mux.listen_fd, .events = POLLIN};

		ck_assert_int_eq(framemux_dispatch(h.fm, 20), 0);
		if (poll(&p, 1, 0) == 1)
			break;
	}
	fake_welcome(&h.mux);
	expect_heard(&h, "");
	h.number = fake_lease(&h.mux);
	expect_heard(&h, "1");
	ck_assert_int_eq(acquire(&h), -EAGAIN);
	m = fake_attach_for(&h.mux, h.number);
	ck_assert_uint_eq(attach(&h, &m, FAKE_GOOD), 0);
	fake_publish(&h.mux.ring, 0, 1, 9);
	expect_heard(&h, "2F");
	framemux_release(h.view, f);
	ck_assert_int_eq(acquire(&h), 0);
	end(&h);
}
END_TEST

START_TEST(test_nobody_there)
{
	struct framemux *fm;
	int before = unit_count_fds();

	ck_assert_int_eq(framemux_connect("/nonexistent/x", &fm), -ENOENT);
	setenv("FRAMEMUX_SOCKET", "/nonexistent/y", 1);
	ck_assert_int_eq(framemux_connect(NULL, &fm), -ENOENT);
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

START_TEST(test_child_has_no_ring)
{
	struct heard h;
	const struct framemux_frame *f;
	int status;
	pid_t pid;

	begin_attach(&h);
	fake_publish(&h.mux.ring, 0, 1, 1);
	ck_assert_int_eq(framemux_acquire(h.view, &f), 0);
	pid = fork();
	if (pid == 0) { /* the system call answers where a read would be fatal */
		int null[2];

		_exit(pipe(null) == 0 && write(null[1], f->plane[0], 1) < 0 && errno == EFAULT ? 0
											       : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	end(&h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client");
	TCase *tc = tcase_create("client");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_frame);
	tcase_add_test(tc, test_newest_wins);
	tcase_add_test(tc, test_times_never_run_backwards);
	tcase_add_test(tc, test_requests);
	tcase_add_test(tc, test_dead_mark);
	tcase_add_test(tc, test_dead_mark_in_dispatch);
	tcase_add_test(tc, test_goes_stale_by_itself);
	tcase_add_test(tc, test_stale_without_a_dispatch);
	tcase_add_test(tc, test_old_frames_in_the_queue);
	tcase_add_test(tc, test_ready_frame_grows_old);
	tcase_add_loop_test(tc, test_final, 0, 3);
	tcase_add_test(tc, test_refused_at_once);
	tcase_add_test(tc, test_mux_dies);
	tcase_add_loop_test(tc, test_broker_breaks_protocol, 0, 6);
	tcase_add_loop_test(tc, test_close_in_callback, 0, 3);
	tcase_add_test(tc, test_close_both_when_the_mux_dies);
	tcase_add_test(tc, test_frame_callback_closes);
	tcase_add_test(tc, test_close_says_shut);
	tcase_add_test(tc, test_reconnect);
	tcase_add_test(tc, test_nobody_there);
	tcase_add_test(tc, test_child_has_no_ring);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
