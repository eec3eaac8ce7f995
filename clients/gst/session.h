/* The connection, its one view, and what there is to say about it. */
#ifndef FRAMEMUX_GST_SESSION_H
#define FRAMEMUX_GST_SESSION_H

#include <gst/gst.h>
#include <stdbool.h>
#include <stdint.h>

#include "clients/gst/wish.h"
#include "framemux.h"

struct session_options {
	char *camera, *token, *token_file, *socket; /* owned; NULL: the library's defaults */
	uint32_t slots, flags;
};

struct session {
	GstElement *element; /* borrowed: whose messages they are */
	struct framemux *fm;
	struct framemux_view *view;
	char *camera;    /* owned: as it was opened */
	uint32_t serial; /* of the view: each has its own, and none is 0 */
	enum framemux_state state;
	char reason[256];
	uint64_t last_arrival_ns; /* 0: no frame yet */
	GQueue news;              /* GstMessage, to be posted while nothing is locked */
};

void session_init(struct session *s, GstElement *element);

/*
 * The token, for session_token_free; NULL: the library is to look for it. As key_read, and -ENOKEY too when
 * there is none anywhere.
 */
int session_token(const struct session_options *o, char **ret);
void session_token_free(char *token);

/* Open a view, in place of the one that was. As framemux_connect and framemux_open. */
int session_open(struct session *s, const struct session_options *o, const char *token,
	const struct wish *w);

bool session_is_open(const struct session *s);

/* Nothing comes any more; what it was about has to be looked at. */
bool session_is_final(const struct session *s);

/* Handle what has come. Does not wait. */
void session_dispatch(struct session *s);

/* A state that no callback told. */
void session_say(struct session *s, const char *state, const char *reason);

void session_close(struct session *s);
void session_clear(struct session *s);

void session_options_clear(struct session_options *o);

#endif
