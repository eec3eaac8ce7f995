/* The decoder as a test starts it: the real one, linked so that its calls can fail. */
#include <signal.h>

#include "mux/decode/decode.h"
#include "tests/fault/shim.h"

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (fault_join(FAULT_DECODE) < 0)
		return 99;
	return decode_run();
}
