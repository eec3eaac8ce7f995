/*
 * A view: one lease as its owner sees it. Its state machine is driven by the broker's messages, the
 * lease socket and the clock; its owner is told from framemux_dispatch only. In the client's
 * process.
 */
#ifndef FRAMEMUX_LIB_VIEW_H
#define FRAMEMUX_LIB_VIEW_H

#include "clients/lib/connection.h"
#include "clients/lib/ring.h"

enum view_phase {
	VIEW_QUEUED, /* not asked for yet: no welcome */
	VIEW_ASKED,
	VIEW_LEASED,
	VIEW_FINAL, /* nothing comes any more */
};

struct framemux_view {
	LIST_ENTRY(framemux_view) link;         /* in views or graveyard */
	LIST_ENTRY(framemux_view) pending_link; /* in pending, or detached from it */
	struct framemux *fm;                    /* borrowed: the connection outlives its views */
	uint32_t number;
	enum view_phase phase;
	enum framemux_state state; /* 0: none yet */
	char reason[LIMIT_REASON];
	const struct framemux_listener *listener; /* borrowed from the application; may be NULL */
	void *data;
	struct msg_open open;
	struct token token; /* wiped with the last use */
	bool returns;       /* FRAMEMUX_OPEN_RECONNECT */
	uint64_t lease;
	struct camera_id camera; /* of the lease's first attach; all others are of the same */
	bool has_camera;
	struct ring *ring;      /* owned; the attach that lasts, or NULL */
	struct ring_list ended; /* owned; rings of which the application holds frames */
	uint64_t stale_ns;      /* of the newest attach */
	uint64_t dark_at_ns;    /* boot time at which the newest frame is too old */
	bool is_bad;            /* a frame failed its tag and acquire has not said so yet */
	bool is_pending, tell_state, tell_frame;
	bool is_closed;
};

/* From the conversation. view_told and view_attach: 0, or -EPROTO for what no broker says. */
void view_ask_all(struct framemux *fm);
int view_leased(struct framemux *fm, const struct msg_lease *m);
int view_told(struct framemux *fm, const struct msg_state *m);
int view_attach(struct framemux *fm, const struct msg_attach *m, int fds[ATTACH_FDS]);
void view_lose_all(struct framemux *fm, const char *reason);
bool view_any_returns(const struct framemux *fm);

/* From the loop: news on a lease socket, the timer. */
void view_ready(struct framemux *fm, uint32_t number);
void view_tick_all(struct framemux *fm);

/* Call back whoever has something to hear. Callbacks may close any view and the connection. */
void view_tell_all(struct framemux *fm);

/* Its owner hears of it at the next dispatch. */
void view_set_state(struct framemux_view *v, enum framemux_state state, const char *reason);

/* Free what was closed during a dispatch. */
void view_bury(struct framemux *fm);

#endif
