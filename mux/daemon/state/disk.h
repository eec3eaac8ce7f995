/*
 * The writer thread: everything that may wait for the disk while framemuxd runs. Jobs run one after
 * another in the order in which they came; their ends are told in the loop.
 */
#ifndef FRAMEMUX_DISK_H
#define FRAMEMUX_DISK_H

#include <event2/event.h>

#define DISK_JOBS_MAX 4096u

struct disk;

/* One job. run: in the writer thread, returns 0 or -errno. done: in the loop; frees data. */
struct disk_job {
	int (*run)(void *data);
	void (*done)(void *data, int result);
	void *data;
};

int disk_new(struct event_base *base, struct disk **ret);

/* 0, or -ENOBUFS when too many wait, -ENOMEM; then done is not called and data stays the caller's.
 */
int disk_submit(struct disk *d, const struct disk_job *job);

/* Let the jobs that wait finish, for a while; done is called for each that did. */
void disk_free(struct disk *d);

#endif
