/*
 * Writes an audit log as of one busy day into FOLDER/audit and says what a record costs: with the
 * disk waited for after each batch, in batches of one and of many.
 *
 *	bench_audit FOLDER RECORDS
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "mux/audit_note.h"
#include "mux/daemon/audit/audit_file.h"

#define DAY_MS    86400000ull
#define ALONE_MAX 200u /* records that each wait for the disk by themselves */
#define BATCH     64u
#define CAMERAS   8u

static void note(uint64_t i, struct audit_body *ret)
{
	static const uint32_t kinds[] = {AUDIT_EVENT_OPEN, AUDIT_EVENT_ALIVE, AUDIT_EVENT_ALIVE,
		AUDIT_EVENT_ALIVE, AUDIT_EVENT_CLOSE};
	struct msg_audit_note m = {.event = kinds[i % 5],
		.epoch = 1,
		.lease = i / 5 + 1,
		.uid = 1000 + (uint32_t)(i / 5 % 16),
		.pid = 4000,
		.generation = 1,
		.last_generation = 1,
		.published = 1500,
		.delivered = 1490,
		.dropped = 10,
		.label = "hallway panel",
		.reason = "closed by the client"};

	snprintf(m.camera, sizeof(m.camera), "camera%u", (unsigned)(i / 5 % CAMERAS));
	memcpy(m.token, &m.lease, sizeof(m.lease));
	audit_note_body(&m, ret);
}

static uint64_t write_records(struct audit_file *f, uint64_t *at, uint64_t n, size_t batch,
	uint64_t begin_ms, uint64_t step_ms)
{
	static struct audit_body bodies[BATCH];
	struct audit_entry entries[BATCH];
	uint64_t began = clock_monotonic_ns(), end = *at + n;

	while (*at < end) {
		size_t k = 0;

		for (; k < batch && *at < end; k++, ++*at) {
			note(*at, &bodies[k]);
			entries[k] = (struct audit_entry){begin_ms + *at * step_ms, bodies[k].text};
		}
		if (audit_file_append(f, entries, k) < 0) {
			fputs("bench_audit: cannot append\n", stderr);
			exit(EXIT_FAILURE);
		}
	}
	return clock_monotonic_ns() - began;
}

int main(int argc, char **argv)
{
	const struct audit_limits limits = {16u << 20, 256u << 20, 4096};
	uint64_t n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0, at = 0, alone, many;
	uint64_t begin_ms = clock_read_ns(CLOCK_REALTIME) / NS_PER_MS - DAY_MS;
	struct audit_found found;
	struct audit_file *f;
	int folder;

	if (n < 2 * ALONE_MAX || sodium_init() < 0) {
		fputs("usage: bench_audit FOLDER RECORDS (400 at least)\n", stderr);
		return EXIT_FAILURE;
	}
	folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || audit_file_open(folder, &limits, NULL, &f, &found) < 0) {
		fputs("bench_audit: cannot open the log\n", stderr);
		return EXIT_FAILURE;
	}
	alone = write_records(f, &at, ALONE_MAX, 1, begin_ms, DAY_MS / n);
	many = write_records(f, &at, n - ALONE_MAX, BATCH, begin_ms, DAY_MS / n);
	(void)audit_file_settle(f);
	printf("{\"alone_us\":%.1f,\"batched_us\":%.1f}\n", (double)alone / 1e3 / ALONE_MAX,
		(double)many / 1e3 / (double)(n - ALONE_MAX));
	audit_file_close(f);
	close(folder);
	return 0;
}
