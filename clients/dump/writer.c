/* The thread that writes. Touches neither the connection nor a ring. In framemux-dump's process. */
#include "clients/dump/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct writer {
	struct output *output; /* borrowed */
	struct shot shot;      /* the thread's while is_busy, else the main thread's */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_busy, is_ending;
	int code;
	int done_fd; /* owned */
};

static void *work(void *data)
{
	struct writer *w = data;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		int code;

		while (!w->is_busy && !w->is_ending)
			pthread_cond_wait(&w->wake, &w->lock);
		if (!w->is_busy)
			break;
		pthread_mutex_unlock(&w->lock);
		code = output_put(w->output, &w->shot);
		pthread_mutex_lock(&w->lock);
		w->is_busy = false;
		w->code = code;
		(void)eventfd_write(w->done_fd, 1);
		if (code)
			break;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int writer_start(struct output *output, struct writer **ret)
{
	struct writer *w = calloc(1, sizeof(*w));
	int e;

	if (!w)
		return -ENOMEM;
	w->output = output;
	w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->done_fd < 0) {
		e = errno;
		free(w);
		return -e;
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	e = pthread_create(&w->thread, NULL, work, w);
	if (e) {
		close(w->done_fd);
		free(w);
		return -e;
	}
	*ret = w;
	return 0;
}

int writer_fd(const struct writer *w)
{
	return w->done_fd;
}

bool writer_poll(struct writer *w, int *ret_code)
{
	eventfd_t n;
	bool is_idle;

	(void)eventfd_read(w->done_fd, &n);
	pthread_mutex_lock(&w->lock);
	is_idle = !w->is_busy;
	*ret_code = w->code;
	pthread_mutex_unlock(&w->lock);
	return is_idle;
}

struct shot *writer_shot(struct writer *w)
{
	return &w->shot;
}

void writer_go(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->is_busy = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

int writer_stop(struct writer *w, int timeout_ms)
{
	struct pollfd p = {.fd = w->done_fd, .events = POLLIN};
	int code;

	while (!writer_poll(w, &code))
		if (poll(&p, 1, timeout_ms) == 0)
			return -ETIMEDOUT;
	pthread_mutex_lock(&w->lock);
	w->is_ending = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	close(w->done_fd);
	shot_clear(&w->shot);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
	return code;
}
