/* Access units: a scan for start codes, key frames, and parameter sets between slices. */
#include "mux/ingest/au.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* NAL unit types of H.264 and H.265. */
enum {
	H264_SLICE = 1,
	H264_IDR = 5,
	H264_SEI = 6,
	H264_SPS = 7,
	H264_PPS = 8,
	H264_AUD = 9,
	H264_SPS_EXT = 13,
	H264_SUBSET_SPS = 15,
	H265_VCL_LAST = 31,
	H265_IRAP_FIRST = 16,
	H265_IRAP_LAST = 23,
	H265_VPS = 32,
	H265_PPS = 34,
	H265_AUD = 35,
};
#define SEI_RECOVERY_POINT 6u

/* Start codes of MPEG-4 part 2 (table 6-3) that a unit begins with, and VOP coding types. */
enum {
	MPEG4_VOL_LAST = 0x2f, /* and, below it, the visual object's */
	MPEG4_SEQUENCE = 0xb0,
	MPEG4_GOV = 0xb3,
	MPEG4_VISUAL_OBJECT = 0xb5,
	MPEG4_VOP = 0xb6,
};
#define MPEG4_CODING_TYPE(byte) ((byte) >> 6)
#define MPEG4_INTRA             0

/* A NAL unit with the start code in front of it. */
struct nal {
	size_t start, payload, end;
	unsigned type;
};

/* Where the next 00 00 01 is at or behind from; len if there is none. */
static size_t find_start_code(const uint8_t *p, size_t from, size_t len)
{
	size_t i = from + 2;

	while (i < len) {
		if (p[i] > 1)
			i += 3;
		else if (p[i] == 0)
			i++;
		else if (p[i - 1] == 0 && p[i - 2] == 0)
			return i - 2;
		else
			i += 3;
	}
	return len;
}

static unsigned nal_type(enum stream_codec codec, uint8_t head)
{
	return codec == STREAM_H264 ? head & 0x1fu : (head >> 1) & 0x3fu;
}

/* Nothing between two start codes: what seems to be the head is the zeros in front of the next. */
static bool is_empty(const uint8_t *p, size_t payload, size_t len)
{
	return len - payload >= 3 && !p[payload] && !p[payload + 1] && p[payload + 2] <= 1;
}

/* The next NAL unit at or behind *at. */
static bool next_nal(
	enum stream_codec codec, const uint8_t *p, size_t len, size_t *at, struct nal *ret)
{
	size_t code = find_start_code(p, *at, len);

	while (len - code >= 4 && is_empty(p, code + 3, len))
		code = find_start_code(p, code + 3, len);
	if (len - code < 4)
		return false;
	ret->start = code > *at && p[code - 1] == 0 ? code - 1 : code;
	ret->payload = code + 3;
	ret->end = find_start_code(p, ret->payload, len);
	if (ret->end < len && ret->end > ret->payload && p[ret->end - 1] == 0)
		ret->end--; /* the zero_byte of the next start code */
	ret->type = nal_type(codec, p[code + 3]);
	*at = ret->end;
	return true;
}

static bool is_slice(enum stream_codec codec, unsigned type)
{
	return codec == STREAM_H264 ? type >= H264_SLICE && type <= H264_IDR
				    : type <= H265_VCL_LAST;
}

static bool is_parameter_set(enum stream_codec codec, unsigned type)
{
	if (codec == STREAM_H264)
		return type == H264_SPS || type == H264_PPS || type == H264_SPS_EXT ||
			type == H264_SUBSET_SPS;
	return type >= H265_VPS && type <= H265_PPS;
}

/* Whether an H.264 SEI NAL unit holds a recovery point message (7.3.2.3.1). */
static bool has_recovery_point(const uint8_t *p, size_t len)
{
	size_t at = 1;

	while (at + 2 <= len && p[at] != 0x80) {
		size_t type = 0, size = 0;

		while (at < len && p[at] == 0xff) {
			type += 255;
			at++;
		}
		if (at >= len)
			return false;
		type += p[at++];
		while (at < len && p[at] == 0xff) {
			size += 255;
			at++;
		}
		if (at >= len)
			return false;
		size += p[at++];
		if (type == SEI_RECOVERY_POINT)
			return true;
		if (size > len - at)
			return false;
		at += size;
	}
	return false;
}

static bool slice_is_key(enum stream_codec codec, unsigned type)
{
	return codec == STREAM_H264 ? type == H264_IDR
				    : type >= H265_IRAP_FIRST && type <= H265_IRAP_LAST;
}

/* A packed unit may hold more than one: the first is what the others refer to. */
static void inspect_mpeg4(const uint8_t *unit, size_t len, struct au_facts *ret)
{
	size_t code = find_start_code(unit, 0, len);

	for (; len - code >= 5; code = find_start_code(unit, code + 3, len)) {
		if (unit[code + 3] != MPEG4_VOP)
			continue;
		ret->has_picture = true;
		ret->is_key = MPEG4_CODING_TYPE(unit[code + 4]) == MPEG4_INTRA;
		return;
	}
}

void au_inspect(enum stream_codec codec, const uint8_t *unit, size_t len, struct au_facts *ret)
{
	size_t at = 0;

	*ret = (struct au_facts){0};
	if (codec == STREAM_MPEG4) {
		inspect_mpeg4(unit, len, ret);
		return;
	}
	if (codec != STREAM_H264 && codec != STREAM_H265) {
		ret->has_picture = len > 0;
		ret->is_key = codec == STREAM_MJPEG && len > 0;
		return;
	}
	/* A SEI stands before the slices, and all slices of a key picture are key. */
	while (!ret->has_picture) {
		size_t code = find_start_code(unit, at, len);
		unsigned type;

		if (len - code < 4)
			break;
		at = code + 3;
		if (is_empty(unit, at, len))
			continue;
		type = nal_type(codec, unit[at]);
		if (is_slice(codec, type)) {
			ret->has_picture = true;
			ret->is_key = ret->is_key || slice_is_key(codec, type);
		} else if (codec == STREAM_H264 && type == H264_SEI) {
			size_t end = find_start_code(unit, at, len);

			ret->is_key = ret->is_key || has_recovery_point(unit + at, end - at);
		}
	}
	ret->is_key = ret->is_key && ret->has_picture;
}

/* first_mb_in_slice is 0 (Exp-Golomb: one bit), first_slice_segment_in_pic_flag is 1. */
static bool is_first_slice(enum stream_codec codec, unsigned type, const uint8_t *nal, size_t len)
{
	size_t header = codec == STREAM_H264 ? 1 : 2;

	return is_slice(codec, type) && len > header && nal[header] & 0x80;
}

static bool begins_mpeg4(uint8_t code)
{
	return code <= MPEG4_VOL_LAST || code == MPEG4_SEQUENCE || code == MPEG4_GOV ||
		code == MPEG4_VISUAL_OBJECT || code == MPEG4_VOP;
}

bool au_begins_with(enum stream_codec codec, const uint8_t *piece, size_t len)
{
	size_t code = find_start_code(piece, 0, len);
	unsigned type;

	if (len - code < 4)
		return false;
	if (codec == STREAM_MPEG4)
		return begins_mpeg4(piece[code + 3]);
	type = nal_type(codec, piece[code + 3]);
	if (is_first_slice(codec, type, piece + code + 3, len - code - 3))
		return true;
	if (codec == STREAM_H264)
		return type == H264_AUD || type == H264_SPS;
	return type == H265_AUD || type == H265_VPS;
}

/* Parameter sets seen so far in a unit, to find copies. */
struct seen {
	const uint8_t *at[AU_PARAMETER_SETS_MAX];
	size_t len[AU_PARAMETER_SETS_MAX];
	unsigned n;
};

/* Whether it is new and there is room to remember it. */
static bool seen_add(struct seen *s, const uint8_t *payload, size_t len)
{
	while (len && payload[len - 1] == 0) /* trailing_zero_8bits */
		len--;
	for (unsigned i = 0; i < s->n; i++)
		if (s->len[i] == len && memcmp(s->at[i], payload, len) == 0)
			return false;
	if (s->n == AU_PARAMETER_SETS_MAX)
		return false;
	s->at[s->n] = payload;
	s->len[s->n++] = len;
	return true;
}

/* Find the first slice, the parameter sets before it, and whether any stands behind it. */
static bool has_late_sets(enum stream_codec codec, const uint8_t *unit, size_t len,
	struct nal *ret_slice, struct seen *ret_seen)
{
	struct nal n;
	size_t at = 0;
	bool slice = false;

	while (next_nal(codec, unit, len, &at, &n)) {
		bool set = is_parameter_set(codec, n.type);

		if (slice && set)
			return true;
		if (set)
			seen_add(ret_seen, unit + n.payload, n.end - n.payload);
		if (!slice && is_slice(codec, n.type)) {
			*ret_slice = n;
			slice = true;
		}
	}
	return false;
}

size_t au_normalise(enum stream_codec codec, uint8_t *unit, size_t len)
{
	cleanup_free uint8_t *moved = NULL;
	struct seen seen = {.n = 0};
	struct nal slice = {0}, n;
	size_t at, out, moved_len = 0;

	if ((codec != STREAM_H264 && codec != STREAM_H265) ||
		!has_late_sets(codec, unit, len, &slice, &seen))
		return len;
	moved = malloc(AU_PARAMETER_BYTES_MAX);
	if (!moved)
		return len; /* as it came: a decoder may cope */
	at = out = slice.end;
	while (next_nal(codec, unit, len, &at, &n)) {
		size_t size = n.end - n.start;

		if (!is_parameter_set(codec, n.type)) {
			memmove(unit + out, unit + n.start, size);
			out += size;
		} else if (size <= AU_PARAMETER_BYTES_MAX - moved_len) {
			uint8_t *copy = moved + moved_len;

			memcpy(copy, unit + n.start, size);
			if (seen_add(&seen, copy + (n.payload - n.start), n.end - n.payload))
				moved_len += size;
		}
	}
	memmove(unit + slice.start + moved_len, unit + slice.start, out - slice.start);
	memcpy(unit + slice.start, moved, moved_len);
	return out + moved_len;
}
