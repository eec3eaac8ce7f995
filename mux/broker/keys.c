/* Root keys and who asked for a new one. Owns the latter. Runs in the broker. */
#include "mux/broker/keys.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/breakage.h"
#include "mux/broker/conn.h"
#include "mux/broker/control.h"
#include "mux/broker/secrets.h"

#define LIMIT_S 10 /* for framemuxd's disk, token files included */

struct rotation {
	LIST_ENTRY(rotation) link;
	struct control *asker; /* borrowed */
	uint32_t request;      /* the asker's number */
	uint32_t sent_request; /* ours to framemuxd */
	struct event *limit;   /* owned */
};

void keys_take(struct broker *b, const struct msg_broker_key *m)
{
	struct settings *s = &b->settings;

	s->older_is_void = false; /* another is the older one from now on */
	if (m->is_current) {
		s->older_key_id = s->key_id;
		s->older_since_s = s->key_since_s;
		memcpy(b->secrets->older, b->secrets->root, KEY_BYTES);
		s->key_id = m->key_id;
		s->key_since_s = m->since_s;
		memcpy(b->secrets->root, m->key, KEY_BYTES);
	} else {
		s->older_key_id = m->key_id;
		s->older_since_s = m->since_s;
		memcpy(b->secrets->older, m->key, KEY_BYTES);
	}
}

const uint8_t *keys_find(const struct broker *b, uint32_t key_id)
{
	if (key_id == 0)
		return NULL;
	if (key_id == b->settings.key_id)
		return b->secrets->root;
	if (key_id == b->settings.older_key_id && !b->settings.older_is_void)
		return b->secrets->older;
	return NULL;
}

void keys_void_older(struct broker *b)
{
	if (breakage("keep-retired-key"))
		return;
	b->settings.older_is_void = true;
	sodium_memzero(b->secrets->older, KEY_BYTES);
}

void keys_forget_older(struct broker *b)
{
	if (breakage("keep-retired-key"))
		return;
	b->settings.older_key_id = 0;
	b->settings.older_is_void = false;
}

void keys_show(struct control *c, uint32_t request)
{
	const struct settings *s = &c->broker->settings;
	struct msg_ctl_key m = {.key_id = s->key_id, .since_s = s->key_since_s, .is_current = 1};

	control_record(c, &wire_ctl_key, &m);
	if (s->older_key_id) {
		m = (struct msg_ctl_key){.key_id = s->older_key_id, .since_s = s->older_since_s};
		control_record(c, &wire_ctl_key, &m);
	}
	control_done(c, request, 0, 0, "");
}

static void rotation_free(struct rotation *r)
{
	LIST_REMOVE(r, link);
	if (r->limit)
		event_free(r->limit);
	free(r);
}

static const char *why_not(uint32_t status)
{
	switch (status) {
	case 0:
		return "";
	case EEXIST:
		return "there are two keys already: retire the older one first";
	case EROFS:
		return "the root key is a credential, which the mux cannot change: framemuxd(8) "
		       "says "
		       "how it is moved to where it can";
	case EBUSY:
		return "the keys are being changed by somebody else: try again";
	case EIO:
		return "the new key is in use, but not every token file could be written: the log "
		       "says which; mend that and reload before the older key is retired";
	case ETIMEDOUT:
		return "framemuxd did not answer in time; the log says what became of it";
	default:
		return "the new key could not be put on disk: nothing has changed";
	}
}

static void answer(struct rotation *r, uint32_t status)
{
	if (status == 0)
		keys_show(r->asker, r->request);
	else
		control_done(r->asker, r->request,
			status == EEXIST || status == EROFS ? EINVAL : status, 0, why_not(status));
	rotation_free(r);
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	answer(data, ETIMEDOUT);
}

int keys_rotate(struct control *c, uint32_t request)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	struct msg_key_rotate m = {.uid = c->uid, .pid = c->pid};
	struct rotation *r = calloc(1, sizeof(*r));
	struct broker *b = c->broker;

	if (!r)
		return -ENOMEM;
	LIST_INSERT_HEAD(&b->rotations, r, link);
	r->asker = c;
	r->request = request;
	r->sent_request = m.request = ++b->last_request;
	r->limit = evtimer_new(b->base, on_limit, r);
	if (!r->limit || evtimer_add(r->limit, &limit) < 0) {
		rotation_free(r);
		return -ENOMEM;
	}
	conn_send(b->daemon, &wire_key_rotate, &m, NULL, 0);
	return 0;
}

void keys_rotated(struct broker *b, uint32_t request, uint32_t status)
{
	struct rotation *r;

	LIST_FOREACH (r, &b->rotations, link)
		if (r->sent_request == request)
			break;
	if (r) /* else the asker has gone */
		answer(r, status);
}

void keys_forget_asker(struct broker *b, const struct control *asker)
{
	struct rotation *r, *next;

	LIST_FOREACH_SAFE (r, &b->rotations, link, next)
		if (r->asker == asker)
			rotation_free(r);
}

void keys_free_all(struct broker *b)
{
	struct rotation *r, *next;

	LIST_FOREACH_SAFE (r, &b->rotations, link, next)
		rotation_free(r);
}
