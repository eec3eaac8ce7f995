/* libavcodec's log, as debug lines of ours. Runs in framemux-decode. */
#ifndef FRAMEMUX_AV_LOG_H
#define FRAMEMUX_AV_LOG_H

#include <stdint.h>

/* Route it; once, at start. */
void av_log_begin(void);

/* Lines of level error so far: a decoder that had to complain had something to conceal. */
uint64_t av_log_complaints(void);

#endif
