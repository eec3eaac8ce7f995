/* What framemuxd and the broker say to each other. */
#ifndef FRAMEMUX_LINK_DAEMON_BROKER_H
#define FRAMEMUX_LINK_DAEMON_BROKER_H

#include "common/identity.h"
#include "common/limits.h"
#include "common/mask.h"
#include "common/token.h"
#include "common/wire.h"

/* ---- framemuxd -> broker --------------------------------------------------------------------- */

/* First message. Everything up to setup_done describes the configuration. */
#define BROKER_START_FIELDS(M, T)                                                                  \
	M(T, BYTES, k_session, KEY_BYTES)                                                          \
	M(T, BYTES, root_key, KEY_BYTES)                                                           \
	M(T, U32, key_id, )                                                                        \
	M(T, U64, key_since_s, )                                                                   \
	M(T, U32, stale_after_ms, )                                                                \
	M(T, U32, uid_quota_mb, )                                                                  \
	M(T, U32, mux_uid, ) /* may change things, as uid 0 may */                                 \
	M(T, U32, verbose, )
WIRE_DECLARE(broker_start, BROKER_START_FIELDS)

/*
 * A root key besides that of broker_start. In the set-up: the one before it, which is good until it is
 * retired. While serving, is_current: tokens are made with this one now, and the newest so far is the
 * one before it.
 */
#define BROKER_KEY_FIELDS(M, T)                                                                    \
	M(T, U32, key_id, )                                                                        \
	M(T, U64, since_s, )                                                                       \
	M(T, U32, is_current, )                                                                    \
	M(T, BYTES, key, KEY_BYTES)
WIRE_DECLARE(broker_key, BROKER_KEY_FIELDS)

/* One for each further uid that may change things. */
#define BROKER_ADMIN_FIELDS(M, T) M(T, U32, uid, )
WIRE_DECLARE(broker_admin, BROKER_ADMIN_FIELDS)

#define BROKER_CAMERA_FIELDS(M, T)                                                                 \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, STR, name, LIMIT_NAME)                                                                \
	M(T, STR, vendor, LIMIT_LABEL)                                                             \
	M(T, U32, epoch, )
WIRE_DECLARE(broker_camera, BROKER_CAMERA_FIELDS)

/*
 * A standing grant for one camera; several of one name make the grant. round: counts up when the
 * grant's token was killed, so that a new one differs. not_after 0: never. id: of the token that goes
 * on, under whatever key; 0: there is none yet.
 */
#define BROKER_GRANT_FIELDS(M, T)                                                                  \
	M(T, STR, grant, LIMIT_NAME)                                                               \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, U32, uid, )                                                                           \
	M(T, STR, unit, LIMIT_UNIT)                                                                \
	M(T, U32, max_width, )                                                                     \
	M(T, U32, max_height, )                                                                    \
	M(T, U32, max_fps, )                                                                       \
	M(T, U64, not_after, )                                                                     \
	M(T, U32, dump, )                                                                          \
	M(T, U32, round, )                                                                         \
	M(T, BYTES, id, TOKEN_ID_BYTES)                                                            \
	M(T, STR, label, LIMIT_LABEL)                                                              \
	M(T, BLOB, masks, LIMIT_MASKS *MASK_BYTES)
WIRE_DECLARE(broker_grant, BROKER_GRANT_FIELDS)

/* A token id that was revoked in this or an earlier life. */
#define BROKER_REVOKED_FIELDS(M, T) M(T, BYTES, id, TOKEN_ID_BYTES)
WIRE_DECLARE(broker_revoked, BROKER_REVOKED_FIELDS)

/* Tokens that were revoked all at once: struct cutoff (common/cutoff.h). */
#define BROKER_CUTOFF_FIELDS(M, T)                                                                 \
	M(T, U32, kind, )                                                                          \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, U32, uid, )                                                                           \
	M(T, U64, issue, )
WIRE_DECLARE(broker_cutoff, BROKER_CUTOFF_FIELDS)

/*
 * Real time was at least real_s at that moment of the boot clock, whatever the clock says: for all
 * that expires (mux/daemon/state/clock_floor.h). In the set-up, and whenever it rises.
 */
#define BROKER_CLOCK_FIELDS(M, T)                                                                  \
	M(T, U64, real_s, )                                                                        \
	M(T, U64, boot_ns, )
WIRE_DECLARE(broker_clock, BROKER_CLOCK_FIELDS)

/*
 * The kill switch for a user: its leases end and it gets none; or no more. Before and after
 * setup_done. That for a camera is its camera_news.
 */
#define BROKER_USER_FIELDS(M, T)                                                                   \
	M(T, U32, uid, )                                                                           \
	M(T, U32, disabled, )
WIRE_DECLARE(broker_user, BROKER_USER_FIELDS)

/* Answered by drained when every attach that is ending now has ended, erased. */
#define DRAIN_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(drain, DRAIN_FIELDS)

/* The configuration is complete: serve. */
#define BROKER_SETUP_DONE_FIELDS(M, T) M(T, U32, cameras, )
WIRE_DECLARE(broker_setup_done, BROKER_SETUP_DONE_FIELDS)

/* A pair was born. + 1 descriptor: the broker's end of the link to its decoder. */
#define PAIR_BORN_FIELDS(M, T)                                                                     \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )
WIRE_DECLARE(pair_born, PAIR_BORN_FIELDS)

/* Both processes of a pair are dead and reaped: nobody writes into its rings any more. */
#define PAIR_DEAD_FIELDS(M, T)                                                                     \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )                                                                    \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(pair_dead, PAIR_DEAD_FIELDS)

/* What became of a camera; sent at each change. state: enum camera_state. */
#define CAMERA_NEWS_FIELDS(M, T)                                                                   \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U32, state, )                                                                         \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(camera_news, CAMERA_NEWS_FIELDS)

/* The answer to a survey: one for each camera, then survey_done. */
#define SURVEY_CAMERA_FIELDS(M, T)                                                                 \
	M(T, U32, request, )                                                                       \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U32, state, )                                                                         \
	M(T, STR, reason, LIMIT_REASON)                                                            \
	M(T, U64, generation, )                                                                    \
	M(T, STR, codec, LIMIT_CODEC)                                                              \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fps_milli, )                                                                     \
	M(T, U64, frames_decoded, )                                                                \
	M(T, U64, frames_corrupt, )                                                                \
	M(T, U64, last_frame_age_ms, )                                                             \
	M(T, U64, reconnects, )                                                                    \
	M(T, U32, ingest_pid, )                                                                    \
	M(T, U32, decode_pid, )                                                                    \
	M(T, U64, cpu_ms, )                                                                        \
	M(T, U64, rss_kib, )
WIRE_DECLARE(survey_camera, SURVEY_CAMERA_FIELDS)

#define SURVEY_DONE_FIELDS(M, T)                                                                   \
	M(T, U32, request, )                                                                       \
	M(T, U32, pid, )                                                                           \
	M(T, U64, uptime_ns, )                                                                     \
	M(T, U32, walls_full, )                                                                    \
	M(T, STR, missing_walls, 512)                                                              \
	M(T, U32, audit_state, ) /* enum audit_state of mux/audit_note.h */                        \
	M(T, U64, audit_records, )
WIRE_DECLARE(survey_done, SURVEY_DONE_FIELDS)

/* What revoked_keep, cutoff_keep or key_retire said is on disk (status 0) or could not be put there. */
#define REVOKED_KEPT_FIELDS(M, T)                                                                  \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )
WIRE_DECLARE(revoked_kept, REVOKED_KEPT_FIELDS)

/* What a camera called itself is forgotten, on disk too (status 0), or why not (an errno). */
#define CAMERA_ACCEPTED_FIELDS(M, T)                                                               \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )
WIRE_DECLARE(camera_accepted, CAMERA_ACCEPTED_FIELDS)

/*
 * A reload, in two steps. First what is over: settings, token_end, camera_end, reload_clear; the
 * broker answers reload_cleared when the last of these leases has ended and what is gone is
 * forgotten: it says nothing more about it. Meanwhile framemuxd ends and reaps the pairs (pair_dead
 * still comes). Then what is new: reload_begin, admins, every camera in the order of the
 * configuration (those that are known already stay), the grants that lack a token, reload_end; the
 * tokens and reload_ready are the answer.
 */
#define BROKER_SETTINGS_FIELDS(M, T)                                                               \
	M(T, U32, stale_after_ms, )                                                                \
	M(T, U32, uid_quota_mb, )
WIRE_DECLARE(broker_settings, BROKER_SETTINGS_FIELDS)

/* A standing grant's token is dead, and on disk as such: its leases end. */
#define TOKEN_END_FIELDS(M, T)                                                                     \
	M(T, BYTES, id, TOKEN_ID_BYTES)                                                            \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(token_end, TOKEN_END_FIELDS)

/*
 * The leases of this camera end. stays: it is changed, and comes back under the same id with
 * another pair; else it is gone, and unknown to whoever asks from now on.
 */
#define CAMERA_END_FIELDS(M, T)                                                                    \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U32, stays, )                                                                         \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(camera_end, CAMERA_END_FIELDS)

#define RELOAD_CLEAR_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(reload_clear, RELOAD_CLEAR_FIELDS)

/* Up to reload_end the configuration is described, as at the start. */
#define RELOAD_BEGIN_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(reload_begin, RELOAD_BEGIN_FIELDS)

/* cameras: how many there are now. */
#define RELOAD_END_FIELDS(M, T) M(T, U32, cameras, )
WIRE_DECLARE(reload_end, RELOAD_END_FIELDS)

/* For whoever asked for the reload: what changed, or what is wrong; then how it ended (an errno). */
#define RELOAD_CHANGE_FIELDS(M, T)                                                                 \
	M(T, U32, request, )                                                                       \
	M(T, STR, kind, LIMIT_KIND)                                                                \
	M(T, STR, name, LIMIT_NAME)                                                                \
	M(T, STR, what, LIMIT_KIND)                                                                \
	M(T, STR, detail, LIMIT_CHANGE)
WIRE_DECLARE(reload_change, RELOAD_CHANGE_FIELDS)

#define RELOAD_FAULT_FIELDS(M, T)                                                                  \
	M(T, U32, request, )                                                                       \
	M(T, STR, text, LIMIT_FAULT)
WIRE_DECLARE(reload_fault, RELOAD_FAULT_FIELDS)

#define RELOAD_DONE_FIELDS(M, T)                                                                   \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )                                                                        \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(reload_done, RELOAD_DONE_FIELDS)

/* Are you there? Answered by broker_pong; for the init system's watchdog. number: any. */
#define BROKER_PING_FIELDS(M, T) M(T, U32, number, )
WIRE_DECLARE(broker_ping, BROKER_PING_FIELDS)

/* What was to be recorded is on the disk (status 0), or why not (an errno): then it may not happen. */
#define AUDIT_WRITTEN_FIELDS(M, T)                                                                 \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )
WIRE_DECLARE(audit_written, AUDIT_WRITTEN_FIELDS)

/*
 * The answer to key_rotate: the new key is on disk and was told before, and the token files are written
 * (status 0), or why not (an errno; EIO: it is in use, but a token file is not written).
 */
#define KEY_ROTATED_FIELDS(M, T)                                                                   \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )
WIRE_DECLARE(key_rotated, KEY_ROTATED_FIELDS)

/* The answer to unit_ask: the cgroup of the process (status 0), or why it is not known (an errno). */
#define UNIT_TOLD_FIELDS(M, T)                                                                     \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )                                                                        \
	M(T, STR, unit, LIMIT_UNIT)
WIRE_DECLARE(unit_told, UNIT_TOLD_FIELDS)

/*
 * The answer to audit_ask: the log's segments, oldest first, + 1 descriptor each, read-only; bytes:
 * what of it is sealed. Segment 0: what state_anchor's file says. Then audit_told: how far the log
 * has got, and what is wrong with it (enum audit_state of mux/audit_note.h).
 */
#define AUDIT_SEGMENT_FIELDS(M, T)                                                                 \
	M(T, U32, request, )                                                                       \
	M(T, U32, segment, )                                                                       \
	M(T, U64, bytes, )
WIRE_DECLARE(audit_segment, AUDIT_SEGMENT_FIELDS)

#define AUDIT_TOLD_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )                                                                        \
	M(T, U32, state, )                                                                         \
	M(T, U32, anchor, ) /* enum audit_anchor_kind */                                           \
	M(T, U64, n, )                                                                             \
	M(T, U64, seal, ) /* number of the next one */                                             \
	M(T, BYTES, chain, 32)                                                                     \
	M(T, BYTES, key, 32) /* that will sign it */
WIRE_DECLARE(audit_told, AUDIT_TOLD_FIELDS)

/* ---- broker -> framemuxd --------------------------------------------------------------------- */

/* Sockets are served; the standing tokens were all sent before. */
#define BROKER_READY_FIELDS(M, T) M(T, U32, grants, )
WIRE_DECLARE(broker_ready, BROKER_READY_FIELDS)

#define BROKER_PONG_FIELDS(M, T) M(T, U32, number, )
WIRE_DECLARE(broker_pong, BROKER_PONG_FIELDS)

/* leases: how many now want this camera. 0: nobody; the pair ends after linger. */
#define CAMERA_WANT_FIELDS(M, T)                                                                   \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U32, leases, )
WIRE_DECLARE(camera_want, CAMERA_WANT_FIELDS)

/* The decoder broke the protocol or did not let go in time: kill the pair, reap it, say pair_dead. */
#define PAIR_KILL_FIELDS(M, T)                                                                     \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )                                                                    \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(pair_kill, PAIR_KILL_FIELDS)

/* The camera is to have no further pair: of this one somebody is left who can write its clients'
 * rings, and cannot be ended. */
#define CAMERA_BLOCK_FIELDS(M, T)                                                                  \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(camera_block, CAMERA_BLOCK_FIELDS)

#define SURVEY_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(survey, SURVEY_FIELDS)

/* Put revoked tokens' ids on disk; answered by revoked_kept. */
#define REVOKED_KEEP_IDS 128u
#define REVOKED_KEEP_FIELDS(M, T)                                                                  \
	M(T, U32, request, )                                                                       \
	M(T, BLOB, ids, REVOKED_KEEP_IDS *TOKEN_ID_BYTES)
WIRE_DECLARE(revoked_keep, REVOKED_KEEP_FIELDS)

/* Put a cutoff on disk; answered by revoked_kept. */
#define CUTOFF_KEEP_FIELDS(M, T)                                                                   \
	M(T, U32, request, )                                                                       \
	M(T, U32, kind, )                                                                          \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, U32, uid, )                                                                           \
	M(T, U64, issue, )
WIRE_DECLARE(cutoff_keep, CUTOFF_KEEP_FIELDS)

/* The token of a standing grant for one camera. framemuxd writes the token_file from these. */
#define GRANT_TOKEN_FIELDS(M, T)                                                                   \
	M(T, STR, grant, LIMIT_NAME)                                                               \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, STR, token, LIMIT_TOKEN)
WIRE_DECLARE(grant_token, GRANT_TOKEN_FIELDS)

/* A person says that the camera is right as it is: forget its fingerprint, lift its block. */
#define CAMERA_ACCEPT_FIELDS(M, T)                                                                 \
	M(T, U32, request, )                                                                       \
	M(T, BYTES, id, CAMERA_ID_BYTES)
WIRE_DECLARE(camera_accept, CAMERA_ACCEPT_FIELDS)

/* A person asks for a reload; answered by reload_change and reload_fault, then reload_done. */
#define RELOAD_ASK_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, uid, )                                                                           \
	M(T, U32, pid, )
WIRE_DECLARE(reload_ask, RELOAD_ASK_FIELDS)

#define DRAINED_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(drained, DRAINED_FIELDS)

#define RELOAD_CLEARED_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(reload_cleared, RELOAD_CLEARED_FIELDS)

/* The new tokens were all sent before. */
#define RELOAD_READY_FIELDS(M, T) M(T, U32, grants, )
WIRE_DECLARE(reload_ready, RELOAD_READY_FIELDS)

/*
 * Something for the audit log. event: enum audit_event of mux/audit_note.h, which says which of the
 * members it has; the others are 0. request: answered by audit_written, and nothing comes of it
 * before; 0: it has happened already, and nobody waits.
 */
#define AUDIT_NOTE_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, event, )                                                                         \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, U32, epoch, )                                                                         \
	M(T, U64, lease, )                                                                         \
	M(T, BYTES, token, TOKEN_ID_BYTES)                                                         \
	M(T, U32, key_id, ) /* the root key of tokens */                                           \
	M(T, U32, uid, )                                                                           \
	M(T, U32, pid, )                                                                           \
	M(T, U32, by_uid, ) /* who asked for it */                                                 \
	M(T, U32, by_pid, )                                                                        \
	M(T, STR, unit, LIMIT_UNIT)                                                                \
	M(T, STR, label, LIMIT_LABEL)                                                              \
	M(T, STR, name, LIMIT_NAME) /* of a grant, a vendor, a role */                             \
	M(T, STR, what, LIMIT_KIND)                                                                \
	M(T, U64, generation, )                                                                    \
	M(T, U64, last_generation, )                                                               \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fps, )                                                                           \
	M(T, U32, masks, ) /* how many */                                                          \
	M(T, U32, dump, )                                                                          \
	M(T, U64, not_after, ) /* s since the Unix epoch; 0: never */                              \
	M(T, U64, issue, )     /* of a token; the newest that a cutoff kills; 0: none */           \
	M(T, U64, first_ms, )  /* since the Unix epoch: the first ring given; 0: none was */       \
	M(T, U64, last_ms, )   /* the last erased */                                               \
	M(T, U64, published, )                                                                     \
	M(T, U64, delivered, )                                                                     \
	M(T, U64, dropped, )                                                                       \
	M(T, U64, withheld, )                                                                      \
	M(T, U64, count, )                                                                         \
	M(T, U64, bytes, )                                                                         \
	M(T, U64, elapsed_us, )                                                                    \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(audit_note, AUDIT_NOTE_FIELDS)

/* A person has seen that the state folder was rolled back; answered by camera_accepted. */
#define STATE_ACCEPT_FIELDS(M, T)                                                                  \
	M(T, U32, request, )                                                                       \
	M(T, U32, uid, )                                                                           \
	M(T, U32, pid, )
WIRE_DECLARE(state_accept, STATE_ACCEPT_FIELDS)

/* A person wants a new root key; answered by key_rotated. */
#define KEY_ROTATE_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, uid, )                                                                           \
	M(T, U32, pid, )
WIRE_DECLARE(key_rotate, KEY_ROTATE_FIELDS)

/* Put on disk that the older root key is none any more; answered by revoked_kept. */
#define KEY_RETIRE_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, key_id, )
WIRE_DECLARE(key_retire, KEY_RETIRE_FIELDS)

/* Of which unit is this process? Answered by unit_told; who asks sees to it that it still lives. */
#define UNIT_ASK_FIELDS(M, T)                                                                      \
	M(T, U32, request, )                                                                       \
	M(T, U32, pid, )
WIRE_DECLARE(unit_ask, UNIT_ASK_FIELDS)

/* The log is to be read; answered by audit_segment and audit_told. */
#define AUDIT_ASK_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(audit_ask, AUDIT_ASK_FIELDS)

#endif
