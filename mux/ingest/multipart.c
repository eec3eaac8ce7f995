/* JPEGs out of a stream: a walk over markers (ITU-T T.81 B.1.1), with what stands between them. */
#include "mux/ingest/multipart.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/breakage.h"
#include "common/clock.h"
#include "common/limits.h"
#include "mux/ingest/head.h"
#include "mux/ingest/http.h"

#define PICTURE_BYTES_MIN (64u * 1024u) /* of the buffer */
#define BOUNDARY_MIN      4u            /* a shorter one could stand in a picture by chance */

enum marker {
	MARKER_STUFFED = 0x00, /* a 0xff of the picture's data */
	MARKER_TEM = 0x01,
	MARKER_RST0 = 0xd0,
	MARKER_RST7 = 0xd7,
	MARKER_SOI = 0xd8,
	MARKER_EOI = 0xd9,
	MARKER_SOS = 0xda,
	MARKER_FILL = 0xff,
};

enum walk {
	WALK_DATA, /* up to the next marker */
	WALK_CODE, /* behind a 0xff */
	WALK_LENGTH_HIGH,
	WALK_LENGTH_LOW,
	WALK_SEGMENT,
};

/* How a step of the walk ended. */
enum step { STEP_MORE, STEP_END, STEP_ANEW, STEP_BROKEN };

struct multipart {
	int (*on_picture)(void *self, const struct multipart_picture *picture);
	void *self; /* borrowed */
	char boundary[HTTP_BOUNDARY_BYTES + 2];
	size_t boundary_len;
	uint64_t damaged;

	/* Between pictures. */
	unsigned soi; /* bytes of ff d8 ff that have come */
	size_t text_len;
	char text[HEAD_BYTES_MAX]; /* the first bytes behind the last picture */

	/* In a picture. */
	bool inside;
	enum walk walk;
	bool has_scan;
	size_t segment; /* bytes left of it */
	uint8_t *data;  /* owned; the picture so far */
	size_t len, cap;
};

struct multipart *multipart_new(const char *boundary,
	int (*picture)(void *self, const struct multipart_picture *picture), void *self)
{
	struct multipart *m = calloc(1, sizeof(*m));
	size_t len = strlen(boundary);

	if (!m)
		return NULL;
	m->on_picture = picture;
	m->self = self;
	if (len >= BOUNDARY_MIN && len < HTTP_BOUNDARY_BYTES) {
		memcpy(m->boundary, "--", 2);
		memcpy(m->boundary + 2, boundary, len);
		m->boundary_len = len + 2;
	}
	return m;
}

void multipart_free(struct multipart *m)
{
	if (!m)
		return;
	free(m->data);
	free(m);
}

uint64_t multipart_damaged(const struct multipart *m)
{
	return m->damaged;
}

/* ---- between pictures --------------------------------------------------------------------- */

/* "1234.567": seconds with a fraction. 0 when it is none. */
static uint64_t read_time(struct span value)
{
	struct span whole = {"", 0};
	uint64_t unit = NS_PER_S / 10, ns;
	uint32_t seconds;

	span_cut(&value, ".", &whole);
	if (span_number(whole, UINT32_MAX, &seconds) < 0)
		return 0;
	ns = seconds * NS_PER_S;
	for (size_t i = 0; i < value.len; i++, unit /= 10) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return 0;
		ns += (uint64_t)(value.at[i] - '0') * unit;
	}
	return ns;
}

/* What the part's header lines say of its time; the boundary stands in front of them. */
static uint64_t time_of_part(const struct multipart *m)
{
	struct span rest = {m->text, m->text_len}, line = {"", 0};
	struct head head;
	const char *why;

	while (rest.len) {
		struct span before = rest;

		span_line(&rest, &line);
		if (!line.len || (line.len >= 2 && !memcmp(line.at, "--", 2)))
			continue;
		if (head_parse(before, &head, &why) < 0)
			return 0;
		return read_time(head_first(&head, "X-Timestamp"));
	}
	return 0;
}

static void leave(struct multipart *m)
{
	m->inside = false;
	m->soi = 0;
	m->text_len = 0;
}

static void drop(struct multipart *m)
{
	m->damaged++;
	leave(m);
}

static int append(struct multipart *m, const uint8_t *buf, size_t len)
{
	size_t cap = m->cap ? m->cap : PICTURE_BYTES_MIN;
	uint8_t *data;

	if (len > LIMIT_ACCESS_UNIT - m->len)
		return -EMSGSIZE;
	while (cap < m->len + len)
		cap *= 2;
	if (cap > m->cap) {
		data = realloc(m->data, cap);
		if (!data)
			return -ENOMEM;
		m->data = data;
		m->cap = cap;
	}
	memcpy(m->data + m->len, buf, len);
	m->len += len;
	return 0;
}

static int begin(struct multipart *m)
{
	static const uint8_t soi[] = {0xff, MARKER_SOI, 0xff};

	m->inside = true;
	m->walk = WALK_CODE;
	m->has_scan = false;
	m->len = 0;
	return append(m, soi, sizeof(soi));
}

/* Look for a picture's first three bytes; the rest is kept as text. 0 or -ENOMEM. */
static int outside(struct multipart *m, const uint8_t *buf, size_t len, size_t *ret_used)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == 0xff && m->soi == 2) {
			*ret_used = i + 1;
			return begin(m);
		}
		if (buf[i] == 0xff) {
			m->soi = 1;
		} else if (buf[i] == MARKER_SOI && m->soi == 1) {
			m->soi = 2;
		} else {
			m->soi = 0;
			if (m->text_len < sizeof(m->text))
				m->text[m->text_len++] = (char)buf[i];
		}
	}
	*ret_used = len;
	return 0;
}

/* ---- in a picture ------------------------------------------------------------------------- */

static enum step take_code(struct multipart *m, uint8_t code)
{
	if (code == MARKER_FILL)
		return STEP_MORE;
	m->walk = WALK_DATA;
	if (code == MARKER_STUFFED || code == MARKER_TEM ||
		(code >= MARKER_RST0 && code <= MARKER_RST7))
		return STEP_MORE;
	if (code == MARKER_SOI)
		return STEP_ANEW;
	if (code == MARKER_EOI)
		return m->has_scan ? STEP_END : STEP_BROKEN;
	m->has_scan = m->has_scan || code == MARKER_SOS;
	m->walk = WALK_LENGTH_HIGH;
	return STEP_MORE;
}

static enum step take_length(struct multipart *m, uint8_t byte)
{
	if (m->walk == WALK_LENGTH_HIGH) {
		m->segment = (size_t)byte << 8;
		m->walk = WALK_LENGTH_LOW;
		return STEP_MORE;
	}
	m->segment |= byte;
	m->walk = WALK_SEGMENT;
	if (m->segment < 2)
		return STEP_BROKEN;
	m->segment -= 2;
	return STEP_MORE;
}

/* Walk on to an end or through all of buf. How many bytes that were. */
static size_t walk(struct multipart *m, const uint8_t *buf, size_t len, enum step *ret)
{
	const uint8_t *mark;
	size_t at = 0, n;

	*ret = STEP_MORE;
	while (at < len && *ret == STEP_MORE) {
		switch (m->walk) {
		case WALK_DATA:
			mark = memchr(buf + at, 0xff, len - at);
			at = mark ? (size_t)(mark - buf) + 1 : len;
			m->walk = mark ? WALK_CODE : WALK_DATA;
			break;
		case WALK_CODE:
			*ret = take_code(m, buf[at++]);
			break;
		case WALK_LENGTH_HIGH:
		case WALK_LENGTH_LOW:
			*ret = take_length(m, buf[at++]);
			break;
		case WALK_SEGMENT:
			n = len - at < m->segment ? len - at : m->segment;
			at += n;
			m->segment -= n;
			if (!m->segment)
				m->walk = WALK_DATA;
			break;
		}
	}
	return at;
}

/* Where in the picture a boundary ends, of which some byte lies at from or behind; 0: nowhere. */
static size_t find_boundary(const struct multipart *m, size_t from)
{
	size_t back = m->boundary_len ? m->boundary_len - 1 : 0;
	const uint8_t *found;

	if (!m->boundary_len || breakage("ingest-no-boundary"))
		return 0;
	from = from > back ? from - back : 0;
	found = memmem(m->data + from, m->len - from, m->boundary, m->boundary_len);
	return found ? (size_t)(found - m->data) + m->boundary_len : 0;
}

static int deliver(struct multipart *m)
{
	struct multipart_picture picture = {
		.data = m->data, .len = m->len, .real_ns = time_of_part(m)};

	leave(m);
	return m->on_picture(m->self, &picture);
}

static int inside(struct multipart *m, const uint8_t *buf, size_t len, size_t *ret_used)
{
	size_t before = m->len, end;
	enum step step;
	int r;

	*ret_used = walk(m, buf, len, &step);
	r = append(m, buf, *ret_used);
	if (r == -EMSGSIZE) {
		drop(m);
		return 0;
	}
	if (r < 0)
		return r;
	end = find_boundary(m, before);
	if (end) { /* the next part has begun: this one was cut short */
		*ret_used = end - before;
		drop(m);
		return 0;
	}
	switch (step) {
	case STEP_MORE:
		return 0;
	case STEP_END:
		return deliver(m);
	case STEP_ANEW:
		drop(m);
		m->soi = 2;
		return 0;
	case STEP_BROKEN:
		break;
	}
	drop(m);
	return 0;
}

int multipart_feed(struct multipart *m, const uint8_t *buf, size_t len)
{
	int r = 0;

	while (len && r == 0) {
		size_t used = 0;

		r = m->inside ? inside(m, buf, len, &used) : outside(m, buf, len, &used);
		buf += used;
		len -= used;
	}
	return r;
}
