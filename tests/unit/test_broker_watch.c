/* Watching: what is, what changes, and what happens to one that does not read. */
#include <errno.h>
#include <sys/socket.h>

#include "common/camera_state.h"
#include "framemux.h"
#include "tests/unit/broker_live.h"

#define FLOOD    3000u
#define WATCHERS 16u

static int watcher(void)
{
	const struct msg_ctl_watch rq = {.request = 9};
	int fd = control_open(&s);

	tell(fd, &wire_ctl_watch, &rq);
	return fd;
}

static struct msg_ctl_event expect_event(int fd, uint32_t kind)
{
	struct msg_ctl_event m;

	expect(fd, &wire_ctl_event, &m, NULL, 0);
	ck_assert_uint_eq(m.event, kind);
	return m;
}

static void expect_camera(int fd, const char *name, uint32_t state)
{
	struct msg_ctl_event m = expect_event(fd, EVENT_CAMERA);

	ck_assert_str_eq(m.camera, name);
	ck_assert_uint_eq(m.state, state);
	ck_assert_uint_eq(m.lease, 0);
	ck_assert_uint_eq(m.uid, EVENT_NO_UID);
}

static void expect_idle_present(int fd)
{
	expect_camera(fd, "porch", CAMERA_IDLE);
	expect_camera(fd, "yard", CAMERA_IDLE);
	expect_event(fd, EVENT_NOW);
}

/* Opened before the client hears of it, closed when nothing is left to see. */
START_TEST(test_lease)
{
	struct msg_ctl_event m;
	struct given second;
	char id[2 * TOKEN_ID_BYTES + 1];
	struct msg_ctl_done done;
	unsigned ended;
	int fd, control;

	scene_begin(&s, NULL);
	fd = watcher();
	expect_idle_present(fd);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	scene_audit.is_held = true; /* until it is recorded it has not begun */
	viewer_ask(&v, &token, small);
	expect_silence(fd, 50);
	close(fd);
	viewer_end(&v);
	end_empty();

	begin_live(small);
	fd = watcher();
	expect_camera(fd, "porch", CAMERA_IDLE); /* framemuxd has not said otherwise */
	expect_camera(fd, "yard", CAMERA_IDLE);
	m = expect_event(fd, EVENT_LEASE_OPENED);
	ck_assert_str_eq(m.camera, "porch");
	ck_assert_uint_eq(m.uid, getuid());
	ck_assert_uint_eq(m.pid, (uint32_t)getpid());
	expect_event(fd, EVENT_NOW);
	viewer_lease(&v, &token, (struct msg_open){.view = 2, .width = 64, .height = 64});
	expect_want(&s, 0, 2);
	ck_assert_uint_ne(expect_event(fd, EVENT_LEASE_OPENED).lease, m.lease);
	give_take(&p, &second);
	control = control_open(&s);
	token_text(&token, id);
	ask_revoke(control, id);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
	m = expect_event(fd, EVENT_REVOKED);
	ck_assert_uint_eq(m.pid, (uint32_t)getpid());
	give_drop(&p, &second);
	give_drop(&p, &g);
	expect_event(fd, EVENT_LEASE_CLOSED);
	m = expect_event(fd, EVENT_LEASE_CLOSED);
	ck_assert_str_eq(m.reason, "revoked");
	assert_blind(&w);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(ended, 2);
	close(fd);
	close(control);
	watch_end(&w);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* It costs a bounded queue, nobody waits for it, and what it hears in the end is true. */
START_TEST(test_does_not_read)
{
	uint8_t buf[LIMIT_MESSAGE];
	struct msg_ctl_event m;
	unsigned n = 0;
	int fd, other;

	scene_begin(&s, NULL);
	fd = watcher();
	other = watcher();
	expect_idle_present(fd);
	expect_idle_present(other);
	for (unsigned i = 0; i < FLOOD; i++) {
		camera_says(&s, 0, i % 2 ? CAMERA_CONNECTING : CAMERA_LOST, "to and fro");
		expect_camera(other, "porch", i % 2 ? CAMERA_CONNECTING : CAMERA_LOST);
	}
	camera_says(&s, 1, CAMERA_BLOCKED, "the last word");
	expect_camera(other, "yard", CAMERA_BLOCKED);
	do {
		expect_something(fd);
		ck_assert_int_gt(recv(fd, buf, sizeof(buf), MSG_PEEK), 0);
		expect(fd, &wire_ctl_event, &m, NULL, 0);
		n++;
	} while (m.event == EVENT_CAMERA);
	ck_assert_uint_eq(m.event, EVENT_MISSED);
	ck_assert_uint_lt(n, FLOOD);
	expect_camera(fd, "porch", CAMERA_CONNECTING);
	expect_camera(fd, "yard", CAMERA_BLOCKED);
	expect_event(fd, EVENT_NOW);
	expect_silence(fd, 50);
	camera_says(&s, 1, CAMERA_IDLE, "");
	expect_camera(fd, "yard", CAMERA_IDLE);
	expect_camera(other, "yard", CAMERA_IDLE);
	close(fd);
	close(other);
	end_empty();
}
END_TEST

START_TEST(test_how_many)
{
	struct msg_ctl_done done;
	int fds[WATCHERS], one_more, reader;

	scene_begin(&s, NULL);
	for (unsigned i = 0; i < WATCHERS; i++) {
		fds[i] = watcher();
		expect_idle_present(fds[i]);
	}
	one_more = watcher();
	expect(one_more, &wire_ctl_done, &done, NULL, 0);
	ck_assert_uint_eq(done.status, EBUSY);
	ck_assert_uint_eq(done.request, 9);
	reader = control_open(&s); /* others are served, and what watches cannot ask */
	tell(reader, &wire_ctl_audit, &(struct msg_ctl_audit){.request = 1});
	tell(fds[0], &wire_ctl_watch, &(struct msg_ctl_watch){.request = 10});
	expect_end(fds[0]);
	tell(one_more, &wire_ctl_watch, &(struct msg_ctl_watch){.request = 11});
	expect_idle_present(one_more);
	for (unsigned i = 0; i < WATCHERS; i++)
		close(fds[i]);
	close(one_more);
	close(reader);
	end_empty();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker_watch");
	TCase *t = tcase_create("watch");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_lease);
	tcase_add_test(t, test_does_not_read);
	tcase_add_test(t, test_how_many);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
