/* framemux-decode: access units in, pixels into its attaches' rings. No network, no files. */
#include "mux/decode/decode.h"
#include "mux/link.h"
#include "mux/role.h"

int main(void)
{
	role_begin("decode", LINK_FD_DECODE_STREAM);
	return decode_run();
}
