/*
 * The broker's four conversations as tables: every message in every state in which it is not
 * permitted, with every wrong number of descriptors, cut, and of unknown type. No handler may be
 * reached: they would be called without an owner and crash.
 */
#include <errno.h>
#include <string.h>

#include "mux/broker/client.h"
#include "mux/broker/control.h"
#include "mux/broker/daemon_link.h"
#include "mux/broker/decoder.h"
#include "tests/unit/unit.h"

struct conversation {
	const struct wire_rule *rules;
	size_t n;
	unsigned states[3];
};

static struct conversation conversations[4];

static void collect(void)
{
	conversations[0] = (struct conversation){
		daemon_rules, daemon_n_rules, {DAEMON_BORN, DAEMON_SETUP, DAEMON_SERVING}};
	conversations[1] = (struct conversation){
		client_rules, client_n_rules, {CLIENT_NEW, CLIENT_GREETED, CLIENT_LEAVING}};
	conversations[2] = (struct conversation){
		control_rules, control_n_rules, {CONTROL_NEW, CONTROL_READY, CONTROL_BUSY}};
	conversations[3] = (struct conversation){decoder_rules, decoder_n_rules, {DECODER_TALKING}};
}

static size_t encode_empty(const struct wire_message *m, uint8_t buf[LIMIT_MESSAGE])
{
	static uint8_t zeros[2 * LIMIT_MESSAGE];
	ssize_t n;

	ck_assert_uint_le(m->struct_size, sizeof(zeros));
	n = wire_encode(m, zeros, buf, LIMIT_MESSAGE);
	ck_assert_int_gt(n, 0);
	return (size_t)n;
}

static int dispatch(
	const struct conversation *c, unsigned state, const uint8_t *buf, size_t len, size_t n_fds)
{
	int fds[4] = {-1, -1, -1, -1};

	return wire_dispatch(c->rules, c->n, state, buf, len, fds, n_fds, NULL);
}

START_TEST(test_wrong_state)
{
	const struct conversation *c = &conversations[_i];
	uint8_t buf[LIMIT_MESSAGE];

	for (size_t i = 0; i < c->n; i++) {
		size_t len = encode_empty(c->rules[i].message, buf);

		ck_assert_uint_ne(c->rules[i].states, 0);
		ck_assert_int_eq(dispatch(c, 0, buf, len, c->rules[i].n_fds), -EPROTO);
		for (size_t s = 0; s < 3; s++)
			if (!(c->rules[i].states & c->states[s]))
				ck_assert_int_eq(
					dispatch(c, c->states[s], buf, len, c->rules[i].n_fds),
					-EPROTO);
	}
}
END_TEST

START_TEST(test_wrong_fds)
{
	const struct conversation *c = &conversations[_i];
	uint8_t buf[LIMIT_MESSAGE];

	for (size_t i = 0; i < c->n; i++) {
		size_t len = encode_empty(c->rules[i].message, buf);

		for (size_t n_fds = 0; n_fds <= 4; n_fds++)
			if (n_fds != c->rules[i].n_fds)
				ck_assert_int_eq(
					dispatch(c, c->rules[i].states, buf, len, n_fds), -EPROTO);
	}
}
END_TEST

START_TEST(test_cut)
{
	const struct conversation *c = &conversations[_i];
	uint8_t buf[LIMIT_MESSAGE];

	for (size_t i = 0; i < c->n; i++) {
		size_t len = encode_empty(c->rules[i].message, buf);

		for (size_t n = 0; n < len; n++)
			ck_assert_int_eq(dispatch(c, c->rules[i].states, buf, n, c->rules[i].n_fds),
				-EPROTO);
	}
}
END_TEST

START_TEST(test_unknown)
{
	const struct conversation *c = &conversations[_i];
	uint8_t buf[WIRE_HEADER_BYTES] = {0, 0, sizeof(buf), 0};

	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		buf[0] = (uint8_t)type;
		buf[1] = (uint8_t)(type >> 8);
		for (unsigned state = 1; state <= 4; state <<= 1)
			ck_assert_int_eq(dispatch(c, state, buf, sizeof(buf), 0), -EPROTO);
	}
}
END_TEST

/* A message of one conversation means nothing in another one. */
START_TEST(test_strangers)
{
	const struct conversation *c = &conversations[_i];
	uint8_t buf[LIMIT_MESSAGE];

	for (size_t o = 0; o < 4; o++) {
		for (size_t i = 0; i < conversations[o].n; i++) {
			const struct wire_rule *r = &conversations[o].rules[i];
			size_t len = encode_empty(r->message, buf);

			if ((int)o == _i || r->message == &wire_hello)
				continue;
			for (unsigned state = 1; state <= 4; state <<= 1)
				ck_assert_int_eq(dispatch(c, state, buf, len, r->n_fds), -EPROTO);
		}
	}
}
END_TEST

/* No client may send a descriptor, and of one type there is one rule. */
START_TEST(test_tables)
{
	for (size_t o = 0; o < 4; o++) {
		const struct conversation *c = &conversations[o];

		for (size_t i = 0; i < c->n; i++) {
			ck_assert_ptr_nonnull(c->rules[i].handle);
			if (o != 0)
				ck_assert_uint_eq(c->rules[i].n_fds, 0);
			for (size_t k = 0; k < i; k++)
				ck_assert_uint_ne(
					c->rules[i].message->type, c->rules[k].message->type);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("broker rules");
	TCase *t = tcase_create("rules");

	collect();
	tcase_add_loop_test(t, test_wrong_state, 0, 4);
	tcase_add_loop_test(t, test_wrong_fds, 0, 4);
	tcase_add_loop_test(t, test_cut, 0, 4);
	tcase_add_loop_test(t, test_unknown, 0, 4);
	tcase_add_loop_test(t, test_strangers, 0, 4);
	tcase_add_test(t, test_tables);
	suite_add_tcase(s, t);
	return unit_run(s);
}
