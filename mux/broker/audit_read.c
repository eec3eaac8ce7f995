/* Readings of the audit log under way. Owns them. Runs in the broker. */
#include "mux/broker/audit_read.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "mux/audit_note.h"
#include "mux/broker/conn.h"
#include "mux/broker/control.h"

#define LIMIT_S     10 /* for framemuxd's disk */
#define READERS_MAX 4u /* at once: each costs a descriptor for each segment */

struct audit_reader {
	LIST_ENTRY(audit_reader) link;
	struct control *asker; /* borrowed; NULL: it has gone, or was answered */
	uint32_t request;      /* the asker's number */
	uint32_t sent_request; /* ours to framemuxd */
	struct event *limit;   /* owned */
};

static void reader_free(struct audit_reader *r)
{
	LIST_REMOVE(r, link);
	if (r->limit)
		event_free(r->limit);
	free(r);
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	struct audit_reader *r = data;

	(void)fd;
	(void)what;
	if (r->asker)
		control_done(r->asker, r->request, ETIMEDOUT, 0, "the disk does not answer");
	r->asker = NULL;
}

int audit_read_begin(struct broker *b, struct control *asker, uint32_t request)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	const struct msg_audit_ask m = {.request = b->last_request + 1};
	struct audit_reader *r;
	unsigned n = 0;

	LIST_FOREACH (r, &b->audit_readers, link)
		n++;
	/* One that has not read its last answer would have descriptors heap up here. */
	if (n >= READERS_MAX || conn_is_backed_up(asker->conn))
		return -EBUSY;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	LIST_INSERT_HEAD(&b->audit_readers, r, link);
	r->asker = asker;
	r->request = request;
	r->sent_request = ++b->last_request;
	r->limit = evtimer_new(b->base, on_limit, r);
	if (!r->limit || evtimer_add(r->limit, &limit) < 0) {
		reader_free(r);
		return -ENOMEM;
	}
	conn_send(b->daemon, &wire_audit_ask, &m, NULL, 0);
	return 0;
}

/* One whose asker has gone counts until framemuxd has answered. */
static struct audit_reader *find(const struct broker *b, uint32_t request)
{
	struct audit_reader *r;

	LIST_FOREACH (r, &b->audit_readers, link)
		if (r->sent_request == request)
			return r;
	return NULL;
}

void audit_read_segment(struct broker *b, const struct msg_audit_segment *m, int fd)
{
	const struct audit_reader *r = find(b, m->request);
	const struct msg_ctl_segment segment = {.segment = m->segment, .bytes = m->bytes};

	if (r && r->asker)
		conn_send(r->asker->conn, &wire_ctl_segment, &segment, &fd, 1);
}

static const char *anchor_name(uint32_t anchor)
{
	if (anchor == AUDIT_ANCHOR_FILE)
		return "file";
	return anchor == AUDIT_ANCHOR_JOURNAL ? "journal" : "none";
}

void audit_read_told(struct broker *b, const struct msg_audit_told *m)
{
	struct audit_reader *r = find(b, m->request);
	struct msg_ctl_head head = {.n = m->n, .seal = m->seal};

	if (!r)
		return;
	if (!r->asker) {
		reader_free(r);
		return;
	}
	memcpy(head.chain, m->chain, sizeof(head.chain));
	memcpy(head.key, m->key, sizeof(head.key));
	strcpy(head.state, audit_state_name(m->state)); /* both are of a table, and short */
	strcpy(head.anchor, anchor_name(m->anchor));
	if (!m->status)
		control_record(r->asker, &wire_ctl_head, &head);
	control_done(r->asker, r->request, m->status, 0,
		m->status ? "the audit log cannot be opened" : "");
	reader_free(r);
}

void audit_read_forget_asker(struct broker *b, const struct control *asker)
{
	struct audit_reader *r;

	LIST_FOREACH (r, &b->audit_readers, link)
		if (r->asker == asker)
			r->asker = NULL;
}

void audit_read_free_all(struct broker *b)
{
	struct audit_reader *r, *next;

	LIST_FOREACH_SAFE (r, &b->audit_readers, link, next)
		reader_free(r);
}
