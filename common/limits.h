/*
 * Limits that more than one process relies on. Every length, count and size that comes from a
 * peer is compared with one of these before anything is allocated or added.
 */
#ifndef FRAMEMUX_LIMITS_H
#define FRAMEMUX_LIMITS_H

/* Sizes of text fields, the terminating NUL included. */
#define LIMIT_NAME   64u  /* a camera's or grant's name: [A-Za-z0-9._-] */
#define LIMIT_LABEL  64u  /* a grant's label, vendor, model */
#define LIMIT_UNIT   256u /* a systemd unit or cgroup path */
#define LIMIT_REASON 160u /* a sentence for a person */
#define LIMIT_CODEC  16u  /* "h264" */
#define LIMIT_KIND   32u  /* what sort of thing a reload changed, and how */
#define LIMIT_CHANGE 512u /* which keys, or from which value to which */
#define LIMIT_FAULT  1024u /* what is wrong with a configuration, and where */
#define LIMIT_PATH   1024u
#define LIMIT_HOST   256u
#define TLS_PIN_BYTES 32u /* a SHA-256 */
#define LIMIT_BASIC  528u  /* "Basic " and the base64 of USER:PASSWORD */
#define LIMIT_TOKEN  2048u /* a token as text */

/* Sizes of binary fields, bytes. */
#define LIMIT_MESSAGE 4096u /* one message of any SEQPACKET conversation */
#define LIMIT_TOKEN_BODY                                                                           \
	1472u /* a token without prefix and chain tag; 4/3 of it fits LIMIT_TOKEN */

/* Pictures. */
#define LIMIT_SIDE        8192u                /* width or height, pixels */
#define LIMIT_PIXELS      (8192u * 4352u)      /* width x height */
#define LIMIT_FPS         1000u                /* frames a second */
#define LIMIT_MASKS       16u                  /* rectangles of one mask list */
#define LIMIT_ACCESS_UNIT (8u * 1024u * 1024u) /* bytes of one access unit */
#define LIMIT_EXTRADATA   (64u * 1024u)        /* bytes of a codec's out-of-band parameter sets */

/* Rings. */
#define LIMIT_SLOTS_MIN     2u
#define LIMIT_SLOTS_MAX     16u
#define LIMIT_SLOTS_DEFAULT 4u

#endif
