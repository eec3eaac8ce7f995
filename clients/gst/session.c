/* One view on a connection of its own. Locks nothing: its owner does. In the application's process. */
#include "clients/gst/session.h"

#include <errno.h>
#include <string.h>

#include "clients/key/key.h"

void session_init(struct session *s, GstElement *element)
{
	memset(s, 0, sizeof(*s));
	s->element = element;
	g_queue_init(&s->news);
}

void session_say(struct session *s, const char *state, const char *reason)
{
	uint64_t now = gst_util_get_timestamp(), age = GST_CLOCK_TIME_NONE;

	if (s->last_arrival_ns)
		age = now > s->last_arrival_ns ? now - s->last_arrival_ns : 0;
	g_queue_push_tail(&s->news,
		gst_message_new_element(GST_OBJECT(s->element),
			gst_structure_new("framemux-state", "camera", G_TYPE_STRING, s->camera,
				"state", G_TYPE_STRING, state, "reason", G_TYPE_STRING, reason,
				"age", G_TYPE_UINT64, age, NULL)));
}

static void on_state(
	void *data, struct framemux_view *view, enum framemux_state state, const char *reason)
{
	static const char *const names[] = {
		"", "connecting", "live", "stale", "lost", "revoked", "refused", "closed"};
	struct session *s = data;

	(void)view;
	s->state = state;
	g_strlcpy(s->reason, reason, sizeof(s->reason));
	session_say(s, (size_t)state < G_N_ELEMENTS(names) ? names[state] : "unknown", reason);
}

int session_token(const struct session_options *o, char **ret)
{
	if (o->token) {
		*ret = g_strdup(o->token); /* GLib's memory is malloc's */
		return 0;
	}
	if (o->token_file)
		return key_read(o->token_file, o->camera, ret);
	*ret = NULL;
	return g_getenv("FRAMEMUX_TOKEN") ? 0 : -ENOKEY;
}

void session_token_free(char *token)
{
	key_free(token);
}

static int open_view(
	struct session *s, const struct session_options *o, const char *token, const struct wish *w)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .state = on_state};
	const struct framemux_request rq = {
		.size = sizeof(rq),
		.width = w->width,
		.height = w->height,
		.fourcc = wish_fourcc(w),
		.fps = wish_fps(w),
		.slots = o->slots,
		.flags = o->flags,
		.camera = o->camera,
		.token = token,
	};
	int r = s->fm ? 0 : framemux_connect(o->socket, &s->fm);

	return r < 0 ? r : framemux_open(s->fm, &rq, &listener, s, &s->view);
}

int session_open(
	struct session *s, const struct session_options *o, const char *token, const struct wish *w)
{
	int r;

	framemux_view_close(s->view);
	s->view = NULL;
	s->state = FRAMEMUX_STATE_CONNECTING;
	s->reason[0] = 0;
	g_free(s->camera);
	s->camera = g_strdup(o->camera);
	r = open_view(s, o, token, w);
	if (r < 0)
		session_close(s);
	else
		s->serial++;
	return r;
}

bool session_is_open(const struct session *s)
{
	return s->view != NULL;
}

bool session_is_final(const struct session *s)
{
	return s->state >= FRAMEMUX_STATE_REVOKED;
}

void session_dispatch(struct session *s)
{
	/* The mux's end has been told as a state. */
	if (framemux_dispatch(s->fm, 0) < 0 && !session_is_final(s))
		on_state(s, s->view, FRAMEMUX_STATE_CLOSED, "the mux is gone");
}

void session_close(struct session *s)
{
	framemux_close(s->fm); /* with its view */
	s->fm = NULL;
	s->view = NULL;
	s->serial++;
	s->last_arrival_ns = 0;
}

void session_clear(struct session *s)
{
	session_close(s);
	g_queue_clear_full(&s->news, (GDestroyNotify)gst_message_unref);
	g_free(s->camera);
	s->camera = NULL;
}

void session_options_clear(struct session_options *o)
{
	session_token_free(g_steal_pointer(&o->token));
	g_clear_pointer(&o->camera, g_free);
	g_clear_pointer(&o->token_file, g_free);
	g_clear_pointer(&o->socket, g_free);
}
