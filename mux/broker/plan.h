/*
 * The geometry of one attach, worked out from the lease's terms and the camera's format. Pure code.
 * The format comes from a possibly hostile decoder: format_is_sane first, always.
 */
#ifndef FRAMEMUX_BROKER_PLAN_H
#define FRAMEMUX_BROKER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/picture.h"
#include "mux/broker/verify.h"
#include "mux/link/broker_decode.h"

struct plan {
	struct picture picture;
	uint32_t slots, fps;
	uint64_t ring_bytes;
	enum tag_mode tag_mode;
	uint32_t color_encoding, color_range, sar_num, sar_den;
	uint64_t stale_ns; /* no frame of this attach may be older */
};

bool format_is_sane(const struct msg_format *f);

/* Bytes of a ring of slots pictures. 0, or -EINVAL when there is no such picture. */
int plan_ring_bytes(
	uint32_t fourcc, uint32_t width, uint32_t height, uint32_t slots, uint64_t *ret_bytes);

/* 0, or -EINVAL when no ring can hold what the terms ask for. f is sane. */
int plan_make(const struct terms *t, const struct msg_format *f, uint64_t stale_after_ns,
	struct plan *ret);

/* Whether an attach of plan a can go on as one of plan b: nothing that the client was told changes.
 */
bool plan_is_kept(const struct plan *a, const struct plan *b);

#endif
