/* Takes bundles from framemuxctl, and shows what is in force. Owns nothing. In framemuxd's loop. */
#include "mux/daemon/policy/policy_talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/protocol.h"
#include "mux/daemon/cutoff/kill_socket.h"
#include "mux/daemon/daemon_private.h"

/* ---- apply --------------------------------------------------------------------------- */

static void refuse(struct talk *t, uint32_t request, int status, const char *reason)
{
	struct policy_upload *u = talk_upload(t);

	free(u->bytes);
	*u = (struct policy_upload){0};
	talk_done(t, request, (uint32_t)status, 0, reason);
}

static void on_done(void *data, uint32_t status, uint64_t elapsed_us, const char *reason)
{
	struct talk *t = data;

	talk_done(t, talk_upload(t)->request, status, elapsed_us, reason);
}

/* All of it is there. */
static void apply(struct mux *m, struct talk *t)
{
	struct policy_upload *u = talk_upload(t);
	const struct enforce_asker asker = {
		.uid = talk_uid(t), .pid = talk_pid(t), .data = t, .done = on_done};
	cleanup_free char *bytes = take_ptr(u->bytes);
	char why[LIMIT_REASON];
	int rc = enforce_ask(m->enforce, bytes, u->len, &asker, why);

	if (rc < 0)
		refuse(t, u->request, -rc, why);
}

void policy_talk_apply(struct mux *m, struct talk *t, const struct msg_ctl_policy_apply *msg)
{
	struct policy_upload *u = talk_upload(t);

	if (msg->at == 0) {
		free(u->bytes);
		*u = (struct policy_upload){.total = msg->total};
		if (!msg->total || msg->total > POLICY_BYTES_MAX) {
			refuse(t, msg->request, EBADMSG,
				"that is no policy: it is empty, or larger than 64 KiB");
			return;
		}
		u->bytes = malloc(msg->total);
		if (!u->bytes) {
			refuse(t, msg->request, ENOMEM, "framemuxd is short of memory");
			return;
		}
	}
	if (!u->bytes || msg->total != u->total || msg->at != u->len || !msg->bytes_len ||
		msg->bytes_len > u->total - u->len) {
		refuse(t, msg->request, EINVAL, "the pieces of the policy do not fit");
		return;
	}
	memcpy(u->bytes + u->len, msg->bytes, msg->bytes_len);
	u->len += msg->bytes_len;
	u->request = msg->request;
	if (u->len < u->total)
		talk_done(t, msg->request, 0, 0, "");
	else
		apply(m, t);
}

/* ---- show ---------------------------------------------------------------------------- */

static void show_policy(struct mux *m, struct talk *t)
{
	const struct policy_bundle *b = enforce_bundle(m->enforce);
	struct msg_ctl_policy p = {.now_s = enforce_now(m->enforce),
		.keys = (uint32_t)m->config->n_policy_keys,
		.quorum = m->config->policy_quorum,
		.kept = enforce_is_kept(m->enforce)};

	if (b) {
		p.version = b->policy->version;
		p.issued_s = b->policy->issued_s;
		p.expires_s = b->policy->expires_s == POLICY_NEVER ? 0 : b->policy->expires_s;
		memcpy(p.hash, b->hash, sizeof(p.hash));
		memcpy(p.fleet, b->policy->fleet, sizeof(p.fleet));
	}
	talk_record(t, &wire_ctl_policy, &p);
}

static void show_keys(struct mux *m, struct talk *t)
{
	bool has_signed[POLICY_KEYS_MAX] = {false};

	(void)enforce_signers(m->enforce, has_signed);
	for (size_t i = 0; i < m->config->n_policy_keys; i++) {
		struct msg_ctl_policy_key k = {.has_signed = has_signed[i]};

		memcpy(k.id, m->config->policy_keys[i].id, POLICY_KEY_ID);
		talk_record(t, &wire_ctl_policy_key, &k);
	}
}

static void show_lines(struct mux *m, struct talk *t)
{
	const struct policy_bundle *b = enforce_bundle(m->enforce);
	const char *end = b ? b->bytes + b->body_len : NULL;

	for (const char *at = b ? b->bytes : NULL; at < end;) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		struct msg_ctl_policy_line l = {0};
		size_t n = (size_t)(eol - at); /* it was parsed: each line has an end and fits */

		memcpy(l.text, at, n < sizeof(l.text) ? n : sizeof(l.text) - 1);
		if (!strncmp(l.text, "block ", 6) || !strncmp(l.text, "require ", 8) ||
			!strncmp(l.text, "permit ", 7))
			talk_record(t, &wire_ctl_policy_line, &l);
		at = eol + 1;
	}
}

static void show_cameras(struct mux *m, struct talk *t)
{
	const struct pair_host *h = &m->pair_host;

	for (size_t i = 0; i < h->n_pairs; i++) {
		const struct camera_record *cam = pair_camera(h->pairs[i]);
		struct msg_ctl_policy_camera c = {0};

		if (!enforce_blocks(m->enforce, cam, c.reason))
			continue;
		memcpy(c.camera, cam->name, sizeof(c.camera));
		memset(c.reason + strlen(c.reason), 0, sizeof(c.reason) - strlen(c.reason));
		talk_record(t, &wire_ctl_policy_camera, &c);
	}
}

void policy_talk_show(struct mux *m, struct talk *t, const struct msg_ctl_policy_show *msg)
{
	show_policy(m, t);
	show_keys(m, t);
	show_lines(m, t);
	show_cameras(m, t);
	talk_done(t, msg->request, 0, 0, "");
}
