/* What status shows of a pair. Runs in framemuxd's loop; /proc does not wait. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "mux/daemon/pair/pair_private.h"

/* Of /proc/PID/stat (proc(5)), counted behind the name: utime, stime and rss. */
#define STAT_UTIME 11
#define STAT_STIME 12
#define STAT_RSS   21

/* CPU time and memory of a child; adds to what is there. */
static void add_usage(pid_t pid, uint64_t *cpu_ms, uint64_t *rss_kib)
{
	char path[64], text[1024], *p, *save = NULL;
	cleanup_fd int fd = -1;
	ssize_t n;

	if (pid <= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = 0;
	p = strrchr(text, ')'); /* the name may hold blanks and brackets */
	if (!p)
		return;
	p = strtok_r(p + 1, " ", &save);
	for (int i = 0; p; i++, p = strtok_r(NULL, " ", &save)) {
		uint64_t v = strtoull(p, NULL, 10);

		if (i == STAT_UTIME || i == STAT_STIME)
			*cpu_ms += v * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
		if (i == STAT_RSS)
			*rss_kib += v * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	}
}

uint64_t pair_shared_mib(const struct pair *p)
{
	unsigned long long pages = 0;
	char path[64], text[128];
	cleanup_fd int fd = -1;
	ssize_t n;

	if (!p->decode)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/statm", child_pid(p->decode));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = 0;
	if (sscanf(text, "%*u %*u %llu", &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;
}

void pair_survey(const struct pair *p, uint32_t request, struct msg_survey_camera *ret)
{
	uint64_t now = clock_monotonic_ns(), frame = p->beat.last_frame_ns;

	memset(ret, 0, sizeof(*ret));
	ret->request = request;
	memcpy(ret->id, p->camera->id.b, sizeof(ret->id));
	ret->state = p->state;
	pair_reason_now(p, now, ret->reason);
	ret->generation = p->generation;
	memcpy(ret->codec, p->beat.codec, sizeof(ret->codec));
	ret->width = p->beat.width;
	ret->height = p->beat.height;
	ret->fps_milli = p->beat.fps_milli;
	ret->frames_decoded = p->beat.frames_decoded;
	ret->frames_corrupt = p->beat.frames_corrupt;
	if (frame && frame < now)
		ret->last_frame_age_ms = (now - frame) / NS_PER_MS;
	ret->reconnects = p->reconnects;
	ret->ingest_pid = (uint32_t)child_pid(p->ingest);
	ret->decode_pid = (uint32_t)child_pid(p->decode);
	add_usage(child_pid(p->ingest), &ret->cpu_ms, &ret->rss_kib);
	add_usage(child_pid(p->decode), &ret->cpu_ms, &ret->rss_kib);
}
