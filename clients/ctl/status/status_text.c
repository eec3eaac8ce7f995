/* Status as a person likes to read it. In framemuxctl's process. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/status/status.h"
#include "clients/ctl/table.h"
#include "clients/ctl/units.h"
#include "common/camera_state.h"
#include "common/clock.h"
#include "common/picture.h"
#include "common/utc.h"

static void cell_size(struct table *t, uint32_t width, uint32_t height)
{
	if (width && height)
		table_cell(t, "%ux%u", width, height);
	else
		table_cell(t, "-");
}

static void cell_text(struct table *t, const char *text)
{
	table_cell(t, "%s", *text ? text : "-");
}

/* For a person who reads that word for the first time. */
static const char *audit_meaning(const char *state)
{
	if (!strcmp(state, "ok"))
		return "";
	if (!strcmp(state, "cut"))
		return " -- RECORDS WERE MISSING AT THE START (framemuxctl audit verify)";
	if (!strcmp(state, "rolled-back"))
		return " -- AN OLD STATE FOLDER: NOTHING IS GRANTED (framemuxctl accept --state)";
	return " -- IT CANNOT BE WRITTEN: NOTHING IS GRANTED";
}

static void print_mux(const struct msg_ctl_mux *m, FILE *f)
{
	char up[UNITS_TEXT];

	units_span(m->uptime_ns / NS_PER_S, up);
	fprintf(f, "framemuxd %s, pid %u, up %s; walls: %s%s%s\n", m->version, m->pid, up,
		m->walls_full ? "full" : "partial, missing ", m->walls_full ? "" : m->missing_walls,
		m->provenance_failures ? " -- FRAMES HAVE FAILED THEIR PROVENANCE CHECK" : "");
	fprintf(f,
		"leases opened %" PRIu64 ", refused %" PRIu64 "; revokes %" PRIu64
		" (slowest %" PRIu64 " us); provenance failures %" PRIu64 "\n",
		m->leases_opened, m->leases_refused, m->revokes, m->revoke_us_max,
		m->provenance_failures);
	if (*m->audit_state)
		fprintf(f, "audit log: %s, %" PRIu64 " records%s\n", m->audit_state,
			m->audit_records, audit_meaning(m->audit_state));
}

static struct table *cameras_table(const struct status *s)
{
	struct table *t = table_new("CAMERA|STATE|>GEN|CODEC|SIZE|>FPS|>FRAMES|>CORRUPT|>AGE|"
				    ">RECONN|VENDOR|REASON");

	for (size_t i = 0; t && i < s->n_cameras; i++) {
		const struct msg_ctl_camera *c = &s->cameras[i];

		cell_text(t, c->name);
		cell_text(t, camera_state_name(c->state));
		table_cell(t, "%" PRIu64, c->generation);
		cell_text(t, c->codec);
		cell_size(t, c->width, c->height);
		table_cell(t, "%.2f", c->fps_milli / 1000.0);
		table_cell(t, "%" PRIu64, c->frames_decoded);
		table_cell(t, "%" PRIu64, c->frames_corrupt);
		if (c->frames_decoded)
			table_cell(t, "%" PRIu64 " ms", c->last_frame_age_ms);
		else
			table_cell(t, "-");
		table_cell(t, "%" PRIu64, c->reconnects);
		cell_text(t, c->vendor);
		cell_text(t, c->reason);
	}
	return t;
}

static struct table *leases_table(const struct status *s)
{
	struct table *t = table_new("LEASE|CAMERA|STATE|>UID|>PID|SIZE|FORMAT|>MEMORY|>SHOWN|"
				    ">DROPPED|EXPIRES|LABEL");

	for (size_t i = 0; t && i < s->n_leases; i++) {
		const struct msg_ctl_lease *l = &s->leases[i];
		char fourcc[5], memory[UNITS_TEXT], until[UTC_TEXT_MAX] = "";

		picture_fourcc_name(l->fourcc, fourcc);
		units_bytes(l->bytes, memory);
		if (l->not_after)
			utc_text(l->not_after, until);
		table_cell(t, "%016" PRIx64, l->id);
		cell_text(t, l->camera);
		cell_text(t, status_lease_state(l->state));
		table_cell(t, "%u", l->uid);
		table_cell(t, "%u", l->pid);
		cell_size(t, l->width, l->height);
		cell_text(t, fourcc);
		cell_text(t, memory);
		table_cell(t, "%" PRIu64, l->delivered);
		table_cell(t, "%" PRIu64, l->dropped);
		table_cell(t, "%s", *until ? until : "never");
		cell_text(t, l->label);
	}
	return t;
}

static int print_table(struct table *t, FILE *f)
{
	int r = t ? table_print(t, f) : -ENOMEM;

	table_free(t);
	return r;
}

int status_text(const struct status *s, FILE *f)
{
	int r;

	print_mux(&s->mux, f);
	fputs("\n", f);
	r = print_table(cameras_table(s), f);
	fputs("\n", f);
	if (r == 0 && s->n_leases == 0)
		fputs("no leases\n", f);
	else if (r == 0)
		r = print_table(leases_table(s), f);
	for (size_t i = 0; r == 0 && i < s->n_uids; i++) {
		const struct msg_ctl_uid *u = &s->uids[i];
		char bytes[UNITS_TEXT], held[UNITS_TEXT];

		if (!u->held_bytes)
			continue;
		units_bytes(u->bytes, bytes);
		units_bytes(u->held_bytes, held);
		fprintf(f, "uid %u still holds %s of ended leases (erased; %s charged in all)\n",
			u->uid, held, bytes);
	}
	return r < 0 ? r : ferror(f) ? -EIO : 0;
}
