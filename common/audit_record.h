/*
 * The audit log's lines: how one is made, and how the next vouches for it. Pure code, shared by
 * framemuxd, who writes them, and whoever reads and verifies them; framemux-audit(7) describes the
 * same, with test vectors.
 *
 *	{"n":12,"time":"2026-11-28T13:38:28.123Z","event":"open", ... ,"chain":"HEX"}
 *	{"n":13,"time":"...","event":"seal","seal":5,"next":"HEX","chain":"HEX","sig":"HEX"}
 *
 * The bytes of a line are what is hashed, so they are made and taken apart here, in this one form and no
 * other; a JSON library has a form of its own. Whoever asks what a record says reads it with one.
 *
 * n counts up without a gap. chain is BLAKE2b-256 over the chain of the line before and this line
 * up to and without `,"chain"`. Whatever is written at once ends in a seal: an Ed25519 signature
 * over n and chain by a key that the seal before it names as next. A seal's secret key comes from a
 * seed that evolves by a one-way function and is wiped once used, so that who learns today's seed
 * can sign nothing that is already written; and to verify takes no secret.
 */
#ifndef FRAMEMUX_AUDIT_RECORD_H
#define FRAMEMUX_AUDIT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_HASH_BYTES 32u
#define AUDIT_SEED_BYTES 32u
#define AUDIT_KEY_BYTES  32u /* of Ed25519, public */
#define AUDIT_SIG_BYTES  64u
#define AUDIT_HASH_HEX   (2u * AUDIT_HASH_BYTES + 1u)

#define AUDIT_BODY_MAX 3072u /* members of one record, as text */
#define AUDIT_LINE_MAX 4096u /* a whole line with its newline */

/* Where a log has got to. */
struct audit_head {
	uint64_t n; /* of its newest record; 0: none yet */
	uint8_t chain[AUDIT_HASH_BYTES];
};

/* A place in a log, as it can be noted elsewhere. */
struct audit_mark {
	struct audit_head head;
	uint64_t seal;                /* number of the next seal */
	uint8_t key[AUDIT_KEY_BYTES]; /* that will sign it */
};

#define AUDIT_MARK_TEXT 320u /* bytes that hold a mark as a line */

/*
 * "framemux-audit 1 record=12 seal=5 chain=HEX key=HEX time=2026-11-28T13:38:28.123Z" without a
 * newline: what state_anchor keeps elsewhere.
 */
void audit_mark_text(const struct audit_mark *m, uint64_t unix_ms, char ret[AUDIT_MARK_TEXT]);
/* Such a line, at the end of another text even, or with a newline. 0 or -EINVAL. */
int audit_mark_parse(const char *text, struct audit_mark *ret, uint64_t *ret_ms);

/* ---- members ------------------------------------------------------------------------- */

/* A record's members, being written: "event":"open","camera":"porch". What does not fit is cut. */
struct audit_body {
	char text[AUDIT_BODY_MAX];
	size_t len;
	bool is_cut;
};

void audit_body_begin(struct audit_body *b, const char *event);

/* name: a literal. What is not plain text in a value (common/text.h) becomes '?'. */
void audit_body_text(struct audit_body *b, const char *name, const char *value);
void audit_body_number(struct audit_body *b, const char *name, uint64_t value);
void audit_body_hex(struct audit_body *b, const char *name, const uint8_t *bytes, size_t n);
void audit_body_bool(struct audit_body *b, const char *name, bool value);

/* ---- writing ------------------------------------------------------------------------- */

/* The line that follows head, with its newline; head moves on. The length; 0 if body was too long. */
size_t audit_line_write(
	struct audit_head *head, uint64_t unix_ms, const char *body, char ret_line[AUDIT_LINE_MAX]);

/* The seed after this one. In place: there is no way back. */
void audit_seed_next(uint8_t seed[AUDIT_SEED_BYTES]);
void audit_seed_public(const uint8_t seed[AUDIT_SEED_BYTES], uint8_t ret_key[AUDIT_KEY_BYTES]);

/* Seal number seal, signed by seed, which moves on. As audit_line_write. */
size_t audit_seal_write(struct audit_head *head, uint64_t unix_ms, uint64_t seal,
	uint8_t seed[AUDIT_SEED_BYTES], char ret_line[AUDIT_LINE_MAX]);

/* ---- reading ------------------------------------------------------------------------- */

/* A line taken apart. Pointers go into it. */
struct audit_line {
	uint64_t n, unix_ms;
	const char *event; /* not terminated */
	size_t event_len;
	size_t hashed_len; /* of the line, what chain is over */
	uint8_t chain[AUDIT_HASH_BYTES];
	bool is_seal;
	uint64_t seal; /* of a seal: its number, who signs next, the signature */
	uint8_t next[AUDIT_KEY_BYTES];
	uint8_t sig[AUDIT_SIG_BYTES];
};

/* line: without its newline. Only what audit_*_write writes is accepted. 0 or -EBADMSG. */
int audit_line_parse(const char *line, size_t len, struct audit_line *ret);

bool audit_line_is(const struct audit_line *l, const char *event);

/* Whether the line's chain is what follows from the chain before. */
bool audit_line_continues(
	const struct audit_line *l, const char *line, const uint8_t before[AUDIT_HASH_BYTES]);

/* Whether this key has signed the seal. */
bool audit_seal_is_by(const struct audit_line *l, const uint8_t key[AUDIT_KEY_BYTES]);

/* A member's value: a number, or a text of hexadecimal digits, of exactly n bytes. False: not there.
 */
bool audit_member_number(const char *line, size_t len, const char *name, uint64_t *ret);
bool audit_member_hex(const char *line, size_t len, const char *name, uint8_t *ret, size_t n);

#endif
