/*
 * A real broker in a process of its own, with everybody around it played by the test: framemuxd,
 * decoders, clients, framemuxctl. Each helper checks what it passes through and fails the test.
 */
#ifndef FRAMEMUX_TESTS_BROKER_SCENE_H
#define FRAMEMUX_TESTS_BROKER_SCENE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/protocol.h"
#include "mux/audit_note.h"
#include "mux/link/broker_decode.h"
#include "mux/link/daemon_broker.h"

#define SCENE_CAMERAS 2u
#define SCENE_KEY_ID  7u

extern const char *const scene_names[SCENE_CAMERAS]; /* "porch" and "yard" */

struct scene {
	pid_t broker;
	int daemon; /* framemuxd's end of the link */
	char folder[64], clients_path[96], control_path[96];
	uint8_t root[KEY_BYTES], k_session[KEY_BYTES];
	struct camera_id camera[SCENE_CAMERAS];
	struct msg_broker_ready ready;
	int idle_fds; /* of the broker, when it was ready */
};

/* What a configuration may hold besides the two cameras. */
struct scene_setup {
	uint32_t quota_mb, stale_after_ms; /* 0: 64, 1000 */
	const struct msg_broker_grant *grant;
	const uint8_t *revoked; /* TOKEN_ID_BYTES */
	const struct msg_broker_key *older;
	struct msg_grant_token *ret_token;
};

struct viewer {
	int fd;
	uint8_t challenge[TOKEN_CHALLENGE_BYTES];
};

struct pair {
	int fd; /* the decoder's end */
	unsigned camera;
	uint64_t generation;
};

/* One attach from the decoder's and from the client's side. */
struct given {
	struct msg_ring_give give;
	uint8_t *map;
	uint64_t bytes;
	int socket;
};
struct watched {
	struct msg_attach attach;
	int ring_fd;
	const uint8_t *map;
	const volatile uint32_t *dead;
	int socket;
};

void scene_begin(struct scene *s, const struct scene_setup *setup);
/* framemuxd goes away: the broker's exit status. */
int scene_end(struct scene *s);
int scene_broker_fds(const struct scene *s);

/*
 * What the broker had recorded. framemuxd answers at once, with status, unless is_held; scene_begin
 * sets it back.
 */
#define SCENE_NOTES 256u
struct scene_audit {
	struct msg_audit_note notes[SCENE_NOTES];
	unsigned n;
	uint32_t status;
	bool is_held;
};
extern struct scene_audit scene_audit;

/* Until there are so many; the first of this event. */
void scene_audit_wait(unsigned n);
const struct msg_audit_note *scene_note(uint32_t event);

/* The next message must be m, with n_fds descriptors. */
void expect(int fd, const struct wire_message *m, void *msg, int *fds, size_t n_fds);
/* Until something can be read, while framemuxd does its work. */
void expect_something(int fd);
void expect_silence(int fd, int ms);
void expect_end(int fd);
void tell(int fd, const struct wire_message *m, const void *msg);
void expect_state(int fd, uint32_t view, uint32_t state);

void token_for(const struct scene *s, unsigned camera, uint64_t not_after, struct token *ret);

void viewer_connect(const struct scene *s, struct viewer *ret);
void viewer_ask(const struct viewer *v, const struct token *t, struct msg_open o);
/* Asked, accepted and told CONNECTING; the lease's number. */
uint64_t viewer_lease(const struct viewer *v, const struct token *t, struct msg_open o);
void viewer_end(struct viewer *v);

/* The next message to framemuxd that does not ask for a pair to be killed. */
void expect_but_kills(const struct scene *s, const struct wire_message *m, void *msg);

void expect_want(const struct scene *s, unsigned camera, uint32_t leases);
void camera_says(const struct scene *s, unsigned camera, uint32_t state, const char *reason);

void pair_begin(const struct scene *s, unsigned camera, uint64_t generation, struct pair *ret);
void pair_format(const struct pair *p, uint32_t serial, uint32_t width, uint32_t height);
/* Killed and reaped, as framemuxd would: its end of the link closed first. */
void pair_end(const struct scene *s, struct pair *p, const char *reason);

void give_take(const struct pair *p, struct given *ret); /* ring_give: checked and mapped */
void give_mapped(const struct pair *p, const struct given *g);
void give_drop(const struct pair *p, struct given *g); /* ring_drop: unmap, let_go */
void watch_take(const struct scene *s, const struct viewer *v, struct watched *ret);
void watch_ack(const struct viewer *v, const struct watched *w);
void watch_end(struct watched *w);

/* The whole way to frames. */
void attach_all(const struct scene *s, const struct pair *p, const struct viewer *v,
	struct given *g, struct watched *w);

bool all_zero(const uint8_t *p, size_t n);

int control_open(const struct scene *s);
/* Reads records up to done; *ret_ended counts ctl_ended. */
void control_finish(int fd, struct msg_ctl_done *ret_done, unsigned *ret_ended);

#endif
