/*
 * RTSP URLs. Whatever URL the camera names, requests say the configured scheme, host and port, and go
 * over the connection that is there: of a URL of another host only the path counts. Pure. Runs in
 * ingest.
 */
#ifndef FRAMEMUX_INGEST_URL_H
#define FRAMEMUX_INGEST_URL_H

#include "common/limits.h"
#include "mux/ingest/span.h"

/* What a camera's URLs are compared with. */
struct home {
	const char *url;  /* as configured, without userinfo */
	const char *peer; /* the address that its socket is connected to, as text; may be "" */
};

/* Whether this is an rtsp:// or rtsps:// URL with a host, and fit to stand in a request. */
bool url_is_valid(const char *url);

/*
 * A base URL from Content-Base or Content-Location, which may lack its scheme or its host.
 * -EINVAL if it is none.
 */
int url_base(const struct home *home, struct span text, char ret[LIMIT_PATH]);

/*
 * A control URL: absolute, or relative to base, which is one of ours already. "*" and "" are base
 * itself. -EINVAL, -EMSGSIZE.
 */
int url_resolve(
	const struct home *home, const char *base, struct span control, char ret[LIMIT_PATH]);

#endif
