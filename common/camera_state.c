/* Names of the camera states. */
#include "common/camera_state.h"

const char *camera_state_name(unsigned state)
{
	switch ((enum camera_state)state) {
	case CAMERA_IDLE:
		return "idle";
	case CAMERA_CONNECTING:
		return "connecting";
	case CAMERA_LIVE:
		return "live";
	case CAMERA_STALE:
		return "stale";
	case CAMERA_LOST:
		return "lost";
	case CAMERA_DISABLED:
		return "disabled";
	case CAMERA_BLOCKED:
		return "blocked";
	}
	return "";
}
