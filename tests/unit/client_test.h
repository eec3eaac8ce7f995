/*
 * A client of the fake mux: what its callbacks heard, and the ways to its first lease, attach and
 * frame. Included by the programs that test libframemux; each uses a part.
 */
#ifndef FRAMEMUX_TESTS_CLIENT_TEST_H
#define FRAMEMUX_TESTS_CLIENT_TEST_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clients/lib/api.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "tests/unit/fake_mux.h"
#include "tests/unit/unit.h"

#define HEARD_MAX 16

struct heard {
	struct fake_mux mux;
	struct framemux *fm;
	struct framemux_view *view;
	uint32_t number;
	int fds_before;
	/* What the callbacks were told. 'F': a frame; else '0' + state. */
	char log[HEARD_MAX + 1];
	char reason[LIMIT_REASON];
	struct framemux_view *close_view; /* what the next callback closes */
	struct framemux *close_fm;
};

static inline void hear(struct heard *h, char what)
{
	size_t n = strlen(h->log);

	if (n < HEARD_MAX)
		h->log[n] = what;
	framemux_view_close(take_ptr(h->close_view));
	framemux_close(take_ptr(h->close_fm));
}

static inline void on_state(
	void *data, struct framemux_view *view, enum framemux_state state, const char *reason)
{
	struct heard *h = data;

	ck_assert_ptr_nonnull(view);
	snprintf(h->reason, sizeof(h->reason), "%s", reason);
	hear(h, (char)('0' + state));
}

static inline void on_frame(void *data, struct framemux_view *view)
{
	ck_assert_ptr_nonnull(view);
	hear(data, 'F');
}

__attribute__((unused)) static const struct framemux_listener listener = {
	.size = sizeof(listener), .state = on_state, .frame = on_frame};

__attribute__((unused)) static const struct framemux_request nv12 = {
	.size = sizeof(nv12), .camera = FAKE_CAMERA};

/* Forget what was heard, let the library run, and compare. */
#define expect_heard(h, text)                                                                      \
	do {                                                                                       \
		(void)framemux_dispatch((h)->fm, 0);                                               \
		ck_assert_str_eq((h)->log, text);                                                  \
		memset((h)->log, 0, sizeof((h)->log));                                             \
	} while (0)

static inline struct framemux_view *open_with(struct heard *h, struct framemux_request rq)
{
	struct framemux_view *v = NULL;

	rq.token = h->mux.token_text;
	ck_assert_int_eq(framemux_open(h->fm, &rq, &listener, h, &v), 0);
	return v;
}

static inline void begin(struct heard *h)
{
	*h = (struct heard){.fds_before = unit_count_fds()};
	fake_begin(&h->mux);
	ck_assert_int_eq(framemux_connect(h->mux.path, &h->fm), 0);
	fake_welcome(&h->mux);
}

/* Up to an accepted lease. */
static inline void begin_lease(struct heard *h)
{
	begin(h);
	h->view = open_with(h, nv12);
	expect_heard(h, "");
	h->number = fake_lease(&h->mux);
	expect_heard(h, "1");
}

static inline uint32_t attach(struct heard *h, const struct msg_attach *m, enum fake_fault fault)
{
	struct msg_attached done;

	fake_attach(&h->mux, m, fault);
	(void)framemux_dispatch(h->fm, 0);
	fake_expect(&h->mux, &wire_attached, &done);
	ck_assert_uint_eq(done.view, h->number);
	ck_assert_uint_eq(done.attach, m->attach);
	return done.status;
}

/* Up to an attach without frames. */
static inline void begin_attach(struct heard *h)
{
	struct msg_attach m;

	begin_lease(h);
	m = fake_attach_for(&h->mux, h->number);
	ck_assert_uint_eq(attach(h, &m, FAKE_GOOD), 0);
	expect_heard(h, "");
}

static inline void end(struct heard *h)
{
	framemux_close(h->fm);
	fake_end(&h->mux);
	ck_assert_int_eq(unit_count_fds(), h->fds_before);
}

static inline int acquire(struct heard *h)
{
	const struct framemux_frame *f;

	return framemux_acquire(h->view, &f);
}

static inline void expect_credit(
	struct heard *h, uint32_t slot, uint64_t seq, uint32_t was_acquired)
{
	struct msg_credit c;

	ck_assert(fake_credit(&h->mux.ring, &c));
	ck_assert_uint_eq(c.slot, slot);
	ck_assert_uint_eq(c.seq, seq);
	ck_assert_uint_eq(c.acquired, was_acquired);
}

static inline void expect_no_credit(struct heard *h)
{
	struct msg_credit c;

	ck_assert(!fake_credit(&h->mux.ring, &c));
}

static inline void expect_report(struct heard *h, uint64_t seq)
{
	struct msg_report report;

	fake_expect(&h->mux, &wire_report, &report);
	ck_assert_uint_eq(report.view, h->number);
	ck_assert_uint_eq(report.attach, h->mux.ring.attach.attach);
	if (seq)
		ck_assert_uint_eq(report.seq, seq);
	ck_assert(fake_is_quiet(&h->mux));
}

#endif
