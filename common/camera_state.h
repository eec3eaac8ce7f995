/* The states of a camera, as status shows them. */
#ifndef FRAMEMUX_CAMERA_STATE_H
#define FRAMEMUX_CAMERA_STATE_H

enum camera_state {
	CAMERA_IDLE = 1,   /* nobody asks */
	CAMERA_CONNECTING, /* on the way to the first frame */
	CAMERA_LIVE,
	CAMERA_STALE,    /* connected, no new frame within the limit */
	CAMERA_LOST,     /* no connection, trying again */
	CAMERA_DISABLED, /* kill switch */
	CAMERA_BLOCKED,  /* policy, pin or fingerprint */
};

/* "idle", "connecting", ...; "" for a number that is no state. */
const char *camera_state_name(unsigned state);

#endif
