/*
 * Access units of H.264 (ITU-T H.264 7.4.1.2.3) and H.265 (7.4.2.4.4) in Annex-B form and of MPEG-4
 * part 2 (ISO/IEC 14496-2 6.2): what is in one, and putting parameter sets where a decoder expects
 * them. Pure. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_AU_H
#define FRAMEMUX_INGEST_AU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "mux/link/stream.h"

#define AU_PARAMETER_SETS_MAX  64u             /* in one unit; more are left out */
#define AU_PARAMETER_BYTES_MAX LIMIT_EXTRADATA /* of those that have to be moved */

struct au_facts {
	bool has_picture; /* at least one slice; a VOP */
	bool is_key; /* decoding may begin here: IDR or recovery point; IRAP; any JPEG; I-VOP */
};

/* What is in a unit. MJPEG and AV1 are all picture; MJPEG is all key. */
void au_inspect(enum stream_codec codec, const uint8_t *unit, size_t len, struct au_facts *ret);

/*
 * Whether a piece begins with a NAL unit (or, of MPEG-4, a header) that only stands at the beginning
 * of a unit or of its picture. It begins with the start code.
 */
bool au_begins_with(enum stream_codec codec, const uint8_t *piece, size_t len);

/*
 * Parameter sets that stand behind the first slice move before it (a payloader that repeats them
 * before each IDR slice puts them there), exact copies of earlier ones go. In place; the unit never
 * grows. Returns its new length.
 */
size_t au_normalise(enum stream_codec codec, uint8_t *unit, size_t len);

#endif
