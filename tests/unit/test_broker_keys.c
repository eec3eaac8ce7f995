/* Root keys in a real broker: two are good at a time; whoever retires one ends what it gave. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "framemux.h"
#include "mux/broker/grant.h"
#include "tests/unit/broker_live.h"

#define KEY_ID 7u /* the scene's */

static struct msg_broker_key older = {.key_id = 3, .since_s = 33};
static struct token old_token;

/* The same token under another key. */
static void token_of(const struct token *t, const struct msg_broker_key *key, struct token *ret)
{
	*ret = *t;
	ck_assert_int_eq(token_rekey(ret, key->key, key->key_id), 0);
}

static void begin_with_two(void)
{
	memset(older.key, 9, sizeof(older.key));
	scene_begin(&s, &(struct scene_setup){.older = &older});
	token_for(&s, 0, UINT64_MAX, &token);
	token_of(&token, &older, &old_token);
	viewer_connect(&s, &v);
}

static void lease(const struct token *t, uint32_t view, uint32_t wanted)
{
	struct msg_open o = own;

	o.view = view;
	viewer_lease(&v, t, o);
	expect_want(&s, 0, wanted);
}

static void refused(const struct token *t, uint32_t view)
{
	struct msg_open o = own;

	o.view = view;
	viewer_ask(&v, t, o);
	expect_state(v.fd, view, FRAMEMUX_STATE_REFUSED);
}

/* What there is, as framemuxctl hears it: 1 or 2 keys, the newest first. */
static void expect_keys(int control, uint32_t newest, uint32_t the_older)
{
	struct msg_ctl_key key;
	struct msg_ctl_done done;

	expect(control, &wire_ctl_key, &key, NULL, 0);
	ck_assert_uint_eq(key.key_id, newest);
	ck_assert_uint_eq(key.is_current, 1);
	if (the_older) {
		expect(control, &wire_ctl_key, &key, NULL, 0);
		ck_assert_uint_eq(key.key_id, the_older);
		ck_assert_uint_eq(key.is_current, 0);
	}
	expect(control, &wire_ctl_done, &done, NULL, 0);
	ck_assert_uint_eq(done.status, 0);
}

static void show(int control, uint32_t newest, uint32_t the_older)
{
	tell(control, &wire_ctl_key_show, &(struct msg_ctl_key_show){.request = 1});
	expect_keys(control, newest, the_older);
}

START_TEST(test_two_are_good)
{
	struct msg_broker_key stranger;
	struct token bad;
	int control;

	begin_with_two();
	lease(&token, 1, 1);
	lease(&old_token, 2, 2);
	stranger = older;
	stranger.key_id = 4; /* the right bytes, under an id that there is not */
	token_of(&token, &stranger, &bad);
	refused(&bad, 3);
	stranger.key_id = 0;
	token_of(&token, &stranger, &bad);
	refused(&bad, 4);
	stranger = older; /* the right id, other bytes */
	stranger.key[0] ^= 1;
	token_of(&token, &stranger, &bad);
	refused(&bad, 5);
	bad = old_token; /* one key's chain under the other's id */
	bad.body[1] = KEY_ID;
	refused(&bad, 6);
	control = control_open(&s);
	show(control, KEY_ID, 3);
	close(control);
	viewer_end(&v);
	expect_want(&s, 0, 1);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_retire)
{
	struct msg_key_retire keep;
	struct msg_revoked_kept kept = {0};
	struct msg_ctl_done done;
	const struct msg_audit_note *note;
	unsigned ended;
	int control;

	begin_with_two();
	lease(&token, 1, 1);
	lease(&old_token, 2, 2);
	lease(&old_token, 3, 3);
	control = control_open(&s);
	tell(control, &wire_ctl_key_retire, &(struct msg_ctl_key_retire){.request = 5});
	expect(s.daemon, &wire_key_retire, &keep, NULL, 0);
	ck_assert_uint_eq(keep.key_id, 3);
	expect_state(v.fd, 3, FRAMEMUX_STATE_REVOKED);
	expect_state(v.fd, 2, FRAMEMUX_STATE_REVOKED);
	refused(&old_token, 4); /* before it is on disk */
	kept.request = keep.request;
	tell(s.daemon, &wire_revoked_kept, &kept);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, 0);
	ck_assert_uint_eq(ended, 2);
	note = scene_note(AUDIT_EVENT_REVOKE);
	ck_assert_str_eq(note->what, "key");
	ck_assert_uint_eq(note->key_id, 3);
	ck_assert_uint_eq(note->count, 2);
	show(control, KEY_ID, 0);
	tell(control, &wire_ctl_key_retire, &(struct msg_ctl_key_retire){.request = 6});
	control_finish(control, &done, &ended); /* the only one stays */
	ck_assert_uint_eq(done.status, EINVAL);
	expect_want(&s, 0, 2);
	expect_want(&s, 0, 1);
	refused(&old_token, 5);
	lease(&token, 6, 2);
	close(control);
	viewer_end(&v);
	expect_want(&s, 0, 1);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

/* The leases are over, and that is not hidden by what the disk says; nor the disk by that. */
START_TEST(test_retire_is_not_kept)
{
	struct msg_key_retire keep;
	struct msg_ctl_ended gone;
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	begin_with_two();
	lease(&old_token, 1, 1);
	control = control_open(&s);
	tell(control, &wire_ctl_key_retire, &(struct msg_ctl_key_retire){.request = 5});
	expect(s.daemon, &wire_key_retire, &keep, NULL, 0);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	expect_want(&s, 0, 0);
	expect(control, &wire_ctl_ended, &gone, NULL, 0);
	expect_silence(control, 50);
	tell(s.daemon, &wire_revoked_kept,
		&(struct msg_revoked_kept){.request = keep.request, .status = ENOSPC});
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, ENOSPC);
	refused(&old_token, 2);
	tell(control, &wire_ctl_key_retire, &(struct msg_ctl_key_retire){.request = 6});
	expect(s.daemon, &wire_key_retire, &keep, NULL, 0); /* tried again */
	ck_assert_uint_eq(keep.key_id, 3);
	tell(s.daemon, &wire_revoked_kept, &(struct msg_revoked_kept){.request = keep.request});
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, 0);
	show(control, KEY_ID, 0);
	close(control);
	viewer_end(&v);
	end_empty();
}
END_TEST

static void ask_rotate(int control, struct msg_key_rotate *ret)
{
	tell(control, &wire_ctl_key_rotate, &(struct msg_ctl_key_rotate){.request = 9});
	expect(s.daemon, &wire_key_rotate, ret, NULL, 0);
}

START_TEST(test_rotate)
{
	struct msg_broker_key newer = {.key_id = 8, .since_s = 88, .is_current = 1};
	struct msg_key_rotate asked;
	struct token new_token;
	struct msg_ctl_grant rq = {.request = 1, .camera = "porch", .never_expires = 1};
	struct msg_ctl_token granted;
	struct token parsed;
	uint32_t key_id;
	int control;

	scene_begin(&s, NULL);
	memset(newer.key, 8, sizeof(newer.key));
	token_for(&s, 0, UINT64_MAX, &token);
	token_of(&token, &newer, &new_token);
	viewer_connect(&s, &v);
	refused(&new_token, 1);
	control = control_open(&s);
	ask_rotate(control, &asked);
	tell(s.daemon, &wire_broker_key, &newer);
	expect_silence(control, 50);
	tell(s.daemon, &wire_key_rotated, &(struct msg_key_rotated){.request = asked.request});
	expect_keys(control, 8, KEY_ID);
	lease(&new_token, 2, 1);
	lease(&token, 3, 2);
	tell(control, &wire_ctl_grant, &rq);
	expect(control, &wire_ctl_token, &granted, NULL, 0);
	ck_assert_int_eq(token_parse(granted.token, &parsed), 0);
	ck_assert_int_eq(token_body_key_id(parsed.body, parsed.body_len, &key_id), 0);
	ck_assert_uint_eq(key_id, 8);
	close(control);
	viewer_end(&v);
	expect_want(&s, 0, 1);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_rotate_fails)
{
	static const uint32_t statuses[][2] = {
		{EEXIST, EINVAL}, {EBUSY, EBUSY}, {EIO, EIO}, {ENOSPC, ENOSPC}};
	struct msg_key_rotate asked;
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	scene_begin(&s, NULL);
	control = control_open(&s);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		ask_rotate(control, &asked);
		tell(s.daemon, &wire_key_rotated,
			&(struct msg_key_rotated){
				.request = asked.request, .status = statuses[i][0]});
		control_finish(control, &done, &ended);
		ck_assert_uint_eq(done.status, statuses[i][1]);
		ck_assert_str_ne(done.reason, "");
	}
	ask_rotate(control, &asked); /* and goes before the answer */
	close(control);
	tell(s.daemon, &wire_key_rotated, &(struct msg_key_rotated){.request = asked.request});
	end_empty();
}
END_TEST

/* A standing grant goes on under the id that it has, whatever key that was chosen under. */
START_TEST(test_standing_keeps_its_id)
{
	struct msg_broker_grant grant = {
		.grant = "wall", .camera = "porch", .uid = getuid(), .round = 1};
	struct msg_grant_token made;
	struct token parsed;

	memset(grant.id, 0x5a, sizeof(grant.id));
	for (unsigned i = 0; i < 2; i++) {
		scene_begin(&s,
			&(struct scene_setup){.grant = &grant,
				.ret_token = &made,
				.revoked = i ? grant.id : NULL});
		ck_assert_int_eq(token_parse(made.token, &parsed), 0);
		ck_assert_int_eq(memcmp(token_body_id(parsed.body, parsed.body_len), grant.id,
					 TOKEN_ID_BYTES) != 0,
			i); /* a killed one does not come back */
		end_empty();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker_keys");
	TCase *t = tcase_create("broker_keys");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_two_are_good);
	tcase_add_test(t, test_retire);
	tcase_add_test(t, test_retire_is_not_kept);
	tcase_add_test(t, test_rotate);
	tcase_add_test(t, test_rotate_fails);
	tcase_add_test(t, test_standing_keeps_its_id);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
