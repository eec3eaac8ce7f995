/* RTCP packets. */
#include "mux/ingest/rtcp.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/clock.h"

#define RTCP_HEADER_BYTES 4u
#define RTCP_SR_BYTES     28u /* the header, the sender and its clock */
#define RTCP_RR_BYTES     32u /* the header, ourselves and one block */
#define RTCP_WORDS(bytes) ((bytes) / 4 - 1)

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_SDES = 202, RTCP_BYE = 203 };
enum { SDES_CNAME = 1 };

_Static_assert(RTCP_RR_BYTES + 8 + 2 + RTCP_CNAME_BYTES + 3 <= RTCP_REPORT_BYTES, "too small");

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void read_sr(const uint8_t *p, size_t len, struct rtcp_news *ret)
{
	if (len < RTCP_SR_BYTES)
		return;
	ret->has_report = true;
	ret->ssrc = be32(p + 4);
	ret->ntp = (uint64_t)be32(p + 8) << 32 | be32(p + 12);
	ret->rtp_time = be32(p + 16);
}

static void read_bye(const uint8_t *p, size_t len, struct rtcp_news *ret)
{
	unsigned n = p[0] & 0x1f;

	for (unsigned i = 0; i < n && RTCP_HEADER_BYTES + 4 * (i + 1) <= len; i++)
		if (ret->n_bye < RTCP_BYE_MAX)
			ret->bye[ret->n_bye++] = be32(p + RTCP_HEADER_BYTES + 4 * i);
}

int rtcp_read(const uint8_t *buf, size_t len, struct rtcp_news *ret)
{
	struct rtcp_news news = {0};
	size_t at = 0;

	if (len < RTCP_HEADER_BYTES || (buf[1] != RTCP_SR && buf[1] != RTCP_RR))
		return -EPROTO;
	while (at < len) {
		const uint8_t *p = buf + at;
		size_t n;

		if (len - at < RTCP_HEADER_BYTES || p[0] >> 6 != 2)
			return -EPROTO;
		n = 4 * ((size_t)p[2] << 8 | p[3]) + RTCP_HEADER_BYTES;
		if (n > len - at)
			return -EPROTO;
		if (p[1] == RTCP_SR)
			read_sr(p, n, &news);
		else if (p[1] == RTCP_BYE)
			read_bye(p, n, &news);
		at += n;
	}
	*ret = news;
	return 0;
}

void rtcp_self_make(struct rtcp_self *ret)
{
	uint8_t random[12];

	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(ret->cname, sizeof(ret->cname), random, sizeof(random),
		sodium_base64_VARIANT_ORIGINAL);
	ret->ssrc = randombytes_random();
}

static void put_header(uint8_t *p, unsigned count, unsigned type, size_t len)
{
	p[0] = (uint8_t)(0x80 | count);
	p[1] = (uint8_t)type;
	p[2] = (uint8_t)(RTCP_WORDS(len) >> 8);
	p[3] = (uint8_t)RTCP_WORDS(len);
}

/* The time since a sender report in units of 1/65536 s, as far as 32 bits go. */
static uint32_t delay(const struct rtcp_last *last, uint64_t now_ns)
{
	uint64_t ns = now_ns > last->arrival_ns ? now_ns - last->arrival_ns : 0;
	uint64_t units = ns / NS_PER_S * 65536 + ns % NS_PER_S * 65536 / NS_PER_S;

	return units > UINT32_MAX ? UINT32_MAX : (uint32_t)units;
}

static size_t write_rr(const struct rtcp_self *self, uint32_t sender,
	const struct reception_report *report, const struct rtcp_last *last, uint64_t now_ns,
	uint8_t *p)
{
	put_header(p, 1, RTCP_RR, RTCP_RR_BYTES);
	put_be32(p + 4, self->ssrc);
	put_be32(p + 8, sender);
	put_be32(p + 12,
		(uint32_t)report->fraction_lost << 24 | ((uint32_t)report->lost & 0xffffff));
	put_be32(p + 16, report->highest);
	put_be32(p + 20, report->jitter);
	put_be32(p + 24, last->is_known ? (uint32_t)(last->ntp >> 16) : 0);
	put_be32(p + 28, last->is_known ? delay(last, now_ns) : 0);
	return RTCP_RR_BYTES;
}

static size_t write_sdes(const struct rtcp_self *self, uint8_t *p)
{
	size_t name = strlen(self->cname);
	size_t len = (RTCP_HEADER_BYTES + 4 + 2 + name + 1 + 3) / 4 * 4; /* one zero at least */

	memset(p, 0, len);
	put_header(p, 1, RTCP_SDES, len);
	put_be32(p + 4, self->ssrc);
	p[8] = SDES_CNAME;
	p[9] = (uint8_t)name;
	memcpy(p + 10, self->cname, name);
	return len;
}

size_t rtcp_write(const struct rtcp_self *self, uint32_t sender,
	const struct reception_report *report, const struct rtcp_last *last, uint64_t now_ns,
	uint8_t ret[RTCP_REPORT_BYTES])
{
	size_t n = write_rr(self, sender, report, last, now_ns, ret);

	return n + write_sdes(self, ret + n);
}
