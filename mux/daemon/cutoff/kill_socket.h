/*
 * The kill switch's conversations: hello, then one request at a time. Whoever the socket lets in, the
 * admin_group, may see the policy in force; what changes something is asked of root, the mux's own uid
 * and admins alone, each time.
 */
#ifndef FRAMEMUX_KILL_SOCKET_H
#define FRAMEMUX_KILL_SOCKET_H

#include <stdint.h>

struct mux;
struct kill_socket;
struct talk;
struct wire_message;
struct policy_upload;

/* Serve m->listening.kill_fd. 0 or -ENOMEM. */
int kill_socket_new(struct mux *m, struct kill_socket **ret);
void kill_socket_free(struct kill_socket *s);

/* The mux ends: record who was refused and only counted so far. NULL: there is none. */
void kill_socket_flush(struct kill_socket *s);

uint32_t talk_uid(const struct talk *t);
uint32_t talk_pid(const struct talk *t);

struct policy_upload *talk_upload(struct talk *t);

/* A record of the present answer. */
void talk_record(struct talk *t, const struct wire_message *m, const void *msg);

/* One camera of the present answer; its end. status: 0 or an errno; reason: also a warning. */
void talk_camera(struct talk *t, const char *name);
void talk_done(
	struct talk *t, uint32_t request, uint32_t status, uint64_t elapsed_us, const char *reason);

#endif
