/*
 * The lease socket: frames and beats from the decoder, credits to it. The decoder may be hostile:
 * every value of a message is checked before use, and a frame is shown only once its tag is good.
 */
#ifndef FRAMEMUX_LIB_FRAMES_H
#define FRAMEMUX_LIB_FRAMES_H

#include "clients/lib/ring.h"

/*
 * Take what has come, a bounded part of it. The newest frame wins, all others go back at once.
 * 1: a newer verified frame is ready; 0: none; -EPIPE: the decoder's end is closed; -EBADMSG: the
 * decoder broke the rules or the frame is not what its tag vouches for, and *ret_seq says which
 * frame; -ESTALE: the ring has been erased, without a dead mark. The caller ends the attach on
 * -EBADMSG and -ESTALE. ret_seq is set on -EBADMSG only.
 */
int frames_drain(struct ring *r, uint64_t *ret_seq);

/*
 * Hand the ready frame to the application. -EAGAIN: none; -ESTALE: older than the attach permits
 * (it went back) or erased meanwhile.
 */
int frames_acquire(struct ring *r, const struct framemux_frame **ret);

/* Whether an acquired frame may still be shown: 0 or -ESTALE. */
int frames_check(const struct ring *r, unsigned slot);

/* Take an acquired frame back from the application. */
void frames_release(struct ring *r, unsigned slot);

/* Give the ready frame back unseen: it has become too old. */
void frames_drop_ready(struct ring *r);

#endif
