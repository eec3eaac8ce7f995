/* framemux-decode: access units in, pixels into its attaches' rings. No network, no files. */
#include <sodium.h>

#include "mux/decode/attach.h"
#include "mux/decode/decode.h"
#include "mux/decode/filter.h"
#include "mux/link/birth.h"
#include "mux/link/broker_decode.h"
#include "mux/role.h"

/* A lease socket for each attach, and the descriptors of a ring that is being taken over. */
static const struct role decode = {.name = "decode",
	.last_fd = LINK_FD_DECODE_STREAM,
	.erases = true,
	.files = LINK_FD_DECODE_STREAM + 1 + ATTACHES_MAX + 2 * RING_GIVE_FDS};

int main(int argc, char **argv)
{
	(void)argc;
	role_begin(&decode, argv);
	if (sodium_init() < 0) /* looks for a source of randomness */
		return 1;
	role_confined(&decode, decode_filter_load());
	return decode_run();
}
