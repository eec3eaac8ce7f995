/*
 * What is different between two configurations: for a person, in words, and for the mux, as what it
 * has to do. Pure: nothing is opened, nothing is changed.
 */
#ifndef FRAMEMUX_DAEMON_RELOAD_DIFF_H
#define FRAMEMUX_DAEMON_RELOAD_DIFF_H

#include "mux/daemon/camera.h"
#include "mux/daemon/config/config.h"
#include "mux/daemon/config/grants.h"

struct reload_change {
	char kind[LIMIT_KIND]; /* camera, grant, setting */
	char name[LIMIT_NAME];
	char what[LIMIT_KIND];     /* added, changed, removed, ... */
	char detail[LIMIT_CHANGE]; /* which keys; or from what to what */
	uint32_t epoch;            /* a camera's, from now on; of one that went, its last; else 0 */
};

struct reload_diff {
	struct reload_change *changes; /* owned */
	size_t n, room;
};

void reload_diff_free(struct reload_diff *d);

enum camera_difference {
	CAMERA_SAME,
	CAMERA_ADJUSTED, /* in what no process was told: it goes on */
	CAMERA_CHANGED,  /* another pair is needed, or it is another camera */
};

/* Of two records of one name. ret_detail: the keys of the configuration that differ. */
enum camera_difference reload_compare(const struct camera_record *old,
	const struct camera_record *now, char ret_detail[LIMIT_CHANGE]);

/* Each adds what it finds. 0 or -ENOMEM. */
int reload_diff_cameras(struct reload_diff *d, const struct camera_record *const *old, size_t n_old,
	const struct camera_record *now, size_t n_now);
int reload_diff_grants(struct reload_diff *d, const struct config *old, const struct config *now,
	const struct grants *old_grants, const struct grants *now_grants);
int reload_diff_settings(struct reload_diff *d, const struct config *old, const struct config *now);

/* What cannot change while framemuxd runs (and is reported as that) stays as it is. */
void reload_keep_fixed(const struct config *old, struct config *now);

#endif
