/* What framemux-decode may ask of the kernel: see mux/filter.h. */
#ifndef FRAMEMUX_DECODE_FILTER_H
#define FRAMEMUX_DECODE_FILTER_H

/* 0, or -errno. */
int decode_filter_load(void);

#endif
