/* framemux-ingest: started by framemuxd, one for each camera that is watched. */
#include "mux/ingest/ingest.h"
#include "mux/link.h"
#include "mux/role.h"

int main(void)
{
	role_begin("ingest", LINK_FD_INGEST_TRUST);
	return ingest_run();
}
