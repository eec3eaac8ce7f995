/* common/wire: what is encoded decodes to the same, and nothing else decodes. */
#include <errno.h>
#include <string.h>

#include "common/bytes.h"
#include "common/protocol.h"
#include "common/wire.h"
#include "mux/link/broker_decode.h"
#include "mux/link/daemon_broker.h"
#include "mux/link/daemon_decode.h"
#include "mux/link/daemon_ingest.h"
#include "tests/unit/unit.h"

static struct msg_open sample(void)
{
	struct msg_open m = {
		.view = 7, .width = 640, .height = 360, .fourcc = 0x3231564e, .camera = "porch"};

	memset(m.proof, 0xa5, sizeof(m.proof));
	m.token_len = 5;
	memcpy(m.token, "token", 5);
	return m;
}

START_TEST(test_round_trip)
{
	struct msg_open in = sample(), out;
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = wire_encode(&wire_open, &in, buf, sizeof(buf));

	ck_assert_int_eq(n, 4 + 7 * 4 + LIMIT_NAME + 32 + 2 + 5);
	ck_assert_uint_eq(wire_type(buf, (size_t)n), wire_open.type);
	ck_assert_int_eq(wire_decode(&wire_open, buf, (size_t)n, &out), 0);
	ck_assert_uint_eq(out.view, 7);
	ck_assert_uint_eq(out.height, 360);
	ck_assert_str_eq(out.camera, "porch");
	ck_assert_uint_eq(out.token_len, 5);
	ck_assert_mem_eq(out.token, "token", 5);
	/* little-endian, whatever the machine is */
	ck_assert_uint_eq(buf[4], 7);
	ck_assert_uint_eq(buf[5], 0);
}
END_TEST

START_TEST(test_every_other_length_is_refused)
{
	struct msg_open in = sample(), out;
	uint8_t buf[LIMIT_MESSAGE + 8] = {0};
	ssize_t n = wire_encode(&wire_open, &in, buf, LIMIT_MESSAGE);

	for (ssize_t len = 0; len <= n + 4; len++) {
		put_le16(buf + 2, (uint16_t)len);
		ck_assert_int_eq(
			wire_decode(&wire_open, buf, (size_t)len, &out), len == n ? 0 : -EPROTO);
	}
	put_le16(buf + 2, (uint16_t)(n - 1)); /* the header lies */
	ck_assert_int_eq(wire_decode(&wire_open, buf, (size_t)n, &out), -EPROTO);
}
END_TEST

START_TEST(test_text_is_checked)
{
	struct msg_open in = sample(), out;
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = wire_encode(&wire_open, &in, buf, sizeof(buf));
	uint8_t *camera = buf + 4 + 7 * 4;

	camera[6] = 'x'; /* something behind the NUL */
	ck_assert_int_eq(wire_decode(&wire_open, buf, (size_t)n, &out), -EPROTO);
	camera[6] = 0;
	camera[2] = '\n';
	ck_assert_int_eq(wire_decode(&wire_open, buf, (size_t)n, &out), -EPROTO);
	memset(camera, 'a', LIMIT_NAME);
	ck_assert_int_eq(wire_decode(&wire_open, buf, (size_t)n, &out), -EPROTO);
	memset(in.camera, 'a', sizeof(in.camera));
	ck_assert_int_eq(wire_encode(&wire_open, &in, buf, sizeof(buf)), -EINVAL);
}
END_TEST

START_TEST(test_blob_limit)
{
	struct msg_open in = sample(), out;
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	in.token_len = LIMIT_TOKEN_BODY + 1;
	ck_assert_int_eq(wire_encode(&wire_open, &in, buf, sizeof(buf)), -EINVAL);
	in.token_len = LIMIT_TOKEN_BODY;
	n = wire_encode(&wire_open, &in, buf, sizeof(buf));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(wire_decode(&wire_open, buf, (size_t)n, &out), 0);
	ck_assert_int_eq(wire_encode(&wire_open, &in, buf, 64), -EMSGSIZE);
}
END_TEST

static int handled;

static int handle(void *self, const void *msg, int *fds)
{
	(void)self;
	(void)fds;
	handled += ((const struct msg_shut *)msg)->view == 9;
	return 0;
}

START_TEST(test_dispatch_by_state_and_fds)
{
	static const struct wire_rule rules[] = {{&wire_shut, 1u << 1, 0, handle}};
	struct msg_shut m = {.view = 9};
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = wire_encode(&wire_shut, &m, buf, sizeof(buf));

	handled = 0;
	ck_assert_int_eq(wire_dispatch(rules, 1, 1u << 0, buf, (size_t)n, NULL, 0, NULL), -EPROTO);
	ck_assert_int_eq(wire_dispatch(rules, 1, 1u << 1, buf, (size_t)n, NULL, 1, NULL), -EPROTO);
	ck_assert_int_eq(handled, 0);
	ck_assert_int_eq(wire_dispatch(rules, 1, 1u << 1, buf, (size_t)n, NULL, 0, NULL), 0);
	ck_assert_int_eq(handled, 1);
	put_le16(buf, 0x7777);
	ck_assert_int_eq(wire_dispatch(rules, 1, 1u << 1, buf, (size_t)n, NULL, 0, NULL), -EPROTO);
}
END_TEST

/* Every message fits the wire, even with its blob full. */
START_TEST(test_all_messages_fit)
{
	static const struct wire_message *const all[] = {&wire_hello, &wire_open, &wire_attached,
		&wire_report, &wire_shut, &wire_welcome, &wire_lease, &wire_state, &wire_attach,
		&wire_frame, &wire_beat, &wire_credit, &wire_ctl_status, &wire_ctl_grant,
		&wire_ctl_revoke, &wire_ctl_mux, &wire_ctl_camera, &wire_ctl_lease, &wire_ctl_uid,
		&wire_ctl_token, &wire_ctl_ended, &wire_ctl_done, &wire_broker_start,
		&wire_broker_grant, &wire_digest_ask, &wire_digest_answer, &wire_ingest_start,
		&wire_decode_start, &wire_ring_give, &wire_survey_camera, &wire_survey_done,
		&wire_grant_token, &wire_revoked_keep, &wire_cutoff_keep, &wire_broker_cutoff,
		&wire_broker_clock, &wire_unit_ask, &wire_unit_told, &wire_broker_key,
		&wire_key_rotate, &wire_key_rotated, &wire_key_retire, &wire_ctl_key_show,
		&wire_ctl_key_rotate, &wire_ctl_key_retire, &wire_ctl_key, &wire_ctl_switch,
		&wire_ctl_switched};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ck_assert_uint_le(all[i]->struct_size, LIMIT_MESSAGE);
		for (size_t j = i + 1; j < sizeof(all) / sizeof(all[0]); j++)
			ck_assert_uint_ne(all[i]->type, all[j]->type);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("wire");

	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_every_other_length_is_refused);
	tcase_add_test(t, test_text_is_checked);
	tcase_add_test(t, test_blob_limit);
	tcase_add_test(t, test_dispatch_by_state_and_fds);
	tcase_add_test(t, test_all_messages_fit);
	suite_add_tcase(s, t);
	return unit_run(s);
}
