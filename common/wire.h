/*
 * Messages as tables. A message is declared once, as a list of fixed-width fields; from that list
 * come its C struct and a descriptor that encodes, decodes and checks it. Integers travel
 * little-endian; nothing is padding; a message is at most LIMIT_MESSAGE bytes:
 *
 *	u16 type | u16 length of the whole message | fields in order
 *
 * Text fields have a fixed width, end in NUL and are zero behind it. A blob, only ever the last
 * field, travels as u16 length and that many bytes. decode refuses everything else.
 *
 * A conversation is an array of wire_rule: which message is permitted in which state with how many
 * file descriptors, and who handles it. Wire code touches no keys, no mappings and no descriptors.
 */
#ifndef FRAMEMUX_WIRE_H
#define FRAMEMUX_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/limits.h"

#define WIRE_HEADER_BYTES 4u

enum wire_kind { WIRE_U16, WIRE_U32, WIRE_U64, WIRE_BYTES, WIRE_STR, WIRE_BLOB };

struct wire_field {
	const char *name;
	uint16_t kind, offset; /* offset in the struct; of the bytes for a blob */
	uint16_t size;         /* bytes in the struct; the most there may be for a blob */
	uint16_t len_offset;   /* of a blob's length in the struct */
};

struct wire_message {
	const char *name;
	const struct wire_field *fields;
	uint16_t type, n_fields, struct_size;
};

/* Members of the struct, by kind. */
#define WIRE_MEMBER_U16(name, n)   uint16_t name;
#define WIRE_MEMBER_U32(name, n)   uint32_t name;
#define WIRE_MEMBER_U64(name, n)   uint64_t name;
#define WIRE_MEMBER_BYTES(name, n) uint8_t name[n];
#define WIRE_MEMBER_STR(name, n)   char name[n];
#define WIRE_MEMBER_BLOB(name, n)                                                                  \
	uint16_t name##_len;                                                                       \
	uint8_t name[n];
#define WIRE_MEMBER(T, kind, name, n) WIRE_MEMBER_##kind(name, n)

#define WIRE_LEN_U16(T, name)   0
#define WIRE_LEN_U32(T, name)   0
#define WIRE_LEN_U64(T, name)   0
#define WIRE_LEN_BYTES(T, name) 0
#define WIRE_LEN_STR(T, name)   0
#define WIRE_LEN_BLOB(T, name)  offsetof(T, name##_len)
#define WIRE_ROW(T, kind, name, n)                                                                 \
	{#name, WIRE_##kind, offsetof(T, name), sizeof(((T *)0)->name), WIRE_LEN_##kind(T, name)},

/*
 * #define OPEN_FIELDS(M, T) M(T, U32, view, ) M(T, STR, camera, LIMIT_NAME) ...
 * WIRE_DECLARE(open, OPEN_FIELDS)    declares struct msg_open and wire_open (in a header);
 * WIRE_DEFINE(open, 7, OPEN_FIELDS)  defines wire_open as type 7 (in one .c file).
 */
#define WIRE_DECLARE(msg, FIELDS)                                                                  \
	struct msg_##msg {                                                                         \
		FIELDS(WIRE_MEMBER, )                                                              \
	};                                                                                         \
	extern const struct wire_message wire_##msg;

#define WIRE_DEFINE(msg, number, FIELDS)                                                           \
	static const struct wire_field wire_fields_##msg[] = {FIELDS(WIRE_ROW, struct msg_##msg)}; \
	const struct wire_message wire_##msg = {                                                   \
		.name = #msg,                                                                      \
		.fields = wire_fields_##msg,                                                       \
		.type = (number),                                                                  \
		.n_fields = sizeof(wire_fields_##msg) / sizeof(wire_fields_##msg[0]),              \
		.struct_size = sizeof(struct msg_##msg),                                           \
	};

/*
 * Encode the struct at msg into buf. Returns the length, or -EMSGSIZE when it does not fit cap or
 * LIMIT_MESSAGE, -EINVAL when a text field lacks its NUL or a blob's length is above its limit.
 */
ssize_t wire_encode(const struct wire_message *m, const void *msg, uint8_t *buf, size_t cap);

/*
 * Decode buf[0..len) into the struct at ret_msg (m->struct_size bytes, zeroed first). Returns 0, or
 * -EPROTO: wrong type, wrong length, a text field that is not NUL-terminated, holds control
 * characters or is not zero behind its NUL, a blob longer than its limit.
 */
int wire_decode(const struct wire_message *m, const uint8_t *buf, size_t len, void *ret_msg);

/* The type in the header, or 0 when buf is no message at all. */
uint16_t wire_type(const uint8_t *buf, size_t len);

/*
 * One row of a conversation. handle gets the decoded struct and exactly n_fds descriptors; it takes
 * one over by leaving -1 in its place, the caller closes the others.
 */
struct wire_rule {
	const struct wire_message *message;
	unsigned states; /* bit mask of the states in which the message is permitted */
	unsigned n_fds;
	int (*handle)(void *self, const void *msg, int *fds);
};

/*
 * Find the rule for buf, check state and descriptor count, decode, call the handler. Returns what
 * the handler returns, or -EPROTO when no rule permits the message.
 */
int wire_dispatch(const struct wire_rule *rules, size_t n_rules, unsigned state, const uint8_t *buf,
	size_t len, int *fds, size_t n_fds, void *self);

#endif
