/* The inside of a session, for session.c and session_request.c alone. */
#ifndef FRAMEMUX_INGEST_SESSION_PRIVATE_H
#define FRAMEMUX_INGEST_SESSION_PRIVATE_H

#include "mux/ingest/challenge.h"
#include "mux/ingest/rtsp.h"
#include "mux/ingest/session.h"
#include "mux/ingest/transport.h"

#define SESSION_ID_MAX 128u

enum phase {
	PHASE_OPTIONS,
	PHASE_DESCRIBE,
	PHASE_IDENTITY,
	PHASE_SETUP,
	PHASE_PLAY,
	PHASE_PLAYING
};

struct session {
	struct session_config config;
	const struct session_ops *ops;
	void *self; /* borrowed */
	struct failure failure;

	enum phase phase;
	uint64_t phase_end_ns;
	uint64_t heard_ns, progress_ns; /* last packet, last access unit */
	uint64_t alive_ns;              /* next keep-alive */

	/* The request under way. */
	enum rtsp_method method;
	char uri[LIMIT_PATH];
	uint32_t cseq;
	uint32_t ask; /* number of the question to framemuxd */
	bool open, asking, authorised;
	unsigned attempts;

	bool has_challenge, was_accepted; /* was_accepted: an authorised request succeeded */
	struct challenge challenge;

	char id[SESSION_ID_MAX]; /* of the session, "" before SETUP */
	uint32_t timeout_s;
	bool options_keep_alive;
	struct sdp_video video;
	char base[LIMIT_PATH], aggregate[LIMIT_PATH], control[LIMIT_PATH];

	struct transport_choice choice;
	bool binding, connecting; /* framemuxd is asked */
	bool is_set_up, heard;    /* heard: a packet of media has come */
};

/* Send the request under way; authorization: NULL or a header's value. */
int session_send(struct session *s, const char *authorization);

/* Begin a request: bare, or authorised by way of framemuxd where a challenge is known. */
int session_request(struct session *s, enum rtsp_method method, const char *uri);

/* 401: the same request again, with what the camera asks for. */
int session_challenge(struct session *s, const struct rtsp_message *m);

#endif
