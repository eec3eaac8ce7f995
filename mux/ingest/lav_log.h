/* What libavformat says goes to our log as debug lines: it may quote the camera. Runs in ingest. */
#ifndef FRAMEMUX_INGEST_LAV_LOG_H
#define FRAMEMUX_INGEST_LAV_LOG_H

void lav_log_to_ours(void);

#endif
