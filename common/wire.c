/* Encoding, decoding and dispatch of the messages declared with WIRE_DECLARE. Every process. */
#include "common/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/bytes.h"

static size_t blob_len(const struct wire_field *f, const void *msg)
{
	uint16_t len;

	memcpy(&len, (const uint8_t *)msg + f->len_offset, sizeof(len));
	return len;
}

/* NUL-terminated within size, printable, and zero from there to the end. */
static bool text_is_clean(const uint8_t *text, size_t size)
{
	size_t len = strnlen((const char *)text, size);

	if (len == size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] == 0x7f)
			return false;
	for (size_t i = len; i < size; i++)
		if (text[i])
			return false;
	return true;
}

static void encode_field(const struct wire_field *f, const uint8_t *member, uint8_t *out)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch ((enum wire_kind)f->kind) {
	case WIRE_U16:
		memcpy(&u16, member, sizeof(u16));
		put_le16(out, u16);
		break;
	case WIRE_U32:
		memcpy(&u32, member, sizeof(u32));
		put_le32(out, u32);
		break;
	case WIRE_U64:
		memcpy(&u64, member, sizeof(u64));
		put_le64(out, u64);
		break;
	case WIRE_STR: /* out is zeroed: what lies behind the NUL never travels */
		memcpy(out, member, strnlen((const char *)member, f->size));
		break;
	case WIRE_BYTES:
	case WIRE_BLOB:
		memcpy(out, member, f->size);
		break;
	}
}

ssize_t wire_encode(const struct wire_message *m, const void *msg, uint8_t *buf, size_t cap)
{
	size_t at = WIRE_HEADER_BYTES;

	if (cap > LIMIT_MESSAGE)
		cap = LIMIT_MESSAGE;
	if (cap < at)
		return -EMSGSIZE;
	for (size_t i = 0; i < m->n_fields; i++) {
		struct wire_field f = m->fields[i];
		const uint8_t *member = (const uint8_t *)msg + f.offset;

		if (f.kind == WIRE_STR && !memchr(member, 0, f.size))
			return -EINVAL;
		if (f.kind == WIRE_BLOB) {
			size_t len = blob_len(&f, msg);

			if (len > f.size)
				return -EINVAL;
			if (cap - at < 2)
				return -EMSGSIZE;
			put_le16(buf + at, (uint16_t)len);
			at += 2;
			f.size = (uint16_t)len;
		}
		if (cap - at < f.size)
			return -EMSGSIZE;
		memset(buf + at, 0, f.size);
		encode_field(&f, member, buf + at);
		at += f.size;
	}
	put_le16(buf, m->type);
	put_le16(buf + 2, (uint16_t)at);
	return (ssize_t)at;
}

static int decode_field(const struct wire_field *f, const uint8_t *in, size_t left, uint8_t *msg)
{
	uint8_t *member = msg + f->offset;
	size_t size = f->size;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	if (f->kind == WIRE_BLOB) {
		if (left < 2)
			return -EPROTO;
		u16 = get_le16(in);
		if (u16 > f->size || left - 2 < u16)
			return -EPROTO;
		memcpy(msg + f->len_offset, &u16, sizeof(u16));
		memcpy(member, in + 2, u16);
		return u16 + 2;
	}
	if (left < size)
		return -EPROTO;
	switch ((enum wire_kind)f->kind) {
	case WIRE_U16:
		u16 = get_le16(in);
		memcpy(member, &u16, sizeof(u16));
		break;
	case WIRE_U32:
		u32 = get_le32(in);
		memcpy(member, &u32, sizeof(u32));
		break;
	case WIRE_U64:
		u64 = get_le64(in);
		memcpy(member, &u64, sizeof(u64));
		break;
	case WIRE_STR:
		if (!text_is_clean(in, size))
			return -EPROTO;
		memcpy(member, in, size);
		break;
	default:
		memcpy(member, in, size);
		break;
	}
	return (int)size;
}

uint16_t wire_type(const uint8_t *buf, size_t len)
{
	if (len < WIRE_HEADER_BYTES || len > LIMIT_MESSAGE || get_le16(buf + 2) != len)
		return 0;
	return get_le16(buf);
}

int wire_decode(const struct wire_message *m, const uint8_t *buf, size_t len, void *ret_msg)
{
	size_t at = WIRE_HEADER_BYTES;

	if (wire_type(buf, len) != m->type)
		return -EPROTO;
	memset(ret_msg, 0, m->struct_size);
	for (size_t i = 0; i < m->n_fields; i++) {
		int used = decode_field(&m->fields[i], buf + at, len - at, ret_msg);

		if (used < 0)
			return used;
		at += (size_t)used;
	}
	return at == len ? 0 : -EPROTO;
}

int wire_dispatch(const struct wire_rule *rules, size_t n_rules, unsigned state, const uint8_t *buf,
	size_t len, int *fds, size_t n_fds, void *self)
{
	/* Blobs are counted at their limit in the struct, so it may exceed LIMIT_MESSAGE a little.
	 */
	_Alignas(max_align_t) uint8_t msg[LIMIT_MESSAGE + 512];
	uint16_t type = wire_type(buf, len);
	int e;

	for (size_t i = 0; i < n_rules; i++) {
		const struct wire_rule *r = &rules[i];

		if (r->message->type != type)
			continue;
		if (!(r->states & state) || r->n_fds != n_fds ||
			r->message->struct_size > sizeof(msg) ||
			wire_decode(r->message, buf, len, msg) < 0)
			return -EPROTO;
		e = r->handle(self, msg, fds);
		explicit_bzero(msg, r->message->struct_size); /* may have held a key */
		return e;
	}
	return -EPROTO;
}
