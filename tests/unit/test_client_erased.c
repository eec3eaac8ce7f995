/*
 * clients/lib when a decoder that has lost its broker clears the rings and nobody sets the dead mark:
 * dark, and no provenance failure; and what looks like that and is not.
 */
#include "tests/unit/client_test.h"

/* What happens between the look at the trailer and that at the pixels. */
static void (*under_the_tag)(struct fake_ring *r);
static struct fake_ring *its_ring;

int __real_tag_verify(const uint8_t k_attach[KEY_BYTES], const struct tag_header *h,
	const uint8_t *slot, const uint8_t tag[TAG_BYTES]);
int __wrap_tag_verify(const uint8_t k_attach[KEY_BYTES], const struct tag_header *h,
	const uint8_t *slot, const uint8_t tag[TAG_BYTES]);

int __wrap_tag_verify(const uint8_t k_attach[KEY_BYTES], const struct tag_header *h,
	const uint8_t *slot, const uint8_t tag[TAG_BYTES])
{
	if (under_the_tag)
		under_the_tag(its_ring);
	return __real_tag_verify(k_attach, h, slot, tag);
}

static uint8_t *slot_of(struct fake_ring *r, uint32_t slot)
{
	return r->map + slot * r->picture.slot_bytes;
}

static void clear_pixels(struct fake_ring *r)
{
	for (uint32_t i = 0; i < r->attach.slots; i++)
		memset(slot_of(r, i), 0, r->picture.bytes / 2);
}

static void clear_trailers(struct fake_ring *r)
{
	for (uint32_t i = 0; i < r->attach.slots; i++)
		slot_mark_erased(slot_of(r, i), &r->picture);
}

/* The decoder is in the midst of it. */
static void clear_half(struct fake_ring *r)
{
	clear_trailers(r);
	clear_pixels(r);
}

static void clear_all(struct fake_ring *r)
{
	memset(r->map, 0, r->bytes);
}

static void set_up(void)
{
	under_the_tag = NULL;
}

/* Frame 1 is the application's, frame 2 waits. */
static const struct framemux_frame *begin_two(struct heard *h)
{
	const struct framemux_frame *f;

	begin_attach(h);
	fake_publish(&h->mux.ring, 0, 1, 1);
	ck_assert_int_eq(framemux_acquire(h->view, &f), 0);
	expect_heard(h, "2");
	ck_assert_int_eq(framemux_check(h->view, f), 0);
	fake_publish(&h->mux.ring, 1, 2, 2);
	return f;
}

/* The broker's end is told by the connection's. */
static void expect_the_end(struct heard *h)
{
	ck_assert(fake_is_quiet(&h->mux)); /* nothing was reported */
	close(take_fd(&h->mux.conn_fd));
	expect_heard(h, "7");
	ck_assert_int_eq(acquire(h), -EPIPE);
	end(h);
}

START_TEST(test_erased_before_it_is_looked_at)
{
	static void (*const clear[])(struct fake_ring *) = {clear_trailers, clear_half, clear_all};
	struct heard h;
	const struct framemux_frame *f = begin_two(&h);

	clear[_i](&h.mux.ring);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	framemux_release(h.view, f);
	expect_the_end(&h);
}
END_TEST

START_TEST(test_erased_while_it_is_verified)
{
	static void (*const clear[])(struct fake_ring *) = {clear_half, clear_all};
	struct heard h;
	const struct framemux_frame *f = begin_two(&h);

	its_ring = &h.mux.ring;
	under_the_tag = clear[_i];
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	framemux_release(h.view, f);
	expect_the_end(&h);
}
END_TEST

/* In a dispatch, and not by the application's own asking. */
START_TEST(test_erased_while_a_dispatch_verifies_it)
{
	struct heard h;
	const struct framemux_frame *f = begin_two(&h);

	its_ring = &h.mux.ring;
	under_the_tag = clear_half;
	expect_heard(&h, "");
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	expect_the_end(&h);
}
END_TEST

START_TEST(test_erased_before_it_is_acquired)
{
	struct heard h;
	const struct framemux_frame *f = begin_two(&h);

	expect_heard(&h, "F"); /* verified, and it waits */
	clear_trailers(&h.mux.ring);
	ck_assert_int_eq(acquire(&h), -ESTALE);
	ck_assert_int_eq(framemux_check(h.view, f), -ESTALE);
	expect_the_end(&h);
}
END_TEST

static void bend_unwritten(struct fake_ring *r)
{
	slot_mark_unwritten(slot_of(r, 1), &r->picture);
}

static void bend_other_frame(struct fake_ring *r)
{
	memcpy(slot_of(r, 1), slot_of(r, 0), r->picture.slot_bytes);
}

static void bend_tag_only(struct fake_ring *r)
{
	memset(slot_of(r, 1) + r->picture.slot_bytes - TAG_BYTES, 0, TAG_BYTES);
}

static void bend_seq_of_others(struct fake_ring *r)
{
	slot_mark_erased(slot_of(r, 2), &r->picture);
	clear_pixels(r);
}

/* Slots that nobody has erased: never written, another frame's, or with zeros for pixels. */
START_TEST(test_wrong_and_not_erased)
{
	static void (*const bend[])(struct fake_ring *) = {
		bend_unwritten, bend_other_frame, bend_tag_only, clear_pixels, bend_seq_of_others};
	struct heard h;

	begin_two(&h);
	bend[_i](&h.mux.ring);
	ck_assert_int_eq(acquire(&h), -EBADMSG);
	expect_report(&h, 2);
	ck_assert_int_eq(acquire(&h), -ESTALE);
	end(&h);
}
END_TEST

/* Also when it is the last frame of a broker that is gone. */
START_TEST(test_wrong_under_a_dead_broker)
{
	struct heard h;

	begin_two(&h);
	bend_other_frame(&h.mux.ring);
	close(take_fd(&h.mux.conn_fd));
	ck_assert_int_eq(acquire(&h), -EBADMSG);
	end(&h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client_erased");
	TCase *tc = tcase_create("client_erased");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(tc, test_erased_before_it_is_looked_at, 0, 3);
	tcase_add_loop_test(tc, test_erased_while_it_is_verified, 0, 2);
	tcase_add_test(tc, test_erased_while_a_dispatch_verifies_it);
	tcase_add_test(tc, test_erased_before_it_is_acquired);
	tcase_add_loop_test(tc, test_wrong_and_not_erased, 0, 5);
	tcase_add_test(tc, test_wrong_under_a_dead_broker);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
