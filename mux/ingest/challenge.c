/* Challenges: a small tokenizer over WWW-Authenticate values. */
#include "mux/ingest/challenge.h"

#include <errno.h>
#include <string.h>

/* A challenge while it is read. */
struct draft {
	struct challenge c;
	bool digest, usable, has_realm, has_nonce;
};

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blank(struct span *s)
{
	*s = span_trim(*s);
}

static struct span cut_token(struct span *s)
{
	size_t n = 0;

	while (n < s->len && !is_separator(s->at[n]) && s->at[n] != '=' && s->at[n] != '"')
		n++;
	struct span token = {s->at, n};

	s->at += n;
	s->len -= n;
	return token;
}

/* A token or a quoted string into ret[size], without its escapes. -EINVAL, -EMSGSIZE. */
static int cut_value(struct span *s, char *ret, size_t size)
{
	size_t n = 0, i = 1;

	if (!s->len || s->at[0] != '"')
		return span_copy(cut_token(s), ret, size);
	for (; i < s->len && s->at[i] != '"'; i++) {
		if (s->at[i] == '\\' && i + 1 < s->len)
			i++;
		if ((unsigned char)s->at[i] < 0x20 || s->at[i] == 0x7f)
			return -EINVAL;
		if (n + 1 >= size)
			return -EMSGSIZE;
		ret[n++] = s->at[i];
	}
	if (i >= s->len)
		return -EINVAL;
	ret[n] = 0;
	s->at += i + 1;
	s->len -= i + 1;
	return 0;
}

static void read_algorithm(struct draft *d, const char *value)
{
	struct span name = span_of(value);

	d->c.names_algorithm = true;
	if (span_is(name, "MD5"))
		d->c.algorithm = DIGEST_MD5;
	else if (span_is(name, "MD5-sess"))
		d->c.algorithm = DIGEST_MD5_SESS;
	else if (span_is(name, "SHA-256"))
		d->c.algorithm = DIGEST_SHA256;
	else
		d->usable = false;
}

/* qop is a list; only "auth" can be answered (auth-int would need the body). */
static void read_qop(struct draft *d, const char *value)
{
	struct span list = span_of(value), one;
	bool any = false;

	while (span_cut(&list, ", \t", &one)) {
		any = any || one.len;
		if (span_is(one, "auth"))
			d->c.has_qop = true;
	}
	if (any && !d->c.has_qop)
		d->usable = false;
}

static void read_parameter(struct draft *d, struct span name, struct span *rest)
{
	char value[512];

	if (cut_value(rest, value, sizeof(value)) < 0) {
		d->usable = false;
		*rest = (struct span){rest->at + rest->len, 0};
		return;
	}
	if (span_is(name, "realm")) {
		d->has_realm = span_copy(span_of(value), d->c.realm, sizeof(d->c.realm)) == 0;
	} else if (span_is(name, "nonce")) {
		d->has_nonce = span_copy(span_of(value), d->c.nonce, sizeof(d->c.nonce)) == 0;
	} else if (span_is(name, "opaque")) {
		span_copy(span_of(value), d->c.opaque, sizeof(d->c.opaque));
	} else if (span_is(name, "algorithm")) {
		read_algorithm(d, value);
	} else if (span_is(name, "qop")) {
		read_qop(d, value);
	} else if (span_is(name, "stale")) {
		d->c.stale = span_is(span_of(value), "true");
	}
}

static int rank(const struct challenge *c)
{
	static const int ranks[] = {[DIGEST_MD5] = 1, [DIGEST_MD5_SESS] = 2, [DIGEST_SHA256] = 3};

	return ranks[c->algorithm];
}

struct picking {
	struct challenge best;
	bool found, basic, unknown;
};

static void finish(struct picking *p, const struct draft *d)
{
	if (!d->digest)
		return;
	if (!d->usable || !d->has_realm || !d->has_nonce) {
		p->unknown = true;
		return;
	}
	if (!p->found || rank(&d->c) > rank(&p->best))
		p->best = d->c;
	p->found = true;
}

static void read_header(struct span rest, struct picking *p)
{
	struct draft d = {0};

	for (;;) {
		struct span token;

		while (rest.len && is_separator(rest.at[0])) {
			rest.at++;
			rest.len--;
		}
		if (!rest.len)
			break;
		token = cut_token(&rest);
		skip_blank(&rest);
		if (rest.len && rest.at[0] == '=' && token.len) {
			rest.at++;
			rest.len--;
			skip_blank(&rest);
			read_parameter(&d, token, &rest);
			continue;
		}
		if (!token.len) /* a stray '=' or quote: nothing behind it can be trusted */
			break;
		finish(p, &d);
		memset(&d, 0, sizeof(d));
		d.c.algorithm = DIGEST_MD5;
		d.usable = d.digest = span_is(token, "Digest");
		p->basic = p->basic || span_is(token, "Basic");
		p->unknown = p->unknown || (!d.digest && !span_is(token, "Basic"));
	}
	finish(p, &d);
}

int challenge_pick(const struct head *head, bool basic_permitted, struct challenge *ret)
{
	struct picking p = {0};
	struct span value;
	unsigned at = 0;

	while (head_find(head, "WWW-Authenticate", &at, &value))
		read_header(value, &p);
	if (p.found) {
		*ret = p.best;
		return 0;
	}
	if (p.basic && basic_permitted) {
		*ret = (struct challenge){.basic = true};
		return 0;
	}
	if (p.unknown)
		return -EOPNOTSUPP;
	return p.basic ? -EACCES : -ENOENT;
}
