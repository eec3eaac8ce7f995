/* The writer thread of framemuxd. Knows nothing of what it writes. */
#include "mux/daemon/state/disk.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#define DISK_END_S 2 /* a disk that hangs does not keep framemuxd from ending */

struct entry {
	STAILQ_ENTRY(entry) next;
	struct disk_job job;
	int result;
};

STAILQ_HEAD(entries, entry);

struct disk {
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows it */
	pthread_cond_t wake;
	struct entries waiting, finished;
	size_t n;
	bool ending;
	int event_fd; /* owned */
	struct event *event;
};

static void *write_jobs(void *data)
{
	struct disk *d = data;

	pthread_mutex_lock(&d->mutex);
	for (;;) {
		struct entry *e = STAILQ_FIRST(&d->waiting);
		uint64_t one = 1;

		if (!e && d->ending)
			break;
		if (!e) {
			pthread_cond_wait(&d->wake, &d->mutex);
			continue;
		}
		STAILQ_REMOVE_HEAD(&d->waiting, next);
		pthread_mutex_unlock(&d->mutex);
		e->result = e->job.run(e->job.data);
		pthread_mutex_lock(&d->mutex);
		STAILQ_INSERT_TAIL(&d->finished, e, next);
		(void)!write(
			d->event_fd, &one, sizeof(one)); /* a counter: never full in practice */
	}
	pthread_mutex_unlock(&d->mutex);
	return NULL;
}

static void finish_jobs(struct disk *d)
{
	struct entries finished = STAILQ_HEAD_INITIALIZER(finished);
	struct entry *e;

	pthread_mutex_lock(&d->mutex);
	STAILQ_CONCAT(&finished, &d->finished);
	pthread_mutex_unlock(&d->mutex);
	while ((e = STAILQ_FIRST(&finished))) {
		STAILQ_REMOVE_HEAD(&finished, next);
		pthread_mutex_lock(&d->mutex);
		d->n--;
		pthread_mutex_unlock(&d->mutex);
		e->job.done(e->job.data, e->result);
		free(e);
	}
}

static void on_event(evutil_socket_t fd, short what, void *data)
{
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	finish_jobs(data);
}

/* Signals are the loop's: the thread takes none. */
static int start_thread(struct disk *d)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&d->thread, NULL, write_jobs, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

int disk_new(struct event_base *base, struct disk **ret)
{
	struct disk *d = calloc(1, sizeof(*d));
	int rc = -ENOMEM;

	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->wake, NULL);
	STAILQ_INIT(&d->waiting);
	STAILQ_INIT(&d->finished);
	d->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->event_fd >= 0)
		d->event = event_new(base, d->event_fd, EV_READ | EV_PERSIST, on_event, d);
	if (d->event && event_add(d->event, NULL) == 0)
		rc = start_thread(d);
	if (rc < 0) {
		if (d->event)
			event_free(d->event);
		if (d->event_fd >= 0)
			close(d->event_fd);
		free(d);
		return rc;
	}
	*ret = d;
	return 0;
}

int disk_submit(struct disk *d, const struct disk_job *job)
{
	struct entry *e = malloc(sizeof(*e));
	int rc = 0;

	if (!e)
		return -ENOMEM;
	e->job = *job;
	pthread_mutex_lock(&d->mutex);
	if (d->n >= DISK_JOBS_MAX) {
		rc = -ENOBUFS;
	} else {
		d->n++;
		STAILQ_INSERT_TAIL(&d->waiting, e, next);
		pthread_cond_signal(&d->wake);
	}
	pthread_mutex_unlock(&d->mutex);
	if (rc < 0)
		free(e);
	return rc;
}

void disk_free(struct disk *d)
{
	struct timespec until;

	if (!d)
		return;
	pthread_mutex_lock(&d->mutex);
	d->ending = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->mutex);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DISK_END_S;
	if (pthread_timedjoin_np(d->thread, NULL, &until) != 0)
		return; /* the thread still uses it; the process ends now */
	finish_jobs(d);
	event_free(d->event);
	close(d->event_fd);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->mutex);
	free(d);
}
