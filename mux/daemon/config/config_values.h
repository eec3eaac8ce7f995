/* The values of each section of framemux.conf, which config.c has read; config_top.c, config_camera.c and
 * config_grant.c. */
#ifndef FRAMEMUX_CONFIG_VALUES_H
#define FRAMEMUX_CONFIG_VALUES_H

#include <confuse.h>

#include "mux/daemon/config/config.h"

struct config_reader {
	const struct config_text *text; /* borrowed */
	struct config *config;          /* borrowed */
	struct config_error *error;     /* borrowed */
	bool looks_at_files;            /* at the places of token files */
};

/* Each 0, or -errno and the error. index: among the sections of its type. */
int config_read_top(struct config_reader *r, cfg_t *cfg);
int config_read_camera(struct config_reader *r, cfg_t *sec, unsigned index);
int config_read_grant(struct config_reader *r, cfg_t *sec, unsigned index);

#endif
