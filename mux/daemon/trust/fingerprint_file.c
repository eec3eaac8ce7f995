/*
 * Reads and writes the text of the fingerprints: "ID REALM SERVER ORIGIN BLOCK", each but the id '='
 * and the text in hexadecimal, or "-" for none. What a camera said stands in it, so no byte of it may
 * end a line or a field.
 */
#include "mux/daemon/trust/fingerprint_file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mux/daemon/state/list_file.h"

#define ID_HEX   (2u * CAMERA_ID_BYTES)
#define TEXT_HEX (2u * FINGERPRINT_BYTES)

static const struct list_file list = {.name = FINGERPRINTS_FILE,
	.header = "framemux fingerprints 1\n",
	.bytes_max = 16u * 1024u * 1024u}; /* far more than all cameras need */

/* A field: '=' and the text in hexadecimal digits, or "-". */
static void add_field(FILE *f, bool is_known, const char *text)
{
	char hex[TEXT_HEX + 1];

	if (!is_known) {
		fputs(" -", f);
		return;
	}
	sodium_bin2hex(hex, sizeof(hex), (const uint8_t *)text, strlen(text));
	fprintf(f, " =%s", hex);
}

struct records {
	const struct fingerprint_record *records;
	size_t n;
};

static void print(const void *data, FILE *f)
{
	const struct records *all = data;
	char id[ID_HEX + 1];

	for (size_t i = 0; i < all->n; i++) {
		const struct fingerprint_record *r = &all->records[i];
		const struct fingerprint *p = &r->print;

		if (!p->has_realm && !p->has_identity && !r->block[0])
			continue;
		sodium_bin2hex(id, sizeof(id), r->id.b, sizeof(r->id.b));
		fputs(id, f);
		add_field(f, p->has_realm, p->realm);
		add_field(f, p->has_identity, p->server);
		add_field(f, p->has_identity, p->origin);
		add_field(f, r->block[0], r->block);
		fputc('\n', f);
	}
}

int fingerprint_file_text(
	const struct fingerprint_record *records, size_t n, char **ret, size_t *ret_len)
{
	return list_file_text(&list, print, &(struct records){records, n}, ret, ret_len);
}

/* Into ret[size], NUL behind it. */
static int parse_field(const char *field, bool *ret_known, char *ret, size_t size)
{
	size_t len;

	*ret_known = field && field[0] == '=';
	if (!*ret_known)
		return field && !strcmp(field, "-") ? 0 : -EBADMSG;
	field++;
	if (sodium_hex2bin((uint8_t *)ret, size - 1, field, strlen(field), NULL, &len, NULL) < 0 ||
		2 * len != strlen(field) || memchr(ret, 0, len))
		return -EBADMSG;
	ret[len] = 0;
	return 0;
}

static int parse_line(char *line, struct fingerprint_record *ret)
{
	struct fingerprint_record r = {0};
	struct fingerprint *p = &r.print;
	char *save = NULL, *id = strtok_r(line, " ", &save);
	bool has_origin, has_block;
	size_t len;

	if (!id || strlen(id) != ID_HEX ||
		sodium_hex2bin(r.id.b, sizeof(r.id.b), id, ID_HEX, NULL, &len, NULL) < 0 ||
		len != sizeof(r.id.b) ||
		parse_field(strtok_r(NULL, " ", &save), &p->has_realm, p->realm, sizeof(p->realm)) <
			0 ||
		parse_field(strtok_r(NULL, " ", &save), &p->has_identity, p->server,
			sizeof(p->server)) < 0 ||
		parse_field(strtok_r(NULL, " ", &save), &has_origin, p->origin, sizeof(p->origin)) <
			0 ||
		parse_field(strtok_r(NULL, " ", &save), &has_block, r.block, sizeof(r.block)) < 0 ||
		has_origin != p->has_identity || strtok_r(NULL, " ", &save))
		return -EBADMSG;
	*ret = r;
	return 0;
}

static bool place(const struct fingerprint_record *r, const struct camera_record *cameras, size_t n,
	struct fingerprint_record *records)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(cameras[i].id.b, r->id.b, sizeof(r->id.b)) &&
			fingerprint_applies(&cameras[i])) {
			records[i] = *r;
			return true;
		}
	return false;
}

struct loading {
	const struct camera_record *cameras;
	size_t n;
	struct fingerprint_record *records;
	bool is_stale;
};

static int take(void *data, char *line)
{
	struct loading *l = data;
	struct fingerprint_record r;
	int rc = parse_line(line, &r);

	if (!rc && !place(&r, l->cameras, l->n, l->records))
		l->is_stale = true;
	return rc;
}

int fingerprint_file_load(int folder, const struct camera_record *cameras, size_t n,
	struct fingerprint_record *ret_records, bool *ret_stale, char *ret_why, size_t why_size)
{
	struct loading l = {.cameras = cameras, .n = n, .records = ret_records};
	int rc;

	for (size_t i = 0; i < n; i++)
		ret_records[i] = (struct fingerprint_record){.id = cameras[i].id};
	rc = list_file_load(folder, &list, take, &l, ret_why, why_size);
	*ret_stale = l.is_stale;
	return rc;
}
