/* Sums for the audit log. Owns nothing. Runs in the broker. */
#include "mux/broker/audit_sums.h"

#include <stdio.h>
#include <string.h>

void audit_sums_add(
	struct audit_sums *s, uint32_t event, uint32_t uid, const char *camera, const char *reason)
{
	struct audit_sum *row = NULL;

	for (size_t i = 0; i < s->n && !row; i++)
		if (s->rows[i].event == event && s->rows[i].uid == uid &&
			!strcmp(s->rows[i].camera, camera))
			row = &s->rows[i];
	if (row) {
		row->count++;
		return;
	}
	if (s->n == AUDIT_SUMS_ROWS) {
		s->others.event = event;
		s->others.uid = UINT32_MAX;
		s->others.count++;
		snprintf(
			s->others.reason, sizeof(s->others.reason), "of further users and cameras");
		return;
	}
	row = &s->rows[s->n++];
	*row = (struct audit_sum){.event = event, .uid = uid, .count = 1};
	snprintf(row->camera, sizeof(row->camera), "%s", camera);
	snprintf(row->reason, sizeof(row->reason), "%s", reason);
}
