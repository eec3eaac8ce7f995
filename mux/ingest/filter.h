/* What framemux-ingest may ask of the kernel: see mux/filter.h. */
#ifndef FRAMEMUX_INGEST_FILTER_H
#define FRAMEMUX_INGEST_FILTER_H

/* 0, or -errno. */
int ingest_filter_load(void);

#endif
