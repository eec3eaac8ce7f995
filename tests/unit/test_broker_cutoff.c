/* Revoking by camera, by uid and all at once, with the test as framemuxd, clients and framemuxctl. */
#include <errno.h>
#include <sys/socket.h>

#include "common/cutoff.h"
#include "framemux.h"
#include "tests/unit/broker_live.h"

static struct token fresh(int control, const char *camera)
{
	struct msg_ctl_grant grant = {.request = 5, .expires_s = 60, .dump = 1};
	struct msg_ctl_token record;
	struct msg_ctl_done done;
	struct token t;

	strcpy(grant.camera, camera);
	tell(control, &wire_ctl_grant, &grant);
	expect(control, &wire_ctl_token, &record, NULL, 0);
	expect(control, &wire_ctl_done, &done, NULL, 0);
	ck_assert_int_eq(token_parse(record.token, &t), 0);
	return t;
}

static void ask_cutoff(int control, uint32_t kind, const char *camera, uint32_t uid)
{
	struct msg_ctl_revoke m = {.request = 78, .cutoff = kind, .uid = uid};

	strcpy(m.camera, camera);
	tell(control, &wire_ctl_revoke, &m);
}

static uint32_t hear_cutoff(uint32_t kind, uint64_t issue)
{
	struct msg_cutoff_keep keep;

	expect(s.daemon, &wire_cutoff_keep, &keep, NULL, 0);
	ck_assert_uint_eq(keep.kind, kind);
	ck_assert_uint_eq(keep.issue, issue);
	return keep.request;
}

static void answer_kept(uint32_t request, uint32_t status)
{
	const struct msg_revoked_kept kept = {.request = request, .status = status};

	tell(s.daemon, &wire_revoked_kept, &kept);
}

static void keep_cutoff(uint32_t kind, uint64_t issue, uint32_t status)
{
	answer_kept(hear_cutoff(kind, issue), status);
}

static void expect_done(int control, uint32_t status, unsigned ended)
{
	struct msg_ctl_done done;
	unsigned n;

	control_finish(control, &done, &n);
	ck_assert_uint_eq(done.request, 78);
	ck_assert_uint_eq(done.status, status);
	ck_assert_uint_eq(n, ended);
}

static bool is_accepted(const struct token *t, const char *camera, unsigned number)
{
	struct msg_open o = {.view = 3, .width = 64, .height = 64};
	struct viewer other;
	struct msg_state state;
	struct msg_lease lease;
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;
	bool yes;

	strcpy(o.camera, camera);
	viewer_connect(&s, &other);
	viewer_ask(&other, t, o);
	expect_something(other.fd);
	n = recv(other.fd, buf, sizeof(buf), 0);
	ck_assert_int_gt(n, 0);
	yes = wire_decode(&wire_lease, buf, (size_t)n, &lease) == 0;
	if (!yes) {
		ck_assert_int_eq(wire_decode(&wire_state, buf, (size_t)n, &state), 0);
		ck_assert_uint_eq(state.state, FRAMEMUX_STATE_REFUSED);
	}
	viewer_end(&other);
	if (yes) {
		expect_want(&s, number, 1);
		expect_want(&s, number, 0);
	}
	return yes;
}

/* Its leases end and its tokens are dead; what is minted after that lives; others do not notice. */
START_TEST(test_camera)
{
	struct token old, narrow, others, between, next;
	uint32_t request;
	int control;

	if (getuid() != 0)
		return; /* only root and admins may */
	scene_begin(&s, NULL);
	control = control_open(&s);
	old = narrow = fresh(control, "porch");
	others = fresh(control, "yard");
	ck_assert_int_eq(token_limit_fps(&narrow, 5), 0);
	viewer_connect(&s, &v);
	viewer_lease(&v, &narrow, small);
	expect_want(&s, 0, 1);
	ask_cutoff(control, CUTOFF_CAMERA, "porch", 0);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	request = hear_cutoff(CUTOFF_CAMERA, 1);
	expect_want(&s, 0, 0);
	ck_assert(!is_accepted(&old, "porch", 0)); /* before it is on disk, too */
	answer_kept(request, 0);
	expect_done(control, 0, 1);
	ck_assert(!is_accepted(&old, "porch", 0) && !is_accepted(&narrow, "porch", 0));
	ck_assert(is_accepted(&others, "yard", 1));
	next = fresh(control, "porch");
	ck_assert(is_accepted(&next, "porch", 0));
	/* Not on disk: what is minted now has the number that is dead, or a restart would revive it. */
	ask_cutoff(control, CUTOFF_CAMERA, "porch", 0);
	keep_cutoff(CUTOFF_CAMERA, 2, ENOSPC);
	expect_done(control, ENOSPC, 0);
	between = fresh(control, "porch");
	ck_assert(!is_accepted(&next, "porch", 0) && !is_accepted(&between, "porch", 0));
	ask_cutoff(control, CUTOFF_CAMERA, "porch", 0);
	keep_cutoff(CUTOFF_CAMERA, 2, 0);
	expect_done(control, 0, 0);
	next = fresh(control, "porch");
	ck_assert(!is_accepted(&between, "porch", 0) && is_accepted(&next, "porch", 0));
	close(control);
	viewer_end(&v);
	end_empty();
}
END_TEST

START_TEST(test_user_and_all)
{
	struct token porch, yard;
	int control;

	if (getuid() != 0)
		return;
	scene_begin(&s, NULL);
	control = control_open(&s);
	porch = fresh(control, "porch");
	yard = fresh(control, "yard");
	ask_cutoff(control, CUTOFF_UID, "", 12345); /* somebody else */
	keep_cutoff(CUTOFF_UID, 1, 0);
	expect_done(control, 0, 0);
	ck_assert(is_accepted(&porch, "porch", 0) && is_accepted(&yard, "yard", 1));
	ask_cutoff(control, CUTOFF_UID, "", 0);
	keep_cutoff(CUTOFF_UID, 2, 0);
	expect_done(control, 0, 0);
	ck_assert(!is_accepted(&porch, "porch", 0) && !is_accepted(&yard, "yard", 1));
	porch = fresh(control, "porch");
	ck_assert(is_accepted(&porch, "porch", 0));
	ask_cutoff(control, CUTOFF_ALL, "", 0);
	keep_cutoff(CUTOFF_ALL, 3, 0);
	expect_done(control, 0, 0);
	ck_assert(!is_accepted(&porch, "porch", 0));
	close(control);
	end_empty();
}
END_TEST

/* A standing grant's token is killed by its id, which framemuxd keeps. */
START_TEST(test_standing)
{
	struct msg_broker_grant grant = {.grant = "wall", .camera = "porch", .uid = getuid()};
	struct msg_grant_token minted;
	struct msg_revoked_kept kept = {0};
	struct msg_revoked_keep keep;
	struct token t;
	int control;

	if (getuid() != 0)
		return;
	scene_begin(&s, &(struct scene_setup){.grant = &grant, .ret_token = &minted});
	control = control_open(&s);
	ck_assert_int_eq(token_parse(minted.token, &t), 0);
	ck_assert(is_accepted(&t, "porch", 0));
	ask_cutoff(control, CUTOFF_CAMERA, "yard", 0);
	keep_cutoff(CUTOFF_CAMERA, 1, 0);
	expect_done(control, 0, 0);
	ck_assert(is_accepted(&t, "porch", 0));
	ask_cutoff(control, CUTOFF_ALL, "", 0);
	expect(s.daemon, &wire_revoked_keep, &keep, NULL, 0);
	ck_assert_uint_eq(keep.ids_len, TOKEN_ID_BYTES);
	ck_assert_mem_eq(keep.ids, token_body_id(t.body, t.body_len), TOKEN_ID_BYTES);
	kept.request = keep.request;
	kept.status = EIO; /* one part failed: the whole did */
	tell(s.daemon, &wire_revoked_kept, &kept);
	keep_cutoff(CUTOFF_ALL, 2, 0);
	expect_done(control, EIO, 0);
	ck_assert(!is_accepted(&t, "porch", 0));
	close(control);
	end_empty();
}
END_TEST

START_TEST(test_nonsense)
{
	int control;

	if (getuid() != 0)
		return;
	scene_begin(&s, NULL);
	control = control_open(&s);
	ask_cutoff(control, CUTOFF_CAMERA, "nowhere", 0);
	expect_done(control, ENOENT, 0);
	ask_cutoff(control, CUTOFF_UID, "", UINT32_MAX);
	expect_done(control, EINVAL, 0);
	ask_cutoff(control, 4, "", 0);
	expect_done(control, EINVAL, 0);
	close(control);
	end_empty();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker_cutoff");
	TCase *t = tcase_create("cutoff");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_camera);
	tcase_add_test(t, test_user_and_all);
	tcase_add_test(t, test_standing);
	tcase_add_test(t, test_nonsense);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
