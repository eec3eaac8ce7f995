/*
 * The cameras by id, what framemuxd last said of each, its leases, and its present pair. Of a
 * camera's record only state, pair and vendor ever change; one that a reload takes away is unknown
 * by name at once and forgotten when its leases and its pair have ended.
 */
#ifndef FRAMEMUX_BROKER_CAMERA_H
#define FRAMEMUX_BROKER_CAMERA_H

#include "common/camera_state.h"
#include "common/identity.h"
#include "mux/broker/broker.h"
#include "mux/link/daemon_broker.h"

struct camera {
	LIST_ENTRY(camera) link;
	struct broker *broker; /* borrowed */
	struct camera_id id;
	char name[LIMIT_NAME], vendor[LIMIT_LABEL];
	uint32_t epoch;
	bool is_gone; /* by a reload */
	enum camera_state state;
	char reason[LIMIT_REASON];
	struct decoder *decoder; /* owned; the present pair's, or NULL */
	LIST_HEAD(, tenure) tenures;
	struct event *want_timer, *refit_timer; /* owned */
	uint32_t wanted;                        /* leases, as framemuxd was last told */
	uint64_t refit_not_before_ns; /* monotonic: camera-caused attaches, one a second */
};

/* 0, -EEXIST, -ENOMEM. */
int camera_add(struct broker *b, const struct msg_broker_camera *m);
void camera_free_all(struct broker *b);

/* A reload names it again: it takes its place in the order, and its vendor. 0 or -EINVAL. */
int camera_stays(struct camera *c, const struct msg_broker_camera *m);

/* A reload ends its leases; stays: for another pair, else it is gone. */
void camera_end(struct camera *c, bool stays, const char *reason);

/* Forget what is gone and has neither leases nor a pair. True: nothing of the kind is left. */
bool camera_sweep(struct broker *b);

/* NULL when there is none; by name never one that is gone. */
struct camera *camera_by_id(const struct broker *b, const uint8_t id[CAMERA_ID_BYTES]);
struct camera *camera_by_name(const struct broker *b, const char *name);

/* Whether an attach may begin: the pair is there, its format known, and nothing says dark. */
bool camera_is_showing(const struct camera *c);

/* Tell framemuxd how many leases want it, if that has changed. */
void camera_count_wanted(struct camera *c);

/* What leases of a disabled or blocked camera end with. */
void camera_end_reason(const struct camera *c, char ret[LIMIT_REASON]);

/* framemuxd is to block it until a person accepts it: somebody is left who writes its rings. */
void camera_ask_block(struct camera *c, const char *reason);

/* From framemuxd. */
void camera_news(struct camera *c, uint32_t state, const char *reason);
int camera_pair_born(struct camera *c, uint64_t generation, int *fd); /* takes *fd */
void camera_pair_dead(struct camera *c, uint64_t generation, const char *reason);

/* From the decoder: its format is another (or its first) one. */
void camera_format_changed(struct camera *c);

#endif
