/* Joins reception, reordering, depacketising, RTCP and capture times. */
#include "mux/ingest/media.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/clock.h"
#include "mux/ingest/capture.h"
#include "mux/ingest/reception.h"
#include "mux/ingest/reorder.h"
#include "mux/ingest/rtcp.h"

/* RFC 3550 6.2: five seconds, more or less by half, so that receivers do not speak in chorus. */
#define REPORT_MIN_MS 2500u
#define REPORT_MAX_MS 7500u

struct media {
	struct sdp_video video;
	struct media_ops ops;
	void *self;              /* borrowed */
	struct depay *depay;     /* owned */
	struct reorder *reorder; /* owned */
	struct reception reception;
	struct capture capture;
	struct rtcp_self rtcp;
	struct rtcp_last last;
	uint64_t report_ns; /* the next one of ours; 0: nothing came yet */
};

/* The time of day less the clock of arrivals. */
static uint64_t real_offset_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME) - clock_monotonic_ns();
}

static int on_unit(void *data, const struct stream_unit *unit)
{
	struct media *m = data;
	struct stream_unit timed = *unit;

	timed.capture_ns = capture_of(
		&m->capture, m->reception.ssrc, unit->rtp_time, unit->arrival_ns, real_offset_ns());
	return m->ops.unit(m->self, &timed);
}

static int on_ordered(void *data, const uint8_t *packet, size_t len, uint64_t arrival_ns)
{
	struct media *m = data;

	return depay_packet(m->depay, packet, len, arrival_ns);
}

int media_new(const struct sdp_video *video, const struct media_ops *ops, void *self,
	struct media **ret, struct failure *ret_why)
{
	struct media *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->video = *video;
	m->ops = *ops;
	m->self = self;
	m->reorder = reorder_new(on_ordered, m);
	r = m->reorder ? depay_new(video, on_unit, m, &m->depay, ret_why) : -ENOMEM;
	if (r < 0) {
		media_free(m);
		return r;
	}
	capture_begin(&m->capture, video);
	rtcp_self_make(&m->rtcp);
	*ret = m;
	return 0;
}

void media_free(struct media *m)
{
	if (!m)
		return;
	depay_free(m->depay);
	reorder_free(m->reorder);
	free(m);
}

void media_format(const struct media *m, struct stream_format *ret)
{
	depay_format(m->depay, ret);
}

static void plan_report(struct media *m, uint64_t now_ns)
{
	m->report_ns = now_ns +
		(REPORT_MIN_MS + randombytes_uniform(REPORT_MAX_MS - REPORT_MIN_MS)) * NS_PER_MS;
}

/* Account for a packet. false: it is none, or of another stream. */
static bool receive(struct media *m, const uint8_t *buf, size_t len, uint64_t now_ns,
	uint16_t *ret_sequence, enum reception_verdict *ret)
{
	struct rtp_packet p;

	if (rtp_parse(buf, len, &p) < 0 || p.payload_type != m->video.payload_type)
		return false;
	if (!m->report_ns)
		plan_report(m, now_ns);
	*ret = reception_packet(&m->reception, &p, m->video.clock_rate, now_ns);
	*ret_sequence = p.sequence;
	while (m->rtcp.ssrc == p.ssrc) /* RFC 3550 8.2, as far as it concerns a receiver */
		m->rtcp.ssrc = randombytes_random();
	return true;
}

int media_packet(struct media *m, const uint8_t *buf, size_t len, uint64_t now_ns)
{
	enum reception_verdict verdict;
	uint16_t sequence;

	/* Nothing strays into a connection: a jump is one, and depay sees it. */
	return receive(m, buf, len, now_ns, &sequence, &verdict)
		? depay_packet(m->depay, buf, len, now_ns)
		: 0;
}

int media_datagram(struct media *m, const uint8_t *buf, size_t len, uint64_t now_ns)
{
	enum reception_verdict verdict;
	uint16_t sequence;
	int r = 0;

	if (!receive(m, buf, len, now_ns, &sequence, &verdict) || verdict == RECEPTION_STRANGE)
		return 0;
	if (verdict == RECEPTION_ANEW)
		r = reorder_restart(m->reorder);
	return r < 0 ? r : reorder_packet(m->reorder, sequence, buf, len, now_ns);
}

int media_rtcp(
	struct media *m, const uint8_t *buf, size_t len, uint64_t now_ns, struct failure *ret_why)
{
	struct rtcp_news news;

	if (rtcp_read(buf, len, &news) < 0)
		return 0;
	if (news.has_report && (!m->reception.started || news.ssrc == m->reception.ssrc)) {
		capture_report(&m->capture, &news, now_ns);
		m->last = (struct rtcp_last){true, news.ntp, now_ns};
	}
	for (unsigned i = 0; i < news.n_bye; i++)
		if (m->reception.started && news.bye[i] == m->reception.ssrc)
			return fail(ret_why, "camera said goodbye");
	return 0;
}

static void report(struct media *m, uint64_t now_ns)
{
	uint8_t text[RTCP_REPORT_BYTES];
	struct reception_report what;
	size_t n;

	plan_report(m, now_ns);
	reception_report(&m->reception, &what);
	n = rtcp_write(&m->rtcp, m->reception.ssrc, &what, &m->last, now_ns, text);
	m->ops.report(m->self, text, n);
}

uint64_t media_deadline(const struct media *m)
{
	uint64_t first = depay_deadline(m->depay), reorder = reorder_deadline(m->reorder);

	if (reorder < first)
		first = reorder;
	return m->report_ns && m->report_ns < first ? m->report_ns : first;
}

int media_tick(struct media *m, uint64_t now_ns)
{
	int r = reorder_tick(m->reorder, now_ns);

	if (r == 0)
		r = depay_tick(m->depay, now_ns);
	if (m->report_ns && now_ns >= m->report_ns)
		report(m, now_ns);
	return r;
}
