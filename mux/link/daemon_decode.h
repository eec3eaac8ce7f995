/* What framemuxd and a camera's decoder say to each other. */
#ifndef FRAMEMUX_LINK_DAEMON_DECODE_H
#define FRAMEMUX_LINK_DAEMON_DECODE_H

#include "common/identity.h"
#include "common/limits.h"
#include "common/mask.h"
#include "common/wire.h"

/* ---- framemuxd -> decode --------------------------------------------------------------------- */

/* masks: the camera's own, black for everyone. */
#define DECODE_START_FIELDS(M, T)                                                                  \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )                                                                    \
	M(T, STR, name, LIMIT_NAME)                                                                \
	M(T, BYTES, k_cam, KEY_BYTES)                                                              \
	M(T, U32, verbose, )                                                                       \
	M(T, U32, stale_after_ms, ) /* a beat is due when a frame becomes so old */                \
	M(T, U32, memory_mb, )      /* the process limits itself to that */                        \
	M(T, U32, max_pixels, )     /* of a picture; more is not decoded */                        \
	M(T, BLOB, masks, LIMIT_MASKS *MASK_BYTES)
WIRE_DECLARE(decode_start, DECODE_START_FIELDS)

/* ---- decode -> framemuxd --------------------------------------------------------------------- */

#define DECODE_READY_FIELDS(M, T) M(T, U64, generation, )
WIRE_DECLARE(decode_ready, DECODE_READY_FIELDS)

/* At 4 Hz, and at once with the first frame. last_frame_ns: monotonic, 0 before the first. */
#define DECODE_BEAT_FIELDS(M, T)                                                                   \
	M(T, U64, frames_decoded, )                                                                \
	M(T, U64, frames_corrupt, )                                                                \
	M(T, U64, last_frame_ns, )                                                                 \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fps_milli, )                                                                     \
	M(T, STR, codec, LIMIT_CODEC)
WIRE_DECLARE(decode_beat, DECODE_BEAT_FIELDS)

/* What follows from a failure of decode. */
enum decode_failure {
	DECODE_AGAIN, /* try again after a pause */
	DECODE_UNFIT, /* a stream above a limit, or none that can be decoded: as INGEST_BREACH */
};

/* Why it is about to exit: "ingest speaks for another camera". */
#define DECODE_FAILED_FIELDS(M, T)                                                                 \
	M(T, U32, what, )                                                                          \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(decode_failed, DECODE_FAILED_FIELDS)

#endif
