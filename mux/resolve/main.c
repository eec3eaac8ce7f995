/*
 * framemux-resolve: prints the addresses of a name, one a line, and ends. framemuxd starts one for
 * each look-up, with a uid of its own ("apart") when it is root: the C library's resolver and what it
 * loads read replies from the network, and may take their time, outside of framemuxd.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mux/resolve/confine.h"

#define LIMIT_S       10 /* framemuxd gives up long before */
#define ADDRESSES_MAX 16

int main(int argc, char **argv)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	const char *what = "";
	int rc, n = 0;

	if (argc != 3 || !*argv[1] || (strcmp(argv[2], "apart") && strcmp(argv[2], "shared"))) {
		fputs("usage: framemux-resolve NAME apart|shared\n", stderr);
		return EX_USAGE;
	}
	rc = resolve_confine(!strcmp(argv[2], "apart"), &what);
	if (rc < 0) {
		fprintf(stderr, "%s failed: %s\n", what, strerror(-rc));
		return EX_OSERR;
	}
	alarm(LIMIT_S);
	rc = getaddrinfo(argv[1], NULL, &hints, &list);
	if (rc != 0) /* framemuxd says which name it was */
		return rc == EAI_AGAIN ? EX_TEMPFAIL : EX_NOHOST;
	for (const struct addrinfo *a = list; a && n < ADDRESSES_MAX; a = a->ai_next) {
		const struct sockaddr_in *in = (const void *)a->ai_addr;
		const struct sockaddr_in6 *in6 = (const void *)a->ai_addr;
		char text[INET6_ADDRSTRLEN];
		const void *address = a->ai_family == AF_INET ? (const void *)&in->sin_addr
			: a->ai_family == AF_INET6            ? (const void *)&in6->sin6_addr
							      : NULL;

		if (!address || !inet_ntop(a->ai_family, address, text, sizeof(text)))
			continue;
		puts(text);
		n++;
	}
	freeaddrinfo(list);
	return fflush(stdout) == 0 && n ? 0 : EX_NOHOST;
}
