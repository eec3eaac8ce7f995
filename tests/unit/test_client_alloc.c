/*
 * clients/lib when memory runs out: every allocation of a whole session fails once. Linked with
 * --wrap; only what is allocated inside a call of the library counts.
 */
#include "tests/unit/client_test.h"

static int countdown = -1; /* allocations until the one that fails; < 0: none does */

static bool is_inside; /* a call of the library */

#define inside(call)                                                                               \
	do {                                                                                       \
		is_inside = true;                                                                  \
		call;                                                                              \
		is_inside = false;                                                                 \
	} while (0)

static bool fails(void)
{
	return is_inside && countdown >= 0 && countdown-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

/* A session up to its first frame; whatever step fails, the ones after it are skipped. */
static bool session(struct heard *h)
{
	struct framemux_request rq = nv12;
	struct msg_attached done;
	struct msg_attach m;
	int r;

	inside(r = framemux_connect(h->mux.path, &h->fm));
	if (r < 0) {
		ck_assert_int_eq(r, -ENOMEM);
		return false;
	}
	fake_welcome(&h->mux);
	inside((void)framemux_dispatch(h->fm, 0));
	rq.token = h->mux.token_text;
	inside(r = framemux_open(h->fm, &rq, NULL, NULL, &h->view));
	if (r < 0) {
		ck_assert_int_eq(r, -ENOMEM);
		return false;
	}
	h->number = fake_lease(&h->mux);
	m = fake_attach_for(&h->mux, h->number);
	fake_attach(&h->mux, &m, FAKE_GOOD);
	inside((void)framemux_dispatch(h->fm, 0));
	fake_expect(&h->mux, &wire_attached, &done);
	if (done.status) {
		ck_assert_uint_eq(done.status, ENOMEM);
		return false;
	}
	fake_publish(&h->mux.ring, 0, 1, 1);
	inside(r = acquire(h));
	ck_assert_int_eq(r, 0);
	return true;
}

START_TEST(test_each_allocation)
{
	int before = unit_count_fds(), at = -1;
	bool was_whole;

	do {
		struct heard h = {0};

		fake_begin(&h.mux);
		countdown = ++at;
		was_whole = session(&h);
		/* A session that went through to its end met no failing allocation. */
		ck_assert(was_whole == (countdown >= 0));
		countdown = -1;
		framemux_close(h.fm);
		fake_end(&h.mux);
		ck_assert_int_eq(unit_count_fds(), before);
	} while (!was_whole);
	ck_assert_int_ge(at, 4); /* connection, path, outbox, view, ring */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client_alloc");
	TCase *tc = tcase_create("client_alloc");

	tcase_add_test(tc, test_each_allocation);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
