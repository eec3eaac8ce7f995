/* A listening socket in the loop: accepts at once; short of descriptors, not for a second. */
#ifndef FRAMEMUX_BROKER_LISTENER_H
#define FRAMEMUX_BROKER_LISTENER_H

#include <sys/types.h>

struct listener;
struct event_base;

struct peer {
	int fd; /* the taker's */
	pid_t pid;
	uid_t uid;
};

/* fd is borrowed: it is one of the role's fixed descriptors. 0 or -errno. */
int listener_new(struct event_base *base, int fd, void (*take)(void *data, struct peer peer),
	void *data, struct listener **ret);
void listener_free(struct listener *l);

#endif
