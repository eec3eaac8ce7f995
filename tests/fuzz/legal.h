/* What holds for a pair of framemuxd's whenever it has nothing more to do at once. */
#ifndef FRAMEMUX_TESTS_FUZZ_LEGAL_H
#define FRAMEMUX_TESTS_FUZZ_LEGAL_H

#include "fuzz.h"
#include "mux/daemon/pair/pair_private.h"

static inline void pair_must_be_legal(const struct pair *p)
{
	bool has_any = p->ingest || p->decode, has_links = p->ingest_link || p->decode_link;
	bool has_both = p->ingest && p->decode && p->ingest_link && p->decode_link;

	switch (p->phase) {
	case PAIR_REST:
	case PAIR_PAUSE:
		MUST(!has_any && !has_links && !p->connecting && !p->announced);
		MUST(p->broker_end < 0 && !p->udp.is_bound);
		MUST(p->phase == PAIR_REST || event_pending(p->timer, EV_TIMEOUT, NULL));
		MUST(p->phase != PAIR_REST || !pair_is_wanted(p));
		break;
	case PAIR_OPENING:
		MUST(!has_any && !has_links && p->connecting && !p->announced);
		break;
	case PAIR_BEARING:
		MUST(has_both && !p->connecting && !p->announced);
		MUST(event_pending(p->timer, EV_TIMEOUT, NULL));
		break;
	case PAIR_RUNNING:
		MUST(has_both && !p->connecting && p->announced && p->broker_end < 0);
		MUST(event_pending(p->health, EV_TIMEOUT, NULL));
		break;
	case PAIR_ENDING:
	case PAIR_DYING:
		MUST(has_any && !has_links && !p->connecting);
		break;
	}
	MUST(p->state != CAMERA_LIVE || p->announced);
	MUST(!p->block[0] || p->phase == PAIR_REST || p->phase == PAIR_ENDING ||
		p->phase == PAIR_DYING);
}

#endif
