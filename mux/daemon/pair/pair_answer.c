/*
 * A camera that closes its connection together with its challenge: what ingest asked to have said is
 * kept here, and the next life, which is born at once, says it with its first request. Runs in
 * framemuxd's loop; ingest is never given anything that it was not answered before.
 */
#include <sodium.h>
#include <string.h>

#include "mux/daemon/pair/pair_private.h"

void pair_keep_answer(struct pair *p, const struct msg_digest_answer *answer)
{
	memcpy(p->authorization, answer->authorization, sizeof(p->authorization));
}

/*
 * Only once: a life that was born with an answer and has failed with it waits as any other, so that
 * no camera has processes born without a pause.
 */
void pair_answer_in_next_life(struct pair *p)
{
	bool has_basic = p->camera->basic && p->camera->tls && p->camera->password;

	p->answer_next = !p->was_answered && (p->authorization[0] || has_basic);
}

void pair_begin_answered(struct pair *p)
{
	p->was_answered = p->answer_next;
	p->answer_next = false;
	if (!p->was_answered)
		sodium_memzero(p->authorization, sizeof(p->authorization));
}

int pair_hand_answer(struct pair *p)
{
	struct msg_digest_answer answer = {0};
	int rc;

	if (!p->was_answered)
		return 0;
	if (p->authorization[0])
		memcpy(answer.authorization, p->authorization, sizeof(answer.authorization));
	else
		pair_write_basic(p->camera, answer.authorization);
	rc = peer_send(p->ingest_link, &wire_digest_answer, &answer, NULL, 0);
	sodium_memzero(&answer, sizeof(answer));
	sodium_memzero(p->authorization, sizeof(p->authorization)); /* a nonce's count is used up */
	return rc;
}
