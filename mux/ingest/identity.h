/*
 * What a camera calls itself, for framemuxd to compare with what it called itself before: its Server
 * header and, of the origin of its session description (RFC 4566 5.2), user name and address.
 * Session id and version differ every time. An address that is merely that of this connection says
 * nothing that the configuration does not say, and changes with a lease of the network's: it becomes
 * a word. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_IDENTITY_H
#define FRAMEMUX_INGEST_IDENTITY_H

#include <netinet/in.h>

#include "mux/ingest/span.h"
#include "mux/link/daemon_ingest.h"

/* The two ends of the connection, as text; "" when they are not known. */
struct identity_ends {
	const char *camera, *ours;
};

/* The addresses of a socket's two ends as text, "" where they are not known. */
void identity_name_ends(int fd, char ret_camera[INET6_ADDRSTRLEN], char ret_ours[INET6_ADDRSTRLEN]);

/*
 * server: the header's value, empty if there is none; sdp: the whole description, empty if there is
 * none. What does not fit is cut, control characters become '?'.
 */
void identity_make(struct span server, struct span sdp, const struct identity_ends *ends,
	struct msg_identity *ret);

#endif
