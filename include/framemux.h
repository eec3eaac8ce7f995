/* SPDX-License-Identifier: MIT */
/*
 * libframemux: take part in a framemux as a client. A client proves that it holds a capability,
 * gets a ring of its own (a sealed, read-only memory file) and picks up verified frames from it.
 *
 *	struct framemux *fm;
 *	struct framemux_view *view;
 *	struct framemux_request rq = { .size = sizeof(rq), .camera = "porch", .token = token };
 *
 *	framemux_connect(NULL, &fm);
 *	framemux_open(fm, &rq, &listener, data, &view);
 *	for (;;)
 *		framemux_dispatch(fm, -1);	(its frame callback calls framemux_acquire)
 *
 * Errors are negative errno values. Functions never block, framemux_dispatch with a timeout apart.
 * One connection, its views and their frames belong to one thread at a time; different connections
 * are independent. Only symbols beginning with framemux_ are exported.
 */
#ifndef FRAMEMUX_H
#define FRAMEMUX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct framemux;      /* a connection to the mux */
struct framemux_view; /* one lease: one camera as one client may see it */

enum framemux_state {
	FRAMEMUX_STATE_CONNECTING = 1, /* accepted; nothing to show yet */
	FRAMEMUX_STATE_LIVE,
	FRAMEMUX_STATE_STALE,   /* dark: connected, no new frame within the limit */
	FRAMEMUX_STATE_LOST,    /* dark: camera gone, the mux tries again */
	FRAMEMUX_STATE_REVOKED, /* final: revoked, expired, disabled, blocked, grant or camera
				   changed */
	FRAMEMUX_STATE_REFUSED, /* final: never granted */
	FRAMEMUX_STATE_CLOSED   /* final: the mux is gone */
};

#define FRAMEMUX_OPEN_DUMP        1u /* the declared purpose is dumping */
#define FRAMEMUX_OPEN_VERIFY_FULL 2u /* tags cover every byte, not a sample of the blocks */
#define FRAMEMUX_OPEN_RECONNECT   4u /* come back by itself after the mux restarts */
/*
 * With FRAMEMUX_OPEN_RECONNECT the end of the mux is LOST, not CLOSED: the library connects again, with
 * pauses that grow from 100 ms to 5 s, and asks for the lease anew with the same token. Frames of the
 * time before stay dark. framemux_dispatch must go on being called.
 */

#define FRAMEMUX_FRAME_CONCEALED 1u /* the decoder had to conceal damage */

/*
 * What to open. size is sizeof(struct framemux_request), so that members can be added at the end.
 * width, height: pixels; both 0: the camera's own size, fitted inside the capability's limit.
 * fourcc: a DRM_FORMAT_* of drm_fourcc.h: NV12 (also 0), YUV420, XRGB8888, RGB565.
 * fps: at most so many frames a second; 0: all.
 * slots: frames that the ring holds, 2 to 16; 0: 4. One is the application's, the others in flight.
 * flags: FRAMEMUX_OPEN_*.
 * camera: the name that the token is for. token: as text; NULL: $FRAMEMUX_TOKEN. Both are copied.
 */
struct framemux_request {
	uint32_t size;
	uint32_t width, height, fourcc, fps, slots, flags;
	const char *camera, *token;
};

/*
 * One verified frame in the view's ring. plane[i] points to rows of stride[i] bytes; the memory is
 * read-only, belongs to the library and holds until framemux_release. It may be erased at any
 * moment, by a revocation or the mux's end: see framemux_check. seq rises within an attach;
 * generation counts the lives of the camera's decoder. capture_ns (0: unknown), arrival_ns,
 * publish_ns: CLOCK_MONOTONIC.
 * color_encoding, color_range: values of the DRM plane properties COLOR_ENCODING (0 BT.601, 1
 * BT.709, 2 BT.2020) and COLOR_RANGE (0 limited, 1 full). sar_num:sar_den: the shape of a pixel.
 */
struct framemux_frame {
	uint32_t width, height, fourcc, planes;
	uint64_t modifier; /* DRM_FORMAT_MOD_LINEAR */
	const void *plane[4];
	uint32_t stride[4];
	uint64_t seq, generation, capture_ns, arrival_ns, publish_ns;
	uint32_t color_encoding, color_range;
	uint32_t sar_num, sar_den, flags; /* FRAMEMUX_FRAME_* */
};

/*
 * What a view's owner wants to hear; either may be NULL. Callbacks run inside framemux_dispatch and
 * may call every function here, closing the view or the connection included.
 * size is sizeof(struct framemux_listener). The struct must live as long as the view.
 */
struct framemux_listener {
	uint32_t size;
	/*
	 * The view's state has changed, or there is something new to say about it. reason: a sentence
	 * for a person, valid during the call. LIVE comes before the first frame callback.
	 */
	void (*state)(void *data, struct framemux_view *view, enum framemux_state state,
		const char *reason);
	/* A newer frame can be acquired. Not acquiring it is fine: a newer one takes its place. */
	void (*frame)(void *data, struct framemux_view *view);
};

/*
 * Connect to the mux's client socket. path NULL: $FRAMEMUX_SOCKET, else the built-in default.
 * 0 and a connection that framemux_close ends; -ENOENT or -ECONNREFUSED when no mux is there, -EAGAIN
 * when it has too many waiting already, -EPERM when whoever listens there is neither root nor our own
 * uid nor the folder's owner, -ENOMEM, or another -errno of the system. path is copied.
 */
int framemux_connect(const char *path, struct framemux **ret);

/* A descriptor to poll for reading; borrowed. Readable: call framemux_dispatch(fm, 0). */
int framemux_fd(const struct framemux *fm);

/*
 * Handle what has come, running callbacks; waits up to timeout_ms for something (< 0: for ever).
 * 0, also when a signal came; -EPIPE when the mux is gone (every view was told CLOSED first) or a
 * callback closed the connection, which is not to be used any more then.
 */
int framemux_dispatch(struct framemux *fm, int timeout_ms);

/* Close every view and the connection. fm may be NULL. */
void framemux_close(struct framemux *fm);

/*
 * Ask for a lease. Only queues: the outcome is the first state callback, and a refusal is also what
 * framemux_acquire then returns. -EINVAL for a request that cannot be: no camera, no or malformed
 * token, a size of 0 x n or beyond 8192 x 4352 pixels, an unknown fourcc or flag, slots out of range.
 * -EPIPE when the mux is gone, -ENOMEM. On failure there is no view and *ret is untouched.
 */
int framemux_open(struct framemux *fm, const struct framemux_request *rq,
	const struct framemux_listener *l, void *data, struct framemux_view **ret);

/* The lease's number, as framemuxctl status and the audit show it (in hexadecimal); 0: none yet. */
uint64_t framemux_view_lease(const struct framemux_view *view);

/*
 * The newest verified frame. It stays the caller's until framemux_release; one at a time or
 * several. -EAGAIN none newer; -ESTALE the view is dark; -EACCES refused; -EKEYREVOKED revoked;
 * -EPIPE the mux is gone; -EBADMSG a frame failed its tag (reported to the mux). Never older than
 * the view's limit.
 */
int framemux_acquire(struct framemux_view *view, const struct framemux_frame **ret);

/*
 * Call after copying or uploading the pixels and before showing them: 0 if the frame was whole all
 * the time, else (-ESTALE, -EKEYREVOKED, -EINVAL) do not show it.
 */
int framemux_check(struct framemux_view *view, const struct framemux_frame *frame);

/* Give a frame back. frame may be NULL, or of an attach that has ended. */
void framemux_release(struct framemux_view *view, const struct framemux_frame *frame);

/* End the lease and release its frames. view may be NULL. No callback comes any more. */
void framemux_view_close(struct framemux_view *view);

/* Version of the library at run time, "0.1.0". */
const char *framemux_version(void);

#ifdef __cplusplus
}
#endif
#endif
