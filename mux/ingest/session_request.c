/*
 * Requests of a session: how each is written, sent and, where the camera asks for it, authorised. The
 * password is framemuxd's; Basic goes out only where that gave it. Runs in ingest.
 */
#include "mux/ingest/session_private.h"

#include <errno.h>
#include <string.h>

#define SESSION_ATTEMPTS_MAX 3u /* of one request: bare, authorised, stale nonce */

int session_send(struct session *s, const char *authorization)
{
	char proposal[TRANSPORT_HEADER_MAX];
	const char *const extras[] = {
		[RTSP_DESCRIBE] = "Accept: application/sdp\r\n",
		[RTSP_SETUP] = proposal,
		[RTSP_PLAY] = "Range: npt=0.000-\r\n",
		[RTSP_GET_PARAMETER] = NULL,
	};
	struct rtsp_request rq = {
		.method = s->method,
		.cseq = ++s->cseq,
		.uri = s->uri,
		.session = s->id[0] ? s->id : NULL,
		.authorization = authorization,
		.extra = extras[s->method],
	};
	char text[RTSP_REQUEST_MAX];
	ssize_t n;
	int r;

	transport_propose(&s->choice, proposal);
	n = rtsp_write(&rq, text);
	if (n < 0)
		return fail_final(&s->failure, "a request would be larger than allowed");
	s->authorised = authorization;
	s->attempts++;
	r = s->ops->send(s->self, text, (size_t)n);
	if (authorization)
		explicit_bzero(text, sizeof(text));
	return r < 0 ? fail(&s->failure, "camera does not take what is sent to it") : 0;
}

/* Send the request, by way of framemuxd if the camera wants it authorised. */
static int try_request(struct session *s)
{
	struct msg_digest_ask ask = {
		.request = ++s->ask,
		.algorithm = s->challenge.algorithm,
		.named_algorithm = s->challenge.names_algorithm,
		.qop = s->challenge.has_qop,
		.method = s->method,
	};

	if (!s->has_challenge)
		return session_send(s, NULL);
	if (s->challenge.basic)
		return session_send(s, s->config.basic);
	memcpy(ask.realm, s->challenge.realm, sizeof(ask.realm));
	memcpy(ask.nonce, s->challenge.nonce, sizeof(ask.nonce));
	memcpy(ask.opaque, s->challenge.opaque, sizeof(ask.opaque));
	memcpy(ask.uri, s->uri, sizeof(ask.uri));
	s->asking = true;
	return s->ops->ask(s->self, &ask) < 0
		? fail(&s->failure, "the password could not be asked for")
		: 0;
}

int session_request(struct session *s, enum rtsp_method method, const char *uri)
{
	s->method = method;
	memmove(s->uri, uri, strlen(uri) + 1);
	s->open = true;
	s->asking = false;
	s->attempts = 0;
	return try_request(s);
}

int session_answer(struct session *s, const struct msg_digest_answer *answer)
{
	if (!s->asking || answer->request != s->ask)
		return 0; /* for a request that is given up */
	s->asking = false;
	if (answer->status)
		return fail_final(&s->failure, "%s",
			answer->reason[0] ? answer->reason : "framemuxd refused to authorise");
	return session_send(s, answer->authorization);
}

static int refuse_challenge(struct session *s, int error)
{
	if (error != -EACCES)
		return fail_final(&s->failure, "401: camera asks for a password in an unknown way");
	return fail_final(&s->failure, "%s",
		s->config.is_secret ? "401: camera asks for Basic: auth = \"basic\" would permit it"
				    : "401: camera asks for Basic in the clear; refused");
}

int session_challenge(struct session *s, const struct rtsp_message *m)
{
	struct challenge challenge;
	bool basic = s->config.is_secret && s->config.basic && s->config.basic[0], again;
	int r;

	if (!s->config.has_password)
		return fail_final(&s->failure,
			"401: camera asks for a user and password, none is configured");
	r = challenge_pick(&m->head, basic, &challenge);
	if (r < 0)
		return refuse_challenge(s, r);
	/*
	 * The same request again only if it went bare, if the camera says that only the nonce was
	 * too old, or if it took this password before (some renew the nonce without saying so).
	 */
	again = !s->authorised || challenge.stale || s->was_accepted;
	if (!again || s->attempts >= SESSION_ATTEMPTS_MAX)
		return fail_final(&s->failure, "401: wrong user or password");
	s->challenge = challenge;
	s->has_challenge = true;
	return try_request(s);
}
