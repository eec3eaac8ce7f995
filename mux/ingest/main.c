/* framemux-ingest: started by framemuxd, one for each camera that is watched. */
#include <stdlib.h>
#include <time.h>

#include "mux/ingest/filter.h"
#include "mux/ingest/ingest.h"
#include "mux/link/birth.h"
#include "mux/link/daemon_ingest.h"
#include "mux/role.h"

/* Besides its fixed descriptors only the UDP sockets that come later, and their copies. */
static const struct role ingest = {.name = "ingest",
	.last_fd = LINK_FD_INGEST_TRUST,
	.files = LINK_FD_INGEST_RTCP + 1 + 2 * UDP_FDS};

/* libavformat turns a file's dates into text, for which the C library would open the machine's time zone. */
static void settle_time_zone(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
}

int main(int argc, char **argv)
{
	(void)argc;
	role_begin(&ingest, argv);
	settle_time_zone();
	role_confined(&ingest, ingest_filter_load());
	return ingest_run();
}
