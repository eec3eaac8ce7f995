/*
 * A camera's URL taken apart: what to connect to, what to ask for there, and the canonical source
 * by which the camera is told from all others. Pure code. RFC 3986 in shape; nothing is guessed.
 */
#ifndef FRAMEMUX_URL_H
#define FRAMEMUX_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "mux/link/daemon_ingest.h"

#define URL_HOST_BYTES     LIMIT_HOST
#define URL_USER_BYTES     128u
#define URL_PASSWORD_BYTES 256u

struct url {
	enum ingest_kind kind;
	char url[LIMIT_PATH];       /* without userinfo */
	char canonical[LIMIT_PATH]; /* lower-case scheme and host, port always, no userinfo */
	bool tls;                   /* rtsps, https */
	char host[URL_HOST_BYTES];  /* RTSP, HTTP: a name or address, no brackets */
	uint16_t port;
	char path[LIMIT_PATH]; /* RTSP, HTTP: as in the request; FILE, V4L2: of the file, decoded */
	bool has_user, has_password;
	char user[URL_USER_BYTES];         /* decoded */
	char password[URL_PASSWORD_BYTES]; /* decoded; secret */
	uint32_t width, height, fps;       /* PATTERN */
};

/*
 * 0, or -EINVAL for what is no such URL. ret_why: a sentence that never holds the URL's userinfo.
 */
int url_parse(const char *text, struct url *ret, const char **ret_why);

/*
 * Whether uri (as it stands in a request) lies under the configured URL. RTSP: the same scheme, host
 * and port, and a path that is the configured one or lies in its folder. HTTP: the configured path
 * and query, and no other.
 */
bool url_covers(const char *configured, const char *uri);

/* Percent-decode len bytes into cap; -EINVAL for a bad or NUL escape or no room. */
int url_decode(const char *text, size_t len, char *out, size_t cap);

#endif
