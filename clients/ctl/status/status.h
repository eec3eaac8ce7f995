/* What the mux says of itself: cameras, leases, uids; and how to show it. */
#ifndef FRAMEMUX_CTL_STATUS_H
#define FRAMEMUX_CTL_STATUS_H

#include <jansson.h>

#include "clients/ctl/options.h"
#include "common/protocol.h"

struct status {
	struct msg_ctl_mux mux;
	struct msg_ctl_camera *cameras; /* owned */
	struct msg_ctl_lease *leases;   /* owned */
	struct msg_ctl_uid *uids;       /* owned */
	size_t n_cameras, n_leases, n_uids;
	bool has_mux, is_short; /* is_short: something did not fit memory */
};

/* Take over one record of an answer; data is a struct status. */
void status_record(void *data, const struct wire_message *m, const void *record);
void status_clear(struct status *s);

/* The whole of it, every field always there. NULL without memory. */
json_t *status_json(const struct status *s);

/* For people. 0 or -errno. */
int status_text(const struct status *s, FILE *f);

/* "connecting", "live", ...: of a lease. */
const char *status_lease_state(uint32_t state);

#endif
