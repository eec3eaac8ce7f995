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

#include "common/limits.h"

struct mux;
struct kill_switch;

/* While starting: what was cut off in an earlier life. 0, or -errno and why. */
int kill_switch_load(struct mux *m, struct kill_switch **ret, char *ret_why, size_t why_size);
void kill_switch_free(struct kill_switch *k);

/* At the end, when the writer thread is gone: what changed behind the last that it wrote. */
void kill_switch_write_rest(struct kill_switch *k);

/* Whether it has cut off this camera, or its vendor, and why. */
struct camera_record;
bool kill_switch_cuts_off(
	const struct kill_switch *k, const struct camera_record *cam, char ret_why[LIMIT_REASON]);

/* A new broker: the users; and how many messages that are. */
void kill_switch_introduce(struct kill_switch *k);
size_t kill_switch_messages(const struct kill_switch *k);

/* ---- for kill_socket.c --------------------------------------------------------------- */

struct talk;
struct msg_ctl_switch;

/* The answer follows, once what is cut off is erased and reaped and all of it on disk; or -errno. */
int kill_switch_ask(struct kill_switch *k, struct talk *asker, const struct msg_ctl_switch *ask);
void kill_switch_forget(struct kill_switch *k, const struct talk *asker);

#endif
