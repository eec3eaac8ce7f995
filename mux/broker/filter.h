/* What framemux-broker may ask of the kernel: see mux/filter.h. */
#ifndef FRAMEMUX_BROKER_FILTER_H
#define FRAMEMUX_BROKER_FILTER_H

/* 0, or -errno. */
int broker_filter_load(void);

#endif
