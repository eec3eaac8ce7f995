/* The role framemux-ingest: one camera's packets in, its access units out. */
#ifndef FRAMEMUX_INGEST_INGEST_H
#define FRAMEMUX_INGEST_INGEST_H

/* Runs until framemuxd or the decoder goes, or the camera fails. The process's exit code. */
int ingest_run(void);

#endif
