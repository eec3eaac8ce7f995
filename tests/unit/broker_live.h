/*
 * One live lease in a broker's scene, which most tests begin with: who plays in it, how it begins
 * and ends. For one including file each.
 */
#ifndef FRAMEMUX_TESTS_BROKER_LIVE_H
#define FRAMEMUX_TESTS_BROKER_LIVE_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/broker_scene.h"
#include "tests/unit/unit.h"

static struct scene s;
static struct token token;
static struct viewer v;
static struct pair p;
static struct given g;
static struct watched w;

static const struct msg_open small = {.view = 1, .width = 64, .height = 64};
static const struct msg_open own = {.view = 1};

/* The broker is as empty as at the start; waits for what it still has to close. */
static inline void end_empty(void)
{
	int fds = scene_broker_fds(&s);

	for (int i = 0; i < 3000 && fds != s.idle_fds; i++) {
		usleep(1000);
		fds = scene_broker_fds(&s);
	}
	ck_assert_int_eq(fds, s.idle_fds); /* as counted: a last client may be accepted even now */
	ck_assert_int_eq(scene_end(&s), 0);
}

static inline void begin_live(struct msg_open o)
{
	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	viewer_lease(&v, &token, o);
	expect_want(&s, 0, 1);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	attach_all(&s, &p, &v, &g, &w);
}

static inline void end_live(void)
{
	viewer_end(&v);
	expect_want(&s, 0, 0);
	pair_end(&s, &p, "");
	end_empty();
}

static inline void expect_kill(const struct pair *which)
{
	struct msg_pair_kill m;

	expect(s.daemon, &wire_pair_kill, &m, NULL, 0);
	ck_assert_mem_eq(m.id, s.camera[which->camera].b, sizeof(m.id));
	ck_assert_uint_eq(m.generation, which->generation);
}

/* Blind: marked, and nothing left to see. */
static inline void assert_blind(const struct watched *which)
{
	ck_assert_uint_eq(*which->dead, 1);
	ck_assert(all_zero(which->map, which->attach.ring_bytes));
}

static inline void ask_revoke(int control, const char *id)
{
	struct msg_ctl_revoke m = {.request = 77};

	strcpy(m.id, id);
	tell(control, &wire_ctl_revoke, &m);
}

static inline void keep_revoked(const uint8_t *id, uint32_t status)
{
	struct msg_revoked_keep keep;
	struct msg_revoked_kept kept = {.status = status};

	expect(s.daemon, &wire_revoked_keep, &keep, NULL, 0);
	ck_assert_uint_eq(keep.ids_len, TOKEN_ID_BYTES);
	ck_assert_mem_eq(keep.ids, id, TOKEN_ID_BYTES);
	kept.request = keep.request;
	tell(s.daemon, &wire_revoked_kept, &kept);
}

static inline void token_text(const struct token *t, char ret[2 * TOKEN_ID_BYTES + 1])
{
	token_id_text(token_body_id(t->body, t->body_len), ret);
}

#endif
