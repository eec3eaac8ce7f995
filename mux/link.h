/*
 * Where the roles meet: the fixed descriptors each is born with and the messages of the links
 * between them. Roles include this and common/, never each other.
 *
 *	framemuxd -- broker     SEQPACKET  descriptors go down only
 *	framemuxd -- ingest     SEQPACKET  descriptors go down only: UDP sockets, connected
 *	framemuxd -- decode     SEQPACKET
 *	broker    -- decode     SEQPACKET  descriptors go to the decoder only
 *	ingest    -> decode     STREAM     access units (larger than a SEQPACKET message may be)
 *
 * Nothing here is a synchronous request: answers carry the request's number, and nobody waits.
 * The end of a link (EOF) is the death of the other side: broker and decode erase and exit.
 */
#ifndef FRAMEMUX_LINK_H
#define FRAMEMUX_LINK_H

#include "common/identity.h"
#include "common/limits.h"
#include "common/mask.h"
#include "common/token.h"
#include "common/wire.h"

/* Descriptors at birth. 0 is /dev/null, 1 and 2 are framemuxd's stderr. */
enum {
	LINK_FD_DAEMON = 3,         /* every role */
	LINK_FD_BROKER_CLIENTS = 4, /* broker: listening socket for clients */
	LINK_FD_BROKER_CONTROL = 5, /* broker: listening socket for framemuxctl */
	LINK_FD_BROKER_FILES = 6,   /* opened by itself: the folder of its descriptors, in /proc */
	LINK_FD_INGEST_SOURCE = 4,  /* ingest: connected socket, file, device; or /dev/null */
	LINK_FD_INGEST_STREAM = 5,  /* ingest: access units out */
	LINK_FD_INGEST_TRUST = 6,   /* ingest: PEM of certificates to trust; or /dev/null */
	/* Not at birth: where ingest puts the sockets of udp_connected. */
	LINK_FD_INGEST_RTP = 7,
	LINK_FD_INGEST_RTCP = 8,
	LINK_FD_DECODE_BROKER = 4, /* decode: link to the broker */
	LINK_FD_DECODE_STREAM = 5, /* decode: access units in */
};

/* ---- framemuxd -> broker ---------------------------------------------------------------- */

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

/* ---- broker -> framemuxd ---------------------------------------------------------------- */

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

/* ---- framemuxd -> ingest ---------------------------------------------------------------- */

enum ingest_kind { INGEST_RTSP = 1, INGEST_FILE, INGEST_PATTERN, INGEST_HTTP, INGEST_V4L2 };
enum transport { TRANSPORT_TCP = 1, TRANSPORT_UDP };

/*
 * url: without userinfo; host as it goes into the request. Pattern: width, height, fps_milli set.
 * tls: speak TLS on the socket and verify the peer: by tls_pin (the SHA-256 of its public key)
 * where has_pin, else by the certificates of LINK_FD_INGEST_TRUST and tls_host.
 * basic: what an Authorization header for Basic says; "" unless TLS and the configuration permit it.
 * answered: a digest_answer follows at once, its request 0: what the life before asked for and could
 * not say any more (INGEST_AUTH). The first request says it.
 * transport: RTSP, which one to begin with; may_switch: the other is permitted too.
 * max_pixels: V4L2, of a picture; a device is not set to more.
 * memory_mb: the process limits itself to that. patience_s: so long it waits for a step, a packet or
 * a picture.
 */
#define INGEST_START_FIELDS(M, T)                                                                  \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )                                                                    \
	M(T, STR, name, LIMIT_NAME)                                                                \
	M(T, U32, kind, )                                                                          \
	M(T, U32, has_password, ) /* digest may be asked for */                                    \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fps_milli, )                                                                     \
	M(T, U32, verbose, )                                                                       \
	M(T, U32, tls, )                                                                           \
	M(T, U32, has_pin, )                                                                       \
	M(T, BYTES, tls_pin, TLS_PIN_BYTES)                                                        \
	M(T, STR, tls_host, LIMIT_HOST)                                                            \
	M(T, STR, basic, LIMIT_BASIC)                                                              \
	M(T, U32, answered, )                                                                      \
	M(T, U32, transport, )                                                                     \
	M(T, U32, may_switch, )                                                                    \
	M(T, U32, max_pixels, )                                                                    \
	M(T, U32, memory_mb, )                                                                     \
	M(T, U32, patience_s, )                                                                    \
	M(T, STR, url, LIMIT_PATH)
WIRE_DECLARE(ingest_start, INGEST_START_FIELDS)

enum digest_algorithm { DIGEST_MD5 = 1, DIGEST_MD5_SESS, DIGEST_SHA256 };
/* GET is HTTP's; the others are RTSP's. */
enum rtsp_method {
	RTSP_OPTIONS = 1,
	RTSP_DESCRIBE,
	RTSP_SETUP,
	RTSP_PLAY,
	RTSP_TEARDOWN,
	RTSP_GET_PARAMETER,
	HTTP_GET
};

/* The value of an Authorization header, or status != 0 (an errno) and why. */
#define DIGEST_ANSWER_FIELDS(M, T)                                                                 \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )                                                                        \
	M(T, STR, reason, LIMIT_REASON)                                                            \
	M(T, STR, authorization, 2048)
WIRE_DECLARE(digest_answer, DIGEST_ANSWER_FIELDS)

/* The answer to udp_bind: a pair of local ports, the first even, or 0 and why not. */
#define UDP_BOUND_FIELDS(M, T)                                                                     \
	M(T, U32, rtp_port, )                                                                      \
	M(T, U32, rtcp_port, )                                                                     \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(udp_bound, UDP_BOUND_FIELDS)

/* The answer to udp_connect. + 2 descriptors: RTP and RTCP, connected to the camera and drained. */
#define UDP_CONNECTED_FIELDS(M, T) M(T, U32, rtp_port, )
WIRE_DECLARE(udp_connected, UDP_CONNECTED_FIELDS)
enum { UDP_FD_RTP, UDP_FD_RTCP, UDP_FDS };

/* udp_connect cannot be done. */
#define UDP_REFUSED_FIELDS(M, T) M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(udp_refused, UDP_REFUSED_FIELDS)

/* The camera is who it was: go on. (If it is not, ingest is killed instead.) */
#define IDENTITY_OK_FIELDS(M, T) M(T, U64, generation, )
WIRE_DECLARE(identity_ok, IDENTITY_OK_FIELDS)

/* ---- ingest -> framemuxd ---------------------------------------------------------------- */

/* Started, START understood, sockets in place. */
#define INGEST_READY_FIELDS(M, T) M(T, U64, generation, )
WIRE_DECLARE(ingest_ready, INGEST_READY_FIELDS)

/* What it is doing, for status ("DESCRIBE", "playing"). */
#define INGEST_NEWS_FIELDS(M, T)                                                                   \
	M(T, U32, playing, )                                                                       \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(ingest_news, INGEST_NEWS_FIELDS)

/* What follows from a failure of ingest. */
enum ingest_failure {
	INGEST_AGAIN,  /* try again after a pause */
	INGEST_FINAL,  /* trying again at once is useless (401, 404): a long pause */
	INGEST_BLOCK,  /* this is not the camera that is configured (pin): the camera is blocked */
	INGEST_SWITCH, /* no media came over this transport: the other one next */
	INGEST_BREACH, /* it breaks the protocol: again, but a camera that keeps at it is spared */
	/*
	 * The camera closed the connection with its challenge: another connection, at once if this
	 * one was not that already, with the answer to the last digest_ask, or with Basic where
	 * nothing was asked and that is permitted.
	 */
	INGEST_AUTH,
};

/* Sent before it exits: why, for a person. */
#define INGEST_FAILED_FIELDS(M, T)                                                                 \
	M(T, U32, what, )                                                                          \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(ingest_failed, INGEST_FAILED_FIELDS)

/*
 * RTSP over UDP: bind a pair of local ports (answer: udp_bound); then connect them to these ports
 * of the address that the control connection goes to (udp_connected or udp_refused). None of a
 * camera's ports is below UDP_PORT_LEAST: that is where the servers of a host are.
 */
#define UDP_PORT_LEAST        1024u
#define UDP_BIND_FIELDS(M, T) M(T, U64, generation, )
WIRE_DECLARE(udp_bind, UDP_BIND_FIELDS)

#define UDP_CONNECT_FIELDS(M, T)                                                                   \
	M(T, U32, rtp_port, )                                                                      \
	M(T, U32, rtcp_port, )
WIRE_DECLARE(udp_connect, UDP_CONNECT_FIELDS)

/*
 * What the camera calls itself, before anything of its pictures is asked for: its Server header,
 * and of its SDP's origin (RFC 4566 5.2) the user name and address. "" where it says nothing.
 * Answered by identity_ok.
 */
#define IDENTITY_FIELDS(M, T)                                                                      \
	M(T, STR, server, 256)                                                                     \
	M(T, STR, origin, 256)
WIRE_DECLARE(identity, IDENTITY_FIELDS)

/*
 * Hash this challenge with the camera's password (RFC 7616, RFC 2617). qop: 1 when the server offers
 * "auth", else 0. uri must lie under the configured URL.
 */
#define DIGEST_ASK_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, algorithm, )                                                                     \
	M(T, U32, named_algorithm, ) /* the challenge named one; echo it as written by RFC 7616 */ \
	M(T, U32, qop, )                                                                           \
	M(T, U32, method, )                                                                        \
	M(T, STR, realm, 256)                                                                      \
	M(T, STR, nonce, 512)                                                                      \
	M(T, STR, opaque, 512)                                                                     \
	M(T, STR, uri, LIMIT_PATH)
WIRE_DECLARE(digest_ask, DIGEST_ASK_FIELDS)

/* ---- framemuxd -> decode ---------------------------------------------------------------- */

/* masks: the camera's own, black for everyone. */
#define DECODE_START_FIELDS(M, T)                                                                  \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )                                                                    \
	M(T, STR, name, LIMIT_NAME)                                                                \
	M(T, BYTES, k_cam, KEY_BYTES)                                                              \
	M(T, U32, verbose, )                                                                       \
	M(T, U32, stale_after_ms, ) /* a beat is due when a frame becomes so old */                \
	M(T, U32, memory_mb, )      /* the process limits itself to that */                        \
	M(T, U32, max_pixels, )     /* of a picture; more is not decoded */                        \
	M(T, BLOB, masks, LIMIT_MASKS *MASK_BYTES)
WIRE_DECLARE(decode_start, DECODE_START_FIELDS)

/* ---- decode -> framemuxd ---------------------------------------------------------------- */

#define DECODE_READY_FIELDS(M, T) M(T, U64, generation, )
WIRE_DECLARE(decode_ready, DECODE_READY_FIELDS)

/* At 4 Hz, and at once with the first frame. last_frame_ns: monotonic, 0 before the first. */
#define DECODE_BEAT_FIELDS(M, T)                                                                   \
	M(T, U64, frames_decoded, )                                                                \
	M(T, U64, frames_corrupt, )                                                                \
	M(T, U64, last_frame_ns, )                                                                 \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fps_milli, )                                                                     \
	M(T, STR, codec, LIMIT_CODEC)
WIRE_DECLARE(decode_beat, DECODE_BEAT_FIELDS)

/* What follows from a failure of decode. */
enum decode_failure {
	DECODE_AGAIN, /* try again after a pause */
	DECODE_UNFIT, /* a stream above a limit, or none that can be decoded: as INGEST_BREACH */
};

/* Why it is about to exit: "ingest speaks for another camera". */
#define DECODE_FAILED_FIELDS(M, T)                                                                 \
	M(T, U32, what, )                                                                          \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(decode_failed, DECODE_FAILED_FIELDS)

/* ---- decode -> broker ------------------------------------------------------------------- */

/*
 * The decoded picture's form, before the first frame of that form is published. serial counts from
 * 1. From then on the decoder publishes only into attaches made or kept for this form, under this
 * serial or an earlier one.
 */
#define FORMAT_FIELDS(M, T)                                                                        \
	M(T, U32, serial, )                                                                        \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, sar_num, )                                                                       \
	M(T, U32, sar_den, )                                                                       \
	M(T, U32, color_encoding, ) /* values of the DRM plane property COLOR_ENCODING */          \
	M(T, U32, color_range, )    /* and COLOR_RANGE */                                          \
	M(T, U32, fps_milli, )
WIRE_DECLARE(format, FORMAT_FIELDS)

/* The ring is mapped and its descriptor closed (status 0), or why not (an errno). */
#define RING_MAPPED_FIELDS(M, T)                                                                   \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U32, status, )
WIRE_DECLARE(ring_mapped, RING_MAPPED_FIELDS)

/* The ring is unmapped, the lease socket closed; the attach's final counts. */
#define LET_GO_FIELDS(M, T)                                                                        \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U64, published, )                                                                     \
	M(T, U64, delivered, )                                                                     \
	M(T, U64, dropped, )
WIRE_DECLARE(let_go, LET_GO_FIELDS)

/* The client broke the rules of the lease socket; the decoder has stopped publishing to it. */
#define CLIENT_FAULT_FIELDS(M, T)                                                                  \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(client_fault, CLIENT_FAULT_FIELDS)

/* Running counts of an attach, at 4 Hz. */
#define COUNTS_FIELDS(M, T)                                                                        \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U64, published, )                                                                     \
	M(T, U64, delivered, )                                                                     \
	M(T, U64, dropped, )
WIRE_DECLARE(counts, COUNTS_FIELDS)

/* ---- broker -> decode ------------------------------------------------------------------- */

/*
 * Map this ring. + 2 descriptors: the ring (O_RDWR, a description of its own) and the decoder's end
 * of the lease socket. The picture is laid out by picture_layout(); the fd's size must be exactly
 * slots * slot_bytes. Answered by ring_mapped; publishing starts at ring_go.
 */
#define RING_GIVE_FIELDS(M, T)                                                                     \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )                                                                    \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U32, serial, )                                                                        \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fourcc, )                                                                        \
	M(T, U32, slots, )                                                                         \
	M(T, U32, max_fps, ) /* 0: every frame */                                                  \
	M(T, U32, tag_mode, )                                                                      \
	M(T, BLOB, masks, LIMIT_MASKS *MASK_BYTES)
WIRE_DECLARE(ring_give, RING_GIVE_FIELDS)
enum { RING_GIVE_FD_RING, RING_GIVE_FD_SOCKET, RING_GIVE_FDS };

/* Sealed: publish from the next decoded frame on. */
#define RING_GO_FIELDS(M, T)                                                                       \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )
WIRE_DECLARE(ring_go, RING_GO_FIELDS)

/* The attach is valid for the newer serial's form too: a fixed size, the same colour. */
#define RING_KEEP_FIELDS(M, T)                                                                     \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U32, serial, )
WIRE_DECLARE(ring_keep, RING_KEEP_FIELDS)

/* Unmap, close, answer let_go: at once. */
#define RING_DROP_FIELDS(M, T)                                                                     \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )
WIRE_DECLARE(ring_drop, RING_DROP_FIELDS)

/* ---- ingest -> decode: the stream -------------------------------------------------------- */

/*
 * u32 kind | u32 body length, little-endian, then the body:
 *	STREAM_HELLO  camera id (32) | u64 generation			first, once
 *	STREAM_CODEC  u32 codec | u32 width | u32 height | u32 reorder | u32 framing |
 *	              u32 sar_num | u32 sar_den | u32 matrix | u32 range | extradata
 *	STREAM_UNIT   u64 pts_ns | u64 arrival_ns | u64 capture_ns | u32 flags | the access unit
 *	STREAM_DRAIN  (empty)  the file begins again: give out what is delayed, then start anew
 * framing: 0 (Annex B; whole pictures where a codec has none). width, height: a hint, 0 if unknown.
 * reorder: frames the decoder has to hold back, from the container (avcodec's has_b_frames), 0 for a
 * live camera. sar, matrix (MatrixCoefficients of ITU-T H.273) and range (1 limited, 2 full) are the
 * container's, for what the coded pictures leave open; sar 0, matrix 2, range 0: it does not say.
 * pts_ns: of the stream, any origin. STREAM_PATTERN units are u16 code
 * (common/pattern.h). STREAM_YUYV and STREAM_NV12 units are whole pictures of width x height without
 * padding, rows and chroma rounded up to whole pairs of pixels; every one is a key unit.
 */
enum stream_kind { STREAM_HELLO = 1, STREAM_CODEC, STREAM_UNIT, STREAM_DRAIN };
enum stream_codec {
	STREAM_H264 = 1,
	STREAM_H265,
	STREAM_MJPEG,
	STREAM_PATTERN,
	STREAM_MPEG4,
	STREAM_AV1,
	STREAM_YUYV,
	STREAM_NV12
};
#define STREAM_HEADER_BYTES 8u
#define STREAM_HELLO_BYTES  (CAMERA_ID_BYTES + 8u)
#define STREAM_CODEC_BYTES  36u /* before the extradata */
#define STREAM_UNIT_BYTES   28u /* before the access unit */
#define STREAM_UNIT_KEY     1u  /* flags: decoding may begin here */
#define STREAM_UNIT_GAP     2u  /* flags: something before this was lost */

#endif
