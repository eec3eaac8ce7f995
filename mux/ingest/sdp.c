/* Session descriptions: one pass to cut them into media sections, one to read a video section. */
#include "mux/ingest/sdp.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

#define SDP_PAYLOADS_MAX 16u
#define RTP_JPEG         26u /* RFC 3551: the one static payload type that we take */
#define CLOCK_RATE_MAX   100000000u

static const struct {
	const char *name;
	enum stream_codec codec;
} encodings[] = {{"H264", STREAM_H264}, {"H265", STREAM_H265}, {"JPEG", STREAM_MJPEG},
	{"MP4V-ES", STREAM_MPEG4}};

/* For the sentence: what a person would call it. */
static const struct {
	const char *name, *shown;
} known[] = {{"H266", "H.266"}, {"H261", "H.261"}, {"H263", "H.263"}, {"H263-1998", "H.263+"},
	{"AV1", "AV1 over RTP"}, {"MPV", "MPEG-1 or -2"}, {"MP2T", "an MPEG transport stream"}};

const char *sdp_encoding(enum stream_codec codec)
{
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++)
		if (encodings[i].codec == codec)
			return encodings[i].name;
	return "";
}

/* The value of "a=NAME:VALUE"; false if the line is another. */
static bool attribute(struct span line, const char *name, struct span *ret)
{
	size_t n = strlen(name);

	if (!span_begins(line, "a="))
		return false;
	line = span_trim((struct span){line.at + 2, line.len - 2});
	if (!span_begins(line, name) || line.len <= n || line.at[n] != ':')
		return false;
	*ret = span_trim((struct span){line.at + n + 1, line.len - n - 1});
	return true;
}

/* The value of the first such attribute in a section. */
static bool find_attribute(struct span section, const char *name, struct span *ret)
{
	struct span line;

	while (span_line(&section, &line))
		if (attribute(line, name, ret))
			return true;
	return false;
}

/* The same for attributes that begin with a payload type: "a=fmtp:96 ...". */
static bool find_payload(struct span section, const char *name, uint32_t pt, struct span *ret)
{
	struct span line, value, number;
	uint32_t n;

	while (span_line(&section, &line)) {
		if (!attribute(line, name, &value) || !span_cut(&value, " \t", &number) ||
			span_number(number, 127, &n) < 0 || n != pt)
			continue;
		*ret = span_trim(value);
		return true;
	}
	return false;
}

/* "H264/90000" of a payload type; -ENOENT if it has none and is not static. */
static int read_rtpmap(struct span section, uint32_t pt, struct span *ret_name, uint32_t *ret_rate)
{
	struct span map, rate;

	*ret_rate = 90000;
	if (!find_payload(section, "rtpmap", pt, &map)) {
		if (pt != RTP_JPEG)
			return -ENOENT;
		*ret_name = span_of("JPEG");
		return 0;
	}
	if (!span_cut(&map, "/", ret_name))
		return -ENOENT;
	*ret_name = span_trim(*ret_name);
	if (span_cut(&map, "/", &rate) &&
		span_number(span_trim(rate), CLOCK_RATE_MAX, ret_rate) < 0)
		return -EINVAL;
	return *ret_rate ? 0 : -EINVAL;
}

/* a=ts-refclk:ntp=SERVER or ptp=IEEE1588-2008:...: the first that can be used. */
static enum sdp_clock_kind read_refclk(struct span section)
{
	struct span line, value;

	while (span_line(&section, &line)) {
		if (!attribute(line, "ts-refclk", &value))
			continue;
		if (span_begins(value, "ntp="))
			return SDP_CLOCK_NTP;
		if (span_begins(value, "ptp=IEEE1588-2008"))
			return SDP_CLOCK_PTP;
	}
	return SDP_CLOCK_NONE;
}

/* a=mediaclk:direct=OFFSET. With a rate of its own (rate=N/D) it is not understood. */
static bool read_mediaclk(struct span section, uint32_t *ret)
{
	struct span value;

	if (!find_attribute(section, "mediaclk", &value) || !span_begins(value, "direct="))
		return false;
	return span_number((struct span){value.at + 7, value.len - 7}, UINT32_MAX, ret) == 0;
}

/* Of the media, or else of the whole session (RFC 7273 4.8, 5.4). */
static void read_clock(struct span session, struct span media, struct sdp_clock *ret)
{
	enum sdp_clock_kind kind = read_refclk(media);
	uint32_t offset = 0;

	*ret = (struct sdp_clock){SDP_CLOCK_NONE, 0};
	if (kind == SDP_CLOCK_NONE)
		kind = read_refclk(session);
	if (read_mediaclk(media, &offset) || read_mediaclk(session, &offset))
		*ret = (struct sdp_clock){kind, offset};
}

static int take_payload(
	struct span section, uint32_t pt, struct span name, uint32_t rate, struct sdp_video *ret)
{
	struct span value = {"", 0};

	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++) {
		if (!span_is(name, encodings[i].name))
			continue;
		ret->codec = encodings[i].codec;
		ret->payload_type = pt;
		ret->clock_rate = rate;
		ret->fmtp[0] = ret->control[0] = 0;
		/* Parameter sets also come in the stream: too long a line is left out. */
		if (find_payload(section, "fmtp", pt, &value))
			span_copy(value, ret->fmtp, sizeof(ret->fmtp));
		value = span_of("");
		find_attribute(section, "control", &value);
		return span_copy(value, ret->control, sizeof(ret->control));
	}
	return -ENOTSUP;
}

static void say_unsupported(struct span name, struct failure *ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (span_is(name, known[i].name))
			name = span_of(known[i].shown);
	if (name.len > 32)
		name.len = 32;
	fail_final(ret_why, "camera sends %.*s, which is not supported", (int)name.len, name.at);
}

/* m=video PORT PROTO PT PT ...: the first payload type that we can take. */
static int read_video(struct span section, struct sdp_video *ret, struct failure *ret_why)
{
	struct span line, word, name;
	uint32_t pt, rate;
	unsigned n = 0;

	if (!span_line(&section, &line))
		return -EPROTO;
	span_cut(&line, " \t", &word); /* m=video */
	if (!span_cut(&line, " \t", &word) || !span_cut(&line, " \t", &word))
		return fail_final(ret_why, "camera's description of its video is malformed");
	if (span_begins(word, "RTP/SAVP"))
		return fail_final(ret_why, "camera sends encrypted RTP, which is not supported");
	while (n++ < SDP_PAYLOADS_MAX && span_cut(&line, " \t", &word)) {
		if (span_number(word, 127, &pt) < 0)
			continue;
		if (read_rtpmap(section, pt, &name, &rate) < 0) {
			fail_final(ret_why, "camera does not say how it encodes its video");
			continue;
		}
		if (take_payload(section, pt, name, rate, ret) == 0)
			return 0;
		say_unsupported(name, ret_why);
	}
	return -EPROTO;
}

/* Cut the text up to the next m= line off *rest: the session's part, then a media section each. */
static bool cut_section(struct span *rest, struct span *ret)
{
	const char *start = rest->at;
	struct span line;

	if (!span_line(rest, &line))
		return false;
	while (rest->len && !span_begins(*rest, "m="))
		span_line(rest, &line);
	*ret = (struct span){start, (size_t)(rest->at - start)};
	return true;
}

int sdp_parse(const uint8_t *text, size_t len, struct sdp_video *ret, struct failure *ret_why)
{
	struct span rest = span_trim((struct span){(const char *)text, len}), session, section;
	struct span control = {"", 0};

	if (!span_begins(rest, "v=") || !cut_section(&rest, &session))
		return fail_final(ret_why, "camera's description of its streams is not SDP");
	find_attribute(session, "control", &control);
	if (span_copy(control, ret->session_control, sizeof(ret->session_control)) < 0)
		return fail_final(ret_why, "camera's control URL is malformed");
	fail_final(ret_why, "camera offers no video");
	while (cut_section(&rest, &section)) {
		if (!span_begins(section, "m=video ") && !span_begins(section, "m=video\t"))
			continue;
		if (read_video(section, ret, ret_why) == 0) {
			read_clock(session, section, &ret->clock);
			return 0;
		}
	}
	return -EPROTO;
}
