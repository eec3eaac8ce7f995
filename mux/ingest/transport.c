/* The Transport header, and the choice between TCP and UDP. */
#include "mux/ingest/transport.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"

static const struct {
	const char *profile;
	enum transport transport;
} profiles[] = {
	{"RTP/AVP", TRANSPORT_UDP}, /* UDP unless it says another (RFC 2326 12.39) */
	{"RTP/AVP/UDP", TRANSPORT_UDP},
	{"RTP/AVPF", TRANSPORT_UDP},
	{"RTP/AVPF/UDP", TRANSPORT_UDP},
	{"RTP/AVP/TCP", TRANSPORT_TCP},
	{"RTP/AVPF/TCP", TRANSPORT_TCP},
};

const char *transport_name(enum transport t)
{
	return t == TRANSPORT_UDP ? "UDP" : "TCP";
}

static enum transport other(enum transport t)
{
	return t == TRANSPORT_UDP ? TRANSPORT_TCP : TRANSPORT_UDP;
}

void transport_propose(const struct transport_choice *c, char ret[TRANSPORT_HEADER_MAX])
{
	if (c->transport == TRANSPORT_UDP)
		snprintf(ret, TRANSPORT_HEADER_MAX,
			"Transport: RTP/AVP;unicast;client_port=%u-%u\r\n", c->port, c->port + 1u);
	else
		snprintf(ret, TRANSPORT_HEADER_MAX,
			"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
}

/* "5000-5001" or "5000", which means the next one too. */
static int read_range(struct span text, uint32_t max, uint32_t *ret_first, uint32_t *ret_second)
{
	struct span piece = {"", 0};
	uint32_t first, second;

	span_cut(&text, "-", &piece);
	if (span_number(span_trim(piece), max, &first) < 0)
		return -EPROTONOSUPPORT;
	second = first + 1;
	if (text.len && span_number(span_trim(text), max, &second) < 0)
		return -EPROTONOSUPPORT;
	if (second > max)
		return -EPROTONOSUPPORT;
	*ret_first = first;
	*ret_second = second;
	return 0;
}

static bool value_of(struct span piece, const char *name, struct span *ret)
{
	size_t len = strlen(name);

	if (!span_begins(piece, name))
		return false;
	*ret = (struct span){piece.at + len, piece.len - len};
	return true;
}

static int read_piece(struct span piece, struct transport_reply *ret)
{
	uint32_t first = 0, second = 0;
	struct span value;
	int r = 0;

	if (span_is(piece, "multicast")) {
		ret->is_multicast = true;
	} else if (value_of(piece, "interleaved=", &value)) {
		r = read_range(value, 255, &first, &second);
		ret->rtp_channel = first;
		ret->rtcp_channel = second;
	} else if (value_of(piece, "server_port=", &value)) {
		r = read_range(value, 65535, &first, &second);
		ret->rtp_port = (uint16_t)first;
		ret->rtcp_port = (uint16_t)second;
	}
	return r;
}

int transport_read(const struct rtsp_message *m, struct transport_reply *ret)
{
	struct transport_reply reply = {.rtcp_channel = 1};
	struct span value = head_first(&m->head, "Transport"), piece = {"", 0};
	int r = 0;

	if (!span_cut(&value, ";", &piece))
		return -ENOENT;
	piece = span_trim(piece);
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		if (span_is(piece, profiles[i].profile))
			reply.transport = profiles[i].transport;
	if (!reply.transport)
		return -EPROTONOSUPPORT;
	while (r == 0 && span_cut(&value, ";,", &piece))
		r = read_piece(span_trim(piece), &reply);
	if (r == 0)
		*ret = reply;
	return r;
}

int transport_fail(const struct transport_choice *c, enum ingest_failure otherwise,
	struct failure *ret_why, const char *why)
{
	return fail_as(
		ret_why, c->may_switch && !c->has_switched ? INGEST_SWITCH : otherwise, "%s", why);
}

int transport_agree(
	struct transport_choice *c, const struct rtsp_message *m, struct failure *ret_why)
{
	struct transport_reply reply = {.transport = c->transport, .rtcp_channel = 1};
	int r = transport_read(m, &reply);
	char why[LIMIT_REASON];

	/* Without the header it has accepted what was proposed. */
	if ((r == 0 || r == -ENOENT) && reply.transport == c->transport && !reply.is_multicast) {
		c->agreed = reply;
		return 0;
	}
	snprintf(why, sizeof(why), "camera does not offer RTP over %s: it answers SETUP with %s",
		transport_name(c->transport),
		r < 0 || reply.is_multicast ? "what is not supported"
					    : transport_name(reply.transport));
	return transport_fail(c, INGEST_FINAL, ret_why, why);
}

int transport_refused(struct transport_choice *c, struct failure *ret_why)
{
	const char *asked = transport_name(c->transport);

	if (c->has_switched)
		return fail_final(ret_why, "461: camera offers RTP over neither TCP nor UDP");
	if (!c->may_switch)
		return fail_final(ret_why,
			"461: camera does not offer RTP over %s, and \"transport\" permits no "
			"other",
			asked);
	log_info("camera does not offer RTP over %s; trying the other", asked);
	c->has_switched = true;
	c->transport = other(c->transport);
	return 0;
}
