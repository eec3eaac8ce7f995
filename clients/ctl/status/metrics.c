/*
 * Status as OpenMetrics text (OpenMetrics 1.0). Labels are names of cameras and states, and uids;
 * never a token, a lease or a person's text, so that there are only so many series. In framemuxctl's
 * process.
 */
#include "clients/ctl/status/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "common/camera_state.h"

#define UIDS_MAX 64u /* with series of their own; of the others there is a sum */

/* A family whose one sample is a member of a message; a number of 10^-decimals of its unit. */
struct family {
	const char *name, *unit, *help; /* unit: the end of the name, or "" */
	bool is_counter;
	size_t offset, size;
	unsigned decimals;
};

#define MEMBER(T, member) offsetof(T, member), sizeof(((T *)0)->member)

#define OF_MUX(member) MEMBER(struct msg_ctl_mux, member)
static const struct family mux_families[] = {
	{"framemux_uptime_seconds", "seconds", "Time since framemuxd started", false,
		OF_MUX(uptime_ns), 9},
	{"framemux_walls_full", "", "1 if every wall that the kernel can give is up", false,
		OF_MUX(walls_full), 0},
	{"framemux_leases_opened", "", "Leases that began", true, OF_MUX(leases_opened), 0},
	{"framemux_leases_refused", "", "Requests for a lease that were refused", true,
		OF_MUX(leases_refused), 0},
	{"framemux_revokes", "", "Revocations", true, OF_MUX(revokes), 0},
	{"framemux_revoke_max_seconds", "seconds", "The longest revocation until all was erased",
		false, OF_MUX(revoke_us_max), 6},
	{"framemux_erased_bytes", "bytes", "Ring memory that was erased", true,
		OF_MUX(erased_bytes), 0},
	{"framemux_provenance_failures", "", "Frames that were not what their tag says", true,
		OF_MUX(provenance_failures), 0},
	{"framemux_audit_records", "", "Number of the newest record of the audit log", true,
		OF_MUX(audit_records), 0},
};

#define OF_CAMERA(member) MEMBER(struct msg_ctl_camera, member)
static const struct family camera_families[] = {
	{"framemux_camera_epoch", "", "Changes of what the camera is", false, OF_CAMERA(epoch), 0},
	{"framemux_camera_generation", "", "Number of its present pair of processes", false,
		OF_CAMERA(generation), 0},
	{"framemux_camera_width_pixels", "pixels", "Width of its pictures", false, OF_CAMERA(width),
		0},
	{"framemux_camera_height_pixels", "pixels", "Height of its pictures", false,
		OF_CAMERA(height), 0},
	{"framemux_camera_rate_hertz", "hertz", "Frames a second, as measured", false,
		OF_CAMERA(fps_milli), 3},
	{"framemux_camera_frames_decoded", "", "Frames decoded by its present pair", true,
		OF_CAMERA(frames_decoded), 0},
	{"framemux_camera_frames_corrupt", "", "Of these, damaged ones", true,
		OF_CAMERA(frames_corrupt), 0},
	{"framemux_camera_last_frame_age_seconds", "seconds", "Age of its newest frame, 0: none",
		false, OF_CAMERA(last_frame_age_ms), 3},
	{"framemux_camera_reconnects", "", "Times that it was connected again", true,
		OF_CAMERA(reconnects), 0},
	{"framemux_camera_cpu_seconds", "seconds", "Processor time of its present pair", true,
		OF_CAMERA(cpu_ms), 3},
};

#define OF_UID(member) MEMBER(struct msg_ctl_uid, member)
static const struct family uid_families[] = {
	{"framemux_uid_leases", "", "Leases of a user", false, OF_UID(leases), 0},
	{"framemux_uid_ring_bytes", "bytes", "Ring memory charged to a user", false, OF_UID(bytes),
		0},
	{"framemux_uid_held_bytes", "bytes", "Of this, of ended leases and still mapped", false,
		OF_UID(held_bytes), 0},
};

#define N(list) (sizeof(list) / sizeof((list)[0]))

static void put_head(
	FILE *f, const char *name, const char *type, const char *unit, const char *help)
{
	fprintf(f, "# TYPE %s %s\n", name, type);
	if (*unit)
		fprintf(f, "# UNIT %s %s\n", name, unit);
	fprintf(f, "# HELP %s %s.\n", name, help);
}

static void put_family(FILE *f, const struct family *m)
{
	put_head(f, m->name, m->is_counter ? "counter" : "gauge", m->unit, m->help);
}

static void put_label(FILE *f, const char *name, const char *value)
{
	fprintf(f, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", f);
		else
			fprintf(f, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
	}
	fputc('"', f);
}

/* Exactly, as no double holds all of them. */
static void put_number(FILE *f, uint64_t v, unsigned decimals)
{
	uint64_t scale = 1;

	for (unsigned i = 0; i < decimals; i++)
		scale *= 10;
	fprintf(f, "%" PRIu64, v / scale);
	if (decimals)
		fprintf(f, ".%0*" PRIu64, (int)decimals, v % scale);
	fputc('\n', f);
}

static uint64_t member_of(const struct family *m, const void *record)
{
	uint32_t narrow;
	uint64_t wide;

	if (m->size == sizeof(wide)) {
		memcpy(&wide, (const uint8_t *)record + m->offset, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, (const uint8_t *)record + m->offset, sizeof(narrow));
	return narrow;
}

/* label NULL: none. */
static void put_sample(
	FILE *f, const struct family *m, const char *label, const char *value, uint64_t v)
{
	fprintf(f, "%s%s", m->name, m->is_counter ? "_total" : "");
	if (label) {
		fputc('{', f);
		put_label(f, label, value);
		fputc('}', f);
	}
	fputc(' ', f);
	put_number(f, v, m->decimals);
}

static void put_mux(FILE *f, const struct msg_ctl_mux *mux)
{
	put_head(f, "framemux_build", "info", "", "The version that runs");
	fputs("framemux_build_info{", f);
	put_label(f, "version", mux->version);
	fputs("} 1\n", f);
	for (size_t i = 0; i < N(mux_families); i++) {
		put_family(f, &mux_families[i]);
		put_sample(f, &mux_families[i], NULL, NULL, member_of(&mux_families[i], mux));
	}
	put_head(f, "framemux_audit_ok", "gauge", "",
		"1 if the audit log is as it should be, and grants are recorded");
	fprintf(f, "framemux_audit_ok %d\n", !strcmp(mux->audit_state, "ok"));
}

static void put_states(FILE *f, const struct status *s)
{
	put_head(f, "framemux_camera_state", "gauge", "", "1 for the state that a camera is in");
	for (size_t i = 0; i < s->n_cameras; i++) {
		const struct msg_ctl_camera *c = &s->cameras[i];

		for (unsigned state = CAMERA_IDLE; state <= CAMERA_BLOCKED; state++) {
			fputs("framemux_camera_state{", f);
			put_label(f, "camera", c->name);
			fprintf(f, ",state=\"%s\"} %d\n", camera_state_name(state),
				c->state == state);
		}
	}
}

static void put_cameras(FILE *f, const struct status *s)
{
	put_states(f, s);
	for (size_t i = 0; i < N(camera_families); i++) {
		const struct family *m = &camera_families[i];

		put_family(f, m);
		for (size_t k = 0; k < s->n_cameras; k++)
			put_sample(
				f, m, "camera", s->cameras[k].name, member_of(m, &s->cameras[k]));
	}
	put_head(f, "framemux_camera_memory_bytes", "gauge", "bytes",
		"Resident memory of its present pair");
	for (size_t i = 0; i < s->n_cameras; i++) {
		fputs("framemux_camera_memory_bytes{", f);
		put_label(f, "camera", s->cameras[i].name);
		fprintf(f, "} %" PRIu64 "\n", s->cameras[i].rss_kib * 1024u);
	}
}

/* ---- leases, by camera --------------------------------------------------------------------- */

struct sums {
	uint64_t leases, published, delivered, dropped, withheld;
};

static struct sums sum_up(const struct status *s, const char *camera)
{
	struct sums n = {0};

	for (size_t i = 0; i < s->n_leases; i++) {
		const struct msg_ctl_lease *l = &s->leases[i];

		if (strcmp(l->camera, camera) != 0)
			continue;
		n.leases++;
		n.published += l->published;
		n.delivered += l->delivered;
		n.dropped += l->dropped;
		n.withheld += l->withheld;
	}
	return n;
}

static void put_lease_frames(FILE *f, const char *camera, const char *outcome, uint64_t n)
{
	fputs("framemux_lease_frames{", f);
	put_label(f, "camera", camera);
	fprintf(f, ",outcome=\"%s\"} %" PRIu64 "\n", outcome, n);
}

/* Leases come and go, so these are no counters. */
static void put_leases(FILE *f, const struct status *s)
{
	static const struct family open = {
		"framemux_camera_leases", "", "Leases of a camera", false, 0, 0, 0};

	put_family(f, &open);
	for (size_t i = 0; i < s->n_cameras; i++)
		put_sample(f, &open, "camera", s->cameras[i].name,
			sum_up(s, s->cameras[i].name).leases);
	put_head(f, "framemux_lease_frames", "gauge", "",
		"Frames of a camera's present leases, by what became of them");
	for (size_t i = 0; i < s->n_cameras; i++) {
		struct sums n = sum_up(s, s->cameras[i].name);

		put_lease_frames(f, s->cameras[i].name, "published", n.published);
		put_lease_frames(f, s->cameras[i].name, "delivered", n.delivered);
		put_lease_frames(f, s->cameras[i].name, "dropped", n.dropped);
		put_lease_frames(f, s->cameras[i].name, "withheld", n.withheld);
	}
}

static void put_uids(FILE *f, const struct status *s)
{
	for (size_t i = 0; i < N(uid_families); i++) {
		const struct family *m = &uid_families[i];
		uint64_t others = 0;
		char uid[16];

		put_family(f, m);
		for (size_t k = 0; k < s->n_uids; k++) {
			snprintf(uid, sizeof(uid), "%u", s->uids[k].uid);
			if (k < UIDS_MAX)
				put_sample(f, m, "uid", uid, member_of(m, &s->uids[k]));
			else
				others += member_of(m, &s->uids[k]);
		}
		if (s->n_uids > UIDS_MAX)
			put_sample(f, m, "uid", "others", others);
	}
}

void metrics_write(const struct status *s, FILE *f)
{
	put_mux(f, &s->mux);
	put_cameras(f, s);
	put_leases(f, s);
	put_uids(f, s);
	fputs("# EOF\n", f);
}
