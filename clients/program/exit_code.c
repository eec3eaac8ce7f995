/* In the client's process. */
#include "clients/program/exit_code.h"

#include <string.h>

int exit_code_of(enum framemux_state state, const char *reason)
{
	switch (state) {
	case FRAMEMUX_STATE_REFUSED:
	case FRAMEMUX_STATE_REVOKED:
		/* The kill switch is no judgement of this client: the camera is not to be had. */
		return strstr(reason, "disabled") || strstr(reason, "blocked") ? EXIT_LOST
									       : EXIT_REFUSED;
	case FRAMEMUX_STATE_CLOSED:
		return EXIT_LOST;
	default:
		return 0;
	}
}
