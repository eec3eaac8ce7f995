/* Makes the identity message. Runs in ingest. */
#include "mux/ingest/identity.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/text.h"

/* Cut and made plain: the same bytes always become the same text. */
static void copy_plain(struct span s, char *ret, size_t size)
{
	size_t n = s.len < size ? s.len : size - 1;

	memset(ret, 0, size);
	memcpy(ret, s.at, n);
	text_make_plain(ret, n); /* NUL bytes too */
}

static struct span find_origin(struct span sdp)
{
	struct span line;

	while (span_line(&sdp, &line) && !span_begins(line, "m="))
		if (span_begins(line, "o="))
			return span_trim((struct span){line.at + 2, line.len - 2});
	return (struct span){"", 0};
}

/* o=USER ID VERSION NETTYPE ADDRTYPE ADDRESS */
enum {
	ORIGIN_USER,
	ORIGIN_ID,
	ORIGIN_VERSION,
	ORIGIN_NET,
	ORIGIN_TYPE,
	ORIGIN_ADDRESS,
	ORIGIN_WORDS
};

static void make_origin(
	struct span origin, const struct identity_ends *ends, char *ret, size_t size)
{
	char words[ORIGIN_WORDS][128] = {{0}};
	const char *address = words[ORIGIN_ADDRESS];
	struct span word;
	size_t n = 0;

	ret[0] = 0;
	while (n < ORIGIN_WORDS && origin.len && span_cut(&origin, " \t", &word))
		if (word.len)
			copy_plain(word, words[n++], sizeof(words[0]));
	if (n < ORIGIN_WORDS)
		return;
	if (ends->camera[0] && !strcmp(address, ends->camera))
		address = "itself";
	else if (ends->ours[0] && !strcmp(address, ends->ours))
		address = "us"; /* as some cameras write it */
	snprintf(ret, size, "%.100s %.20s %.20s %.100s", words[ORIGIN_USER], words[ORIGIN_NET],
		words[ORIGIN_TYPE], address);
	text_make_plain(ret, strlen(ret)); /* a character may have been cut in two */
}

void identity_make(struct span server, struct span sdp, const struct identity_ends *ends,
	struct msg_identity *ret)
{
	memset(ret, 0, sizeof(*ret));
	copy_plain(span_trim(server), ret->server, sizeof(ret->server));
	make_origin(find_origin(sdp), ends, ret->origin, sizeof(ret->origin));
}

/* One end of the connection: get is getpeername or getsockname. */
static void name_end(
	int fd, int (*get)(int, struct sockaddr *, socklen_t *), char ret[INET6_ADDRSTRLEN])
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	const void *address = NULL;

	ret[0] = 0;
	if (get(fd, (struct sockaddr *)&ss, &len) < 0)
		return;
	if (ss.ss_family == AF_INET)
		address = &((struct sockaddr_in *)&ss)->sin_addr;
	else if (ss.ss_family == AF_INET6)
		address = &((struct sockaddr_in6 *)&ss)->sin6_addr;
	if (address && !inet_ntop(ss.ss_family, address, ret, INET6_ADDRSTRLEN))
		ret[0] = 0;
}

void identity_name_ends(int fd, char ret_camera[INET6_ADDRSTRLEN], char ret_ours[INET6_ADDRSTRLEN])
{
	name_end(fd, getpeername, ret_camera);
	name_end(fd, getsockname, ret_ours);
}
