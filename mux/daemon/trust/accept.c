/*
 * What cameras call themselves, to disk: as they are met, and when a person accepts that one calls
 * itself something else. Runs in framemuxd's loop; the writer thread gets copies.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/state/folder.h"

#define RETRY_MIN_S 1u
#define RETRY_MAX_S 300u

struct print_job {
	struct mux *mux;
	int folder;
	char *text; /* owned */
	size_t len;
	uint64_t life;
	uint32_t request;
};

static int run_prints(void *data)
{
	struct print_job *j = data;

	return folder_replace(j->folder, FINGERPRINTS_FILE, j->text, j->len, 0600, (unsigned)-1);
}

static void print_job_free(struct print_job *j)
{
	free(j->text);
	free(j);
}

/* All of them as they are now. */
static int make_text(const struct mux *m, char **ret, size_t *ret_len)
{
	size_t n = m->pair_host.n_pairs;
	cleanup_free struct fingerprint_record *records = calloc(n + 1, sizeof(*records));

	if (!records)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		records[i] = *pair_record(m->pair_host.pairs[i]);
	return fingerprint_file_text(records, n, ret, ret_len);
}

static int submit(const struct print_job *what, void (*done)(void *data, int result))
{
	struct print_job *j = malloc(sizeof(*j));
	struct disk_job job = {.run = run_prints, .done = done, .data = j};
	int rc = -ENOMEM;

	if (!j)
		return rc;
	*j = *what;
	j->folder = state_folder(j->mux->state);
	rc = make_text(j->mux, &j->text, &j->len);
	if (!rc)
		rc = disk_submit(j->mux->disk, &job);
	if (rc < 0)
		print_job_free(j);
	return rc;
}

static void complain(int rc)
{
	log_error("what cameras call themselves is not kept: %s", strerror(-rc));
}

static void on_retry(evutil_socket_t fd, short what, void *data)
{
	struct mux *m = data;

	(void)fd;
	(void)what;
	if (m->prints_changed && !m->stopping)
		mux_keep_prints(m);
}

/*
 * A block that is not on disk would not outlast a restart. The next change of any camera's is another
 * attempt; without memory for a timer it is the only one.
 */
static void retry_later(struct mux *m)
{
	struct timeval tv;

	m->prints_changed = true;
	m->prints_pause_s = m->prints_pause_s ? 2 * m->prints_pause_s : RETRY_MIN_S;
	if (m->prints_pause_s > RETRY_MAX_S)
		m->prints_pause_s = RETRY_MAX_S;
	tv = (struct timeval){.tv_sec = m->prints_pause_s};
	if (!m->prints_timer)
		m->prints_timer = evtimer_new(m->base, on_retry, m);
	if (m->prints_timer)
		(void)evtimer_add(m->prints_timer, &tv);
}

void mux_free_prints(struct mux *m)
{
	if (m->prints_timer)
		event_free(m->prints_timer);
	m->prints_timer = NULL;
}

static void prints_done(void *data, int result)
{
	struct print_job *j = data;
	struct mux *m = j->mux;

	print_job_free(j);
	m->prints_pending = false;
	if (result < 0) {
		complain(result);
		retry_later(m); /* with what has changed meanwhile */
		return;
	}
	m->prints_pause_s = 0;
	if (m->prints_changed && !m->stopping) /* else mux_write_prints does */
		mux_keep_prints(m);
}

void mux_write_prints(const struct mux *m)
{
	cleanup_free char *text = NULL;
	size_t len;
	int rc = make_text(m, &text, &len);

	if (!rc)
		rc = folder_replace(
			state_folder(m->state), FINGERPRINTS_FILE, text, len, 0600, (unsigned)-1);
	if (rc < 0)
		complain(rc);
}

/* Many cameras met at one moment are one or two files, not one each. */
void mux_keep_prints(void *mux)
{
	struct mux *m = mux;
	int rc;

	m->prints_changed = m->prints_pending;
	if (m->prints_pending)
		return;
	rc = submit(&(struct print_job){.mux = m}, prints_done);
	m->prints_pending = rc == 0;
	if (rc < 0) {
		complain(rc);
		retry_later(m);
	}
}

static void accept_done(void *data, int result)
{
	struct print_job *j = data;
	struct msg_camera_accepted accepted = {.request = j->request, .status = (uint32_t)-result};

	if (result < 0)
		complain(result);
	if (broker_life(j->mux->broker) == j->life)
		broker_send(j->mux->broker, &wire_camera_accepted, &accepted, NULL, 0);
	print_job_free(j);
}

int mux_accept(struct mux *m, uint32_t request, struct pair *p)
{
	log_notice("camera %s: accepted as it is now", pair_camera(p)->name);
	pair_accept(p);
	return submit(
		&(struct print_job){.mux = m, .life = broker_life(m->broker), .request = request},
		accept_done);
}
