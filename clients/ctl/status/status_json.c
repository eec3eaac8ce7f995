/* Status as JSON, every field always there. In framemuxctl's process. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/json.h"
#include "clients/ctl/status/status.h"
#include "common/camera_state.h"
#include "common/picture.h"

static json_t *pids(const struct msg_ctl_camera *c)
{
	json_t *list = json_array();

	if (c->ingest_pid)
		json_array_append_new(list, json_integer(c->ingest_pid));
	if (c->decode_pid)
		json_array_append_new(list, json_integer(c->decode_pid));
	return list;
}

static json_t *camera_json(const struct msg_ctl_camera *c)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_text(c->name));
	json_object_set_new(o, "vendor", json_text(c->vendor));
	json_object_set_new(o, "epoch", json_integer(c->epoch));
	json_object_set_new(o, "state", json_string(camera_state_name(c->state)));
	json_object_set_new(o, "reason", json_text(c->reason));
	json_object_set_new(o, "generation", json_u64(c->generation));
	json_object_set_new(o, "codec", json_text(c->codec));
	json_object_set_new(o, "width", json_integer(c->width));
	json_object_set_new(o, "height", json_integer(c->height));
	json_object_set_new(o, "fps", json_real(c->fps_milli / 1000.0));
	json_object_set_new(o, "frames_decoded", json_u64(c->frames_decoded));
	json_object_set_new(o, "frames_corrupt", json_u64(c->frames_corrupt));
	json_object_set_new(o, "last_frame_age_ms", json_u64(c->last_frame_age_ms));
	json_object_set_new(o, "reconnects", json_u64(c->reconnects));
	json_object_set_new(o, "pids", pids(c));
	json_object_set_new(o, "cpu_ms", json_u64(c->cpu_ms));
	json_object_set_new(o, "rss_kib", json_u64(c->rss_kib));
	return o;
}

static json_t *lease_json(const struct msg_ctl_lease *l)
{
	char id[17], token[2 * TOKEN_ID_BYTES + 1], fourcc[5];
	json_t *o = json_object();

	snprintf(id, sizeof(id), "%016" PRIx64, l->id);
	token_id_text(l->token, token);
	picture_fourcc_name(l->fourcc, fourcc);
	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "token", json_string(token));
	json_object_set_new(o, "camera", json_text(l->camera));
	json_object_set_new(o, "state", json_string(status_lease_state(l->state)));
	json_object_set_new(o, "pid", json_integer(l->pid));
	json_object_set_new(o, "uid", json_integer(l->uid));
	json_object_set_new(o, "label", json_text(l->label));
	json_object_set_new(o, "width", json_integer(l->width));
	json_object_set_new(o, "height", json_integer(l->height));
	json_object_set_new(o, "fourcc", json_text(fourcc));
	json_object_set_new(o, "slots", json_integer(l->slots));
	json_object_set_new(o, "bytes", json_u64(l->bytes));
	json_object_set_new(o, "since", json_time(l->since_s));
	json_object_set_new(o, "not_after", json_time(l->not_after));
	json_object_set_new(o, "published", json_u64(l->published));
	json_object_set_new(o, "delivered", json_u64(l->delivered));
	json_object_set_new(o, "dropped", json_u64(l->dropped));
	json_object_set_new(o, "withheld", json_u64(l->withheld));
	return o;
}

static json_t *uid_json(const struct msg_ctl_uid *u)
{
	json_t *o = json_object();

	json_object_set_new(o, "uid", json_integer(u->uid));
	json_object_set_new(o, "leases", json_integer(u->leases));
	json_object_set_new(o, "bytes", json_u64(u->bytes));
	json_object_set_new(o, "held_after_revoke_bytes", json_u64(u->held_bytes));
	return o;
}

static json_t *totals_json(const struct msg_ctl_mux *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "leases_opened", json_u64(m->leases_opened));
	json_object_set_new(o, "leases_refused", json_u64(m->leases_refused));
	json_object_set_new(o, "revokes", json_u64(m->revokes));
	json_object_set_new(o, "revoke_us_max", json_u64(m->revoke_us_max));
	json_object_set_new(o, "erased_bytes", json_u64(m->erased_bytes));
	json_object_set_new(o, "provenance_failures", json_u64(m->provenance_failures));
	return o;
}

static json_t *audit_json(const struct msg_ctl_mux *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "state", json_text(m->audit_state));
	json_object_set_new(o, "records", json_u64(m->audit_records));
	return o;
}

json_t *status_json(const struct status *s)
{
	json_t *o = json_object(), *cameras = json_array(), *leases = json_array(),
	       *uids = json_array();

	for (size_t i = 0; i < s->n_cameras; i++)
		json_array_append_new(cameras, camera_json(&s->cameras[i]));
	for (size_t i = 0; i < s->n_leases; i++)
		json_array_append_new(leases, lease_json(&s->leases[i]));
	for (size_t i = 0; i < s->n_uids; i++)
		json_array_append_new(uids, uid_json(&s->uids[i]));
	json_object_set_new(o, "version", json_text(s->mux.version));
	json_object_set_new(o, "pid", json_integer(s->mux.pid));
	/* To the millisecond. */
	json_object_set_new(o, "uptime_s", json_real(round((double)s->mux.uptime_ns / 1e6) / 1e3));
	json_object_set_new(o, "walls", json_string(s->mux.walls_full ? "full" : "partial"));
	json_object_set_new(o, "missing_walls", json_words(s->mux.missing_walls));
	json_object_set_new(o, "cameras", cameras);
	json_object_set_new(o, "leases", leases);
	json_object_set_new(o, "uids", uids);
	json_object_set_new(o, "totals", totals_json(&s->mux));
	json_object_set_new(o, "audit", audit_json(&s->mux));
	return o;
}
