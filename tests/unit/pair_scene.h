/*
 * The scene of whatever looks at framemuxd's pairs: one camera, and the host of its pair; and role
 * programs, where there are to be processes: the test program itself under their names. What it
 * cannot do ends the program with a line that says so.
 */
#ifndef FRAMEMUX_TESTS_PAIR_SCENE_H
#define FRAMEMUX_TESTS_PAIR_SCENE_H

#include "mux/daemon/pair/pair.h"

struct pair_scene {
	struct event_base *base; /* owned */
	struct roles roles;
	struct camera_record camera;
	struct pair_host host; /* tell, at_rest and keep are the test's to set */
	struct pair *pair;     /* the test's to make and free */
	uint8_t k_session[KEY_BYTES];
};

/* like: all but name and source of the camera, NULL: nothing special. */
void pair_scene_begin(
	struct pair_scene *s, const char *name, const char *url, const struct config_camera *like);
void pair_scene_end(struct pair_scene *s);

/* A folder with the programs of broker, ingest and decode; roles->folder says where. */
void role_folder_make(struct roles *roles);
void role_folder_remove(const struct roles *roles);

/* In such a program: the next message on fd, which must be m. 0 or -errno. */
int role_receive(int fd, const struct wire_message *m, void *ret);

/* Whether the other end of fd is gone, waiting for that so long (-1: as long as it takes). */
bool role_sees_end(int fd, int wait_ms);

#endif
