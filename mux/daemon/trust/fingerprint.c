/* Compares what cameras call themselves. Pure code, in framemuxd. */
#include "mux/daemon/trust/fingerprint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/breakage.h"
#include "common/text.h"

bool fingerprint_applies(const struct camera_record *camera)
{
	return camera->fingerprint && !camera->has_pin &&
		(camera->kind == INGEST_RTSP || camera->kind == INGEST_HTTP);
}

/* Both names are the camera's words: cut to what fits, and made fit for a sentence. */
static int compare(const char *what, const char *was, const char *is, char reason[LIMIT_REASON])
{
	if (!strcmp(was, is) || breakage("daemon-skip-fingerprint"))
		return 0;
	snprintf(reason, LIMIT_REASON,
		"its %s changed from \"%.40s\" to \"%.40s\": another device may be answering", what,
		was, is);
	text_make_plain(reason, strlen(reason));
	return -EKEYREJECTED;
}

int fingerprint_take_realm(struct fingerprint *f, const char *realm, char ret_reason[LIMIT_REASON])
{
	if (f->has_realm)
		return compare("realm", f->realm, realm, ret_reason);
	f->has_realm = true;
	snprintf(f->realm, sizeof(f->realm), "%s", realm);
	return 0;
}

int fingerprint_take_identity(
	struct fingerprint *f, const struct msg_identity *identity, char ret_reason[LIMIT_REASON])
{
	int rc;

	if (f->has_identity) {
		rc = compare("server", f->server, identity->server, ret_reason);
		return rc < 0 ? rc : compare("SDP origin", f->origin, identity->origin, ret_reason);
	}
	f->has_identity = true;
	memcpy(f->server, identity->server, sizeof(f->server));
	memcpy(f->origin, identity->origin, sizeof(f->origin));
	return 0;
}
