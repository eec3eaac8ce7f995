/* What the broker and a camera's decoder say to each other. */
#ifndef FRAMEMUX_LINK_BROKER_DECODE_H
#define FRAMEMUX_LINK_BROKER_DECODE_H

#include "common/identity.h"
#include "common/limits.h"
#include "common/mask.h"
#include "common/wire.h"

/* ---- decode -> broker ------------------------------------------------------------------------ */

/*
 * The decoded picture's form, before the first frame of that form is published. serial counts from
 * 1. From then on the decoder publishes only into attaches made or kept for this form, under this
 * serial or an earlier one.
 */
#define FORMAT_FIELDS(M, T)                                                                        \
	M(T, U32, serial, )                                                                        \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, sar_num, )                                                                       \
	M(T, U32, sar_den, )                                                                       \
	M(T, U32, color_encoding, ) /* values of the DRM plane property COLOR_ENCODING */          \
	M(T, U32, color_range, )    /* and COLOR_RANGE */                                          \
	M(T, U32, fps_milli, )
WIRE_DECLARE(format, FORMAT_FIELDS)

/* The ring is mapped and its descriptor closed (status 0), or why not (an errno). */
#define RING_MAPPED_FIELDS(M, T)                                                                   \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U32, status, )
WIRE_DECLARE(ring_mapped, RING_MAPPED_FIELDS)

/* The ring is unmapped, the lease socket closed; the attach's final counts. */
#define LET_GO_FIELDS(M, T)                                                                        \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U64, published, )                                                                     \
	M(T, U64, delivered, )                                                                     \
	M(T, U64, dropped, )
WIRE_DECLARE(let_go, LET_GO_FIELDS)

/* The client broke the rules of the lease socket; the decoder has stopped publishing to it. */
#define CLIENT_FAULT_FIELDS(M, T)                                                                  \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(client_fault, CLIENT_FAULT_FIELDS)

/* Running counts of an attach, at 4 Hz. */
#define COUNTS_FIELDS(M, T)                                                                        \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U64, published, )                                                                     \
	M(T, U64, delivered, )                                                                     \
	M(T, U64, dropped, )
WIRE_DECLARE(counts, COUNTS_FIELDS)

/* ---- broker -> decode ------------------------------------------------------------------------ */

/*
 * Map this ring. + 2 descriptors: the ring (O_RDWR, a description of its own) and the decoder's end
 * of the lease socket. The picture is laid out by picture_layout(); the fd's size must be exactly
 * slots * slot_bytes. Answered by ring_mapped; publishing starts at ring_go.
 */
#define RING_GIVE_FIELDS(M, T)                                                                     \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )                                                                    \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U32, serial, )                                                                        \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fourcc, )                                                                        \
	M(T, U32, slots, )                                                                         \
	M(T, U32, max_fps, ) /* 0: every frame */                                                  \
	M(T, U32, tag_mode, )                                                                      \
	M(T, BLOB, masks, LIMIT_MASKS *MASK_BYTES)
WIRE_DECLARE(ring_give, RING_GIVE_FIELDS)
enum { RING_GIVE_FD_RING, RING_GIVE_FD_SOCKET, RING_GIVE_FDS };

/* Sealed: publish from the next decoded frame on. */
#define RING_GO_FIELDS(M, T)                                                                       \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )
WIRE_DECLARE(ring_go, RING_GO_FIELDS)

/* The attach is valid for the newer serial's form too: a fixed size, the same colour. */
#define RING_KEEP_FIELDS(M, T)                                                                     \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U32, serial, )
WIRE_DECLARE(ring_keep, RING_KEEP_FIELDS)

/* Unmap, close, answer let_go: at once. */
#define RING_DROP_FIELDS(M, T)                                                                     \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )
WIRE_DECLARE(ring_drop, RING_DROP_FIELDS)

#endif
