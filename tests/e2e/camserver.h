/*
 * A real RTSP server to test with: what the files of camserver share. Never part of an
 * installation; runs as a process of its own beside the mux.
 */
#ifndef FRAMEMUX_CAMSERVER_H
#define FRAMEMUX_CAMSERVER_H

#include <gst/rtsp-server/rtsp-server.h>

/* One mount point as its SPEC says. Strings are owned by the arguments and live for ever. */
struct camera_spec {
	const char *mount;   /* "porch": rtsp://127.0.0.1:PORT/porch */
	const char *codec;   /* live: "h264", "h265", "mjpeg" */
	const char *path;    /* file: what to send, packet by packet as it is */
	const char *times;   /* file: where to write "INDEX MONOTONIC_NS" for each picture sent */
	const char *pattern; /* live: of videotestsrc */
	const char *label;   /* live: the text in the picture */
	guint width, height, fps, background, foreground, kbps, key_interval;
	GstRTSPLowerTrans protocols; /* 0: all of them */
	gboolean slices;             /* live h264: four slices a picture */
	gboolean parameters; /* parameter sets again with each key picture (config-interval=-1) */
	gboolean quiet_end;  /* file: once, then silence; else looped */
};

/* camserver_feed.c: the pipeline of a file: spec, and what pushes its packets into each new media.
 */
char *feed_pipeline(const struct camera_spec *spec, GError **ret_error);
void feed_attach(GstRTSPMediaFactory *factory, const struct camera_spec *spec);

/*
 * camserver_auth.c: authentication of one user. "md5" and "basic" are gst-rtsp-server's own;
 * "md5-sess" and "sha256" (RFC 7616) are built on it. NULL for another name. open: of nobody.
 */
GstRTSPAuth *auth_make(const char *how, const char *user, const char *password);
GstRTSPAuth *auth_make_open(void);
#define AUTH_ROLE  "viewer"
#define AUTH_REALM "camserver"

#endif
