/* framemux-broker: clients, capabilities, leases, rings, erasing. Started by framemuxd alone. */
#include "mux/broker/broker.h"

#include "mux/link.h"
#include "mux/role.h"

int main(void)
{
	role_begin("broker", LINK_FD_BROKER_CONTROL);
	return broker_run();
}
