/* Status as OpenMetrics text. */
#ifndef FRAMEMUX_CTL_METRICS_H
#define FRAMEMUX_CTL_METRICS_H

#include <stdio.h>

#include "clients/ctl/status/status.h"

/* Errors are f's. */
void metrics_write(const struct status *s, FILE *f);

#endif
