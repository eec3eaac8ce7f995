/*
 * The kill switch: framemuxctl disable and enable, of a camera, of a vendor's cameras, of a user. It
 * is framemuxd's alone, on a socket of its own beside the control socket: the broker can neither
 * overrule it nor keep it from working. What it cuts off stays so over restarts, until that is
 * lifted by hand. Runs in framemuxd's loop.
 */
#ifndef FRAMEMUX_KILL_SWITCH_H
#define FRAMEMUX_KILL_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mux;
struct kill_switch;

/* While starting: what was cut off in an earlier life. 0, or -errno and why. */
int kill_switch_load(struct mux *m, struct kill_switch **ret, char *ret_why, size_t why_size);
void kill_switch_free(struct kill_switch *k);

/* Cut off those of the pairs that are to be, and let the others live. After a reload, too. */
void kill_switch_apply(struct kill_switch *k);

/* A new broker: the users; and how many messages that are. */
void kill_switch_introduce(struct kill_switch *k);
size_t kill_switch_messages(const struct kill_switch *k);

/* ---- for kill_socket.c --------------------------------------------------------------- */

struct talk;
struct msg_ctl_switch;

/* The answer follows, once what is cut off is erased and reaped and all of it on disk; or -errno. */
int kill_switch_ask(struct kill_switch *k, struct talk *asker, const struct msg_ctl_switch *ask);
void kill_switch_forget(struct kill_switch *k, const struct talk *asker);

/* ---- from the rest of framemuxd ------------------------------------------------------ */

void kill_switch_drained(struct kill_switch *k, uint32_t request);
void kill_switch_broker_fell(struct kill_switch *k);
void kill_switch_at_rest(struct kill_switch *k);

#endif
