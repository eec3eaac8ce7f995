/* wall.conf: read, checked, and held as values. */
#ifndef FRAMEMUX_WALL_CONFIG_H
#define FRAMEMUX_WALL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_CAMERAS_MAX 64u

struct config_camera {
	char *name;  /* owned: what the mux calls it */
	char *title; /* owned: what people read; the name if there is none */
};

struct config {
	char *socket;     /* owned; NULL: $FRAMEMUX_SOCKET or the built-in default */
	char *token_file; /* owned; NULL: $FRAMEMUX_TOKEN */
	uint32_t columns; /* 0: as fits the screen */
	uint32_t gap;     /* pixels */
	uint32_t fps;     /* 0: all */
	uint32_t text;    /* pixels: height of the badges' font */
	float background[4];
	bool allow_capture;
	struct config_camera *cameras; /* owned */
	size_t n_cameras;
};

#define CONFIG_ERROR_BYTES 512u

/* 0, or -errno and "FILE:LINE: what is wrong" in ret_error. */
int config_load(const char *path, struct config **ret, char ret_error[CONFIG_ERROR_BYTES]);
void config_free(struct config *c); /* NULL is fine */

#endif
