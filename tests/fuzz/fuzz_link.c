/* What framemuxd reads from its roles: what is accepted is well-formed, and a challenge is answered. */
#include <string.h>

#include "common/clock.h"
#include "fuzz.h"
#include "mux/daemon/pair/digest.h"
#include "mux/link/daemon_broker.h"
#include "mux/link/daemon_decode.h"
#include "mux/link/daemon_ingest.h"

static const struct wire_message *const messages[] = {
	&wire_broker_ready,
	&wire_camera_want,
	&wire_pair_kill,
	&wire_survey,
	&wire_revoked_keep,
	&wire_grant_token,
	&wire_key_rotate,
	&wire_key_retire,
	&wire_unit_ask,
	&wire_ingest_ready,
	&wire_ingest_news,
	&wire_ingest_failed,
	&wire_udp_bind,
	&wire_udp_connect,
	&wire_identity,
	&wire_digest_ask,
	&wire_decode_ready,
	&wire_decode_beat,
	&wire_decode_failed,
};

static void sign(const struct msg_digest_ask *ask)
{
	static const uint8_t random[DIGEST_CNONCE_BYTES];
	static const struct digest_owner owner = {"viewer", "s3cret-word", "rtsp://cam.lan/live"};
	static struct digest_memory memory;
	struct msg_digest_answer a;

	memset(&memory, 0, sizeof(memory));
	digest_answer(&memory, &owner, ask, 1000 * NS_PER_S, random, &a);
	MUST(a.request == ask->request);
	MUST((a.status == 0) == (a.authorization[0] != 0) && (a.status == 0) == !a.reason[0]);
	MUST(!strpbrk(a.authorization, "\r\n"));
	MUST(!strstr(a.authorization, owner.password) || strstr(ask->nonce, owner.password) ||
		strstr(ask->realm, owner.password) || strstr(ask->opaque, owner.password) ||
		strstr(ask->uri, owner.password));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static _Alignas(8) uint8_t msg[LIMIT_MESSAGE * 2], out[LIMIT_MESSAGE];

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		MUST(messages[i]->struct_size <= sizeof(msg));
		if (wire_decode(messages[i], data, len, msg) < 0)
			continue;
		MUST(wire_type(data, len) == messages[i]->type);
		MUST(wire_encode(messages[i], msg, out, sizeof(out)) == (ssize_t)len);
		MUST(memcmp(out, data, len) == 0);
		if (messages[i] == &wire_digest_ask)
			sign((const struct msg_digest_ask *)msg);
	}
	return 0;
}
