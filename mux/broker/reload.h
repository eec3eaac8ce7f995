/*
 * A reload as the broker sees it: framemuxctl asks, framemuxd says what is over and what is new,
 * and the broker tells when the last lease that had to end has ended. What a configuration says is
 * framemuxd's affair; the two steps are described in mux/link/daemon_broker.h.
 */
#ifndef FRAMEMUX_BROKER_RELOAD_H
#define FRAMEMUX_BROKER_RELOAD_H

#include "common/token.h"
#include "mux/broker/broker.h"
#include "mux/link/daemon_broker.h"

struct control;

int reload_init(struct broker *b);
void reload_free_all(struct broker *b);

/* From framemuxctl. 0: the answer follows through control.h; -ENOMEM. */
int reload_ask(struct broker *b, struct control *asker, uint32_t request);
void reload_forget_asker(struct broker *b, const struct control *asker);

/* From framemuxd: parts of the answer, and its end. */
void reload_tell_change(struct broker *b, const struct msg_reload_change *m);
void reload_tell_fault(struct broker *b, const struct msg_reload_fault *m);
void reload_tell_done(struct broker *b, const struct msg_reload_done *m);

/* From framemuxd: this token is dead, its leases end. 0 or -ENOMEM. */
int reload_end_token(struct broker *b, const uint8_t id[TOKEN_ID_BYTES], const char *reason);

/* From framemuxd: say when all that ends by the reload is over. 0; -EINVAL: it waits already. */
int reload_clear(struct broker *b, uint32_t request);

/* A lease or a pair has ended: look, from the loop, whether that was the last one. */
void reload_check_soon(struct broker *b);

#endif
