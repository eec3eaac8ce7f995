/*
 * How an attach ends: one path for close, revoke, expiry, the client's death, the camera's, another
 * format, and stop. Event-driven; several run side by side; each is bounded by the decoder's
 * letting go or its death.
 *
 *	1 dead mark  2 ring_drop to the decoder  3 erase  4 no writer left: let go, or killed
 *	5 erase again  6 the lease's client is told  7 log, unmap, close
 *
 * A decoder that does not let go is killed with everybody's frames of that camera. Where somebody's
 * right has ended that is after 20 ms, and a little more for each ring that it was to let go of
 * before; where a client only closed its view, or the camera changed, a decoder that is busy with
 * one large frame on a loaded machine gets longer: what the client could still see is dead and
 * erased already. Nobody is killed for a ring that the kernel knows to have no writer.
 */
#ifndef FRAMEMUX_BROKER_ERASE_H
#define FRAMEMUX_BROKER_ERASE_H

#include "mux/broker/attach.h"

/* Begin to end a, from whichever phase; may be over, and a freed, on return. */
void erase_begin(struct attach *a);

/* It is a revocation now: no more patience than that has. */
void erase_hasten(struct attach *a);

/* From the decoder: it has let go. From framemuxd: its pair is dead (a->decoder is NULL). */
void erase_let_go(struct attach *a);
void erase_writer_dead(struct attach *a);

/* From the attach's timer. */
void erase_on_timer(struct attach *a);

/* Clear what is left, whatever is still mapped: the last act of a broker that stops. */
void erase_all_now(struct broker *b);

#endif
