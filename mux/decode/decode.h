/* The decoder of one camera: life, loop and links. Runs in framemux-decode. */
#ifndef FRAMEMUX_DECODE_H
#define FRAMEMUX_DECODE_H

/*
 * From the first message of framemuxd to the end of the generation, on the descriptors that
 * mux/link/birth.h names. Returns the process's exit code: 0 when framemuxd or the broker went away (the
 * rings are erased), 1 when the pair has to end (framemuxd was told why).
 */
int decode_run(void);

#endif
