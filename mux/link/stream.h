/* The stream of access units from ingest to decode. */
#ifndef FRAMEMUX_LINK_STREAM_H
#define FRAMEMUX_LINK_STREAM_H

#include "common/identity.h"

/*
 * u32 kind | u32 body length, little-endian, then the body:
 *	STREAM_HELLO  camera id (32) | u64 generation			first, once
 *	STREAM_CODEC  u32 codec | u32 width | u32 height | u32 reorder | u32 framing |
 *	              u32 sar_num | u32 sar_den | u32 matrix | u32 range | extradata
 *	STREAM_UNIT   u64 pts_ns | u64 arrival_ns | u64 capture_ns | u32 flags | the access unit
 *	STREAM_DRAIN  (empty)  the file begins again: give out what is delayed, then start anew
 * framing: 0 (Annex B; whole pictures where a codec has none). width, height: a hint, 0 if unknown.
 * reorder: frames the decoder has to hold back, from the container (avcodec's has_b_frames), 0 for a
 * live camera. sar, matrix (MatrixCoefficients of ITU-T H.273) and range (1 limited, 2 full) are the
 * container's, for what the coded pictures leave open; sar 0, matrix 2, range 0: it does not say.
 * pts_ns: of the stream, any origin. STREAM_PATTERN units are u16 code
 * (common/pattern.h). STREAM_YUYV and STREAM_NV12 units are whole pictures of width x height without
 * padding, rows and chroma rounded up to whole pairs of pixels; every one is a key unit.
 */
enum stream_kind { STREAM_HELLO = 1, STREAM_CODEC, STREAM_UNIT, STREAM_DRAIN };
enum stream_codec {
	STREAM_H264 = 1,
	STREAM_H265,
	STREAM_MJPEG,
	STREAM_PATTERN,
	STREAM_MPEG4,
	STREAM_AV1,
	STREAM_YUYV,
	STREAM_NV12
};
#define STREAM_HEADER_BYTES 8u
#define STREAM_HELLO_BYTES  (CAMERA_ID_BYTES + 8u)
#define STREAM_CODEC_BYTES  36u /* before the extradata */
#define STREAM_UNIT_BYTES   28u /* before the access unit */
#define STREAM_UNIT_KEY     1u  /* flags: decoding may begin here */
#define STREAM_UNIT_GAP     2u  /* flags: something before this was lost */

#endif
