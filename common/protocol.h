/*
 * What crosses the sockets that framemux does not own both ends of: client and broker, client and
 * decoder (the lease socket), framemuxctl and broker. framemux-protocol(7) describes the same.
 * Numbers are never used again; a retired one stays in the list.
 *
 * Version 1. All three are SOCK_SEQPACKET; descriptors go from broker to client only.
 *
 * client -> broker                      broker -> client
 *   hello                                 welcome
 *   open      (ask for a lease)           lease    (accepted; the first state is CONNECTING)
 *   attached  (one for each attach)       attach   (+ 3 descriptors: ring, dead page, lease socket)
 *   report    (a frame failed its tag)    state    (also: refused, dark, final states)
 *   shut      (close a view)
 * A view is the client's own number for one open; never reused on a connection.
 * After a final state (REVOKED, REFUSED, CLOSED) the broker sends nothing more for that view.
 * One attach of a connection is unacknowledged at a time: the next is sent after attached.
 */
#ifndef FRAMEMUX_PROTOCOL_H
#define FRAMEMUX_PROTOCOL_H

#include "common/identity.h"
#include "common/limits.h"
#include "common/mask.h"
#include "common/tag.h"
#include "common/token.h"
#include "common/wire.h"

#define PROTOCOL_MAGIC   0x31584d46u /* "FMX1" in bytes */
#define PROTOCOL_VERSION 1u

/* --- client -> broker --- */
#define HELLO_FIELDS(M, T)                                                                         \
	M(T, U32, magic, )                                                                         \
	M(T, U32, version, ) /* the newest that the client speaks */
WIRE_DECLARE(hello, HELLO_FIELDS)

/* proof: token_prove over this message's encoding with proof set to zero. */
#define OPEN_FIELDS(M, T)                                                                          \
	M(T, U32, view, )                                                                          \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fourcc, )                                                                        \
	M(T, U32, fps, )                                                                           \
	M(T, U32, slots, )                                                                         \
	M(T, U32, flags, ) /* FRAMEMUX_OPEN_* */                                                   \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, BYTES, proof, TOKEN_PROOF_BYTES)                                                      \
	M(T, BLOB, token, LIMIT_TOKEN_BODY)
WIRE_DECLARE(open, OPEN_FIELDS)

/* status: 0, or an errno for which the client could not use the attach (it is ended then). */
#define ATTACHED_FIELDS(M, T)                                                                      \
	M(T, U32, view, )                                                                          \
	M(T, U64, attach, )                                                                        \
	M(T, U32, status, )
WIRE_DECLARE(attached, ATTACHED_FIELDS)

/* The tag of frame seq of this attach was wrong. Audited; the broker ends the attach. */
#define REPORT_FIELDS(M, T)                                                                        \
	M(T, U32, view, )                                                                          \
	M(T, U64, attach, )                                                                        \
	M(T, U64, seq, )
WIRE_DECLARE(report, REPORT_FIELDS)

#define SHUT_FIELDS(M, T) M(T, U32, view, )
WIRE_DECLARE(shut, SHUT_FIELDS)

/* --- broker -> client --- */
#define WELCOME_FIELDS(M, T)                                                                       \
	M(T, U32, version, )                                                                       \
	M(T, BYTES, challenge, TOKEN_CHALLENGE_BYTES)
WIRE_DECLARE(welcome, WELCOME_FIELDS)

#define LEASE_FIELDS(M, T)                                                                         \
	M(T, U32, view, )                                                                          \
	M(T, U64, lease, )
WIRE_DECLARE(lease, LEASE_FIELDS)

/*
 * The current attach, if any, has ended (its ring is dead and erased) when state is STALE, LOST or
 * final; CONNECTING says why there is nothing yet. state: enum framemux_state.
 */
#define STATE_FIELDS(M, T)                                                                         \
	M(T, U32, view, )                                                                          \
	M(T, U32, state, )                                                                         \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(state, STATE_FIELDS)

/* Geometry, key and times of one attach; replaces the view's attach before it. */
#define ATTACH_FIELDS(M, T)                                                                        \
	M(T, U32, view, )                                                                          \
	M(T, U64, lease, )                                                                         \
	M(T, U64, attach, )                                                                        \
	M(T, U64, generation, )                                                                    \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, BYTES, camera_id, CAMERA_ID_BYTES)                                                    \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fourcc, )                                                                        \
	M(T, U32, slots, )                                                                         \
	M(T, U64, ring_bytes, )                                                                    \
	M(T, U32, color_encoding, )                                                                \
	M(T, U32, color_range, )                                                                   \
	M(T, U32, sar_num, )                                                                       \
	M(T, U32, sar_den, )                                                                       \
	M(T, U32, tag_mode, )                                                                      \
	M(T, U64, stale_ns, ) /* no frame may be older, nor silence longer */                      \
	M(T, BYTES, k_attach, KEY_BYTES)
WIRE_DECLARE(attach, ATTACH_FIELDS)

/* Descriptors of attach, in this order. */
enum { ATTACH_FD_RING, ATTACH_FD_DEAD, ATTACH_FD_SOCKET, ATTACH_FDS };

/*
 * The dead page: one page, sealed like a ring. Its first u32 is 0 while the attach lives; the
 * broker sets it before it clears memory. Named "framemux-dead".
 */
#define DEAD_PAGE_BYTES 4096u

/* --- the lease socket: decoder -> client --- */
#define FRAME_FIELDS(M, T)                                                                         \
	M(T, U32, slot, )                                                                          \
	M(T, U32, flags, ) /* FRAMEMUX_FRAME_* */                                                  \
	M(T, U64, seq, )   /* from 1, rising */                                                    \
	M(T, U64, capture_ns, )                                                                    \
	M(T, U64, arrival_ns, )                                                                    \
	M(T, U64, publish_ns, )                                                                    \
	M(T, U64, publish_boot_ns, )                                                               \
	M(T, BYTES, tag, TAG_BYTES)
WIRE_DECLARE(frame, FRAME_FIELDS)

/* At 4 Hz at least: the decoder is alive. */
#define BEAT_FIELDS(M, T) M(T, U64, boot_ns, )
WIRE_DECLARE(beat, BEAT_FIELDS)

/* --- the lease socket: client -> decoder --- */
/* The slot of frame seq goes back to the decoder. acquired: 1 if the application had it. */
#define CREDIT_FIELDS(M, T)                                                                        \
	M(T, U32, slot, )                                                                          \
	M(T, U32, acquired, )                                                                      \
	M(T, U64, seq, )
WIRE_DECLARE(credit, CREDIT_FIELDS)

/* --- framemuxctl -> broker: hello first, then one request at a time --- */
#define CTL_STATUS_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_status, CTL_STATUS_FIELDS)

/* masks: masks_pack() of common/mask.h. */
#define CTL_GRANT_FIELDS(M, T)                                                                     \
	M(T, U32, request, )                                                                       \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, U32, has_uid, )                                                                       \
	M(T, U32, uid, )                                                                           \
	M(T, STR, unit, LIMIT_UNIT)                                                                \
	M(T, U32, max_width, )                                                                     \
	M(T, U32, max_height, )                                                                    \
	M(T, U32, max_fps, )                                                                       \
	M(T, U32, never_expires, )                                                                 \
	M(T, U64, expires_s, ) /* from now */                                                      \
	M(T, U32, dump, )                                                                          \
	M(T, STR, label, LIMIT_LABEL)                                                              \
	M(T, BLOB, masks, LIMIT_MASKS *MASK_BYTES)
WIRE_DECLARE(ctl_grant, CTL_GRANT_FIELDS)

/*
 * cutoff 0: the token with this id, or of the lease with it (32 or 16 hexadecimal digits); else
 * every token issued so far: 1, for this camera: 2, for this uid: 3 (enum cutoff_kind).
 */
#define CTL_REVOKE_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, cutoff, )                                                                        \
	M(T, STR, id, 40)                                                                          \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, U32, uid, )
WIRE_DECLARE(ctl_revoke, CTL_REVOKE_FIELDS)

/* What the camera calls itself now is right: forget what it called itself, lift its block. */
#define CTL_ACCEPT_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, STR, camera, LIMIT_NAME)
WIRE_DECLARE(ctl_accept, CTL_ACCEPT_FIELDS)

/* Read the configuration again: all or nothing. */
#define CTL_RELOAD_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_reload, CTL_RELOAD_FIELDS)

/*
 * To framemuxd itself, on the kill switch's socket (the control socket's path and KILL_SUFFIX): hello
 * first, then one request at a time. on: 1 disable, 0 enable.
 */
#define KILL_SUFFIX ".kill"
enum switch_kind { SWITCH_CAMERA = 1, SWITCH_VENDOR, SWITCH_UID };
#define CTL_SWITCH_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, on, )                                                                            \
	M(T, U32, kind, )                                                                          \
	M(T, STR, name, LIMIT_LABEL)                                                               \
	M(T, U32, uid, )
WIRE_DECLARE(ctl_switch, CTL_SWITCH_FIELDS)

/*
 * A fleet's policy, on the same socket, in pieces: each is answered, the one that ends at total when
 * the policy is in force, or refused. at: where this piece begins, which is where the last one ended.
 */
#define CTL_POLICY_PIECE 3072u
#define CTL_POLICY_APPLY_FIELDS(M, T)                                                              \
	M(T, U32, request, )                                                                       \
	M(T, U32, total, ) /* bytes of the whole bundle */                                         \
	M(T, U32, at, )                                                                            \
	M(T, BLOB, bytes, CTL_POLICY_PIECE)
WIRE_DECLARE(ctl_policy_apply, CTL_POLICY_APPLY_FIELDS)

/* What policy is in force. */
#define CTL_POLICY_SHOW_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_policy_show, CTL_POLICY_SHOW_FIELDS)

/* The audit log, to be read and verified by whoever asks. */
#define CTL_AUDIT_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_audit, CTL_AUDIT_FIELDS)

/* The state folder was rolled back, and that is known: grant again. */
#define CTL_ACCEPT_STATE_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_accept_state, CTL_ACCEPT_STATE_FIELDS)

/* What is, and from then on what happens, as ctl_event without end. No done but to refuse. */
#define CTL_WATCH_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_watch, CTL_WATCH_FIELDS)
/* The root keys: which there are; a new one; the end of the older one and of its tokens. */
#define CTL_KEY_SHOW_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_key_show, CTL_KEY_SHOW_FIELDS)

#define CTL_KEY_ROTATE_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_key_rotate, CTL_KEY_ROTATE_FIELDS)

#define CTL_KEY_RETIRE_FIELDS(M, T) M(T, U32, request, )
WIRE_DECLARE(ctl_key_retire, CTL_KEY_RETIRE_FIELDS)

/* --- broker -> framemuxctl: records, then done --- */
#define CTL_MUX_FIELDS(M, T)                                                                       \
	M(T, STR, version, 32)                                                                     \
	M(T, U32, pid, )                                                                           \
	M(T, U64, uptime_ns, )                                                                     \
	M(T, U32, walls_full, )                                                                    \
	M(T, STR, missing_walls, 512) /* separated by blanks */                                    \
	M(T, U64, leases_opened, )                                                                 \
	M(T, U64, leases_refused, )                                                                \
	M(T, U64, revokes, )                                                                       \
	M(T, U64, revoke_us_max, )                                                                 \
	M(T, U64, erased_bytes, )                                                                  \
	M(T, U64, provenance_failures, )                                                           \
	M(T, STR, audit_state, LIMIT_KIND) /* "" when framemuxd did not say */                     \
	M(T, U64, audit_records, )
WIRE_DECLARE(ctl_mux, CTL_MUX_FIELDS)

/* state: enum camera_state of common/camera_state.h; numbers unknown are 0. */
#define CTL_CAMERA_FIELDS(M, T)                                                                    \
	M(T, STR, name, LIMIT_NAME)                                                                \
	M(T, STR, vendor, LIMIT_LABEL)                                                             \
	M(T, U32, epoch, )                                                                         \
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
WIRE_DECLARE(ctl_camera, CTL_CAMERA_FIELDS)

/* state: enum framemux_state. since_s, not_after: s since the Unix epoch, not_after 0: never. */
#define CTL_LEASE_FIELDS(M, T)                                                                     \
	M(T, U64, id, )                                                                            \
	M(T, BYTES, token, TOKEN_ID_BYTES)                                                         \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, U32, state, )                                                                         \
	M(T, U32, pid, )                                                                           \
	M(T, U32, uid, )                                                                           \
	M(T, STR, label, LIMIT_LABEL)                                                              \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fourcc, )                                                                        \
	M(T, U32, slots, )                                                                         \
	M(T, U64, bytes, )                                                                         \
	M(T, U64, since_s, )                                                                       \
	M(T, U64, not_after, )                                                                     \
	M(T, U64, published, )                                                                     \
	M(T, U64, delivered, )                                                                     \
	M(T, U64, dropped, )                                                                       \
	M(T, U64, withheld, )
WIRE_DECLARE(ctl_lease, CTL_LEASE_FIELDS)

#define CTL_UID_FIELDS(M, T)                                                                       \
	M(T, U32, uid, )                                                                           \
	M(T, U32, leases, )                                                                        \
	M(T, U64, bytes, )                                                                         \
	M(T, U64, held_bytes, )
WIRE_DECLARE(ctl_uid, CTL_UID_FIELDS)

/* The answer to ctl_grant: the whole token, chain tag included. */
#define CTL_TOKEN_FIELDS(M, T)                                                                     \
	M(T, BYTES, id, TOKEN_ID_BYTES)                                                            \
	M(T, U64, not_after, ) /* 0: never */                                                      \
	M(T, STR, token, LIMIT_TOKEN)
WIRE_DECLARE(ctl_token, CTL_TOKEN_FIELDS)

/* One for each root key: never its bytes. */
#define CTL_KEY_FIELDS(M, T)                                                                       \
	M(T, U32, key_id, )                                                                        \
	M(T, U64, since_s, ) /* s since the Unix epoch */                                          \
	M(T, U32, is_current, )
WIRE_DECLARE(ctl_key, CTL_KEY_FIELDS)

/* One for each lease that a revoke, or the end of a key, ended. */
#define CTL_ENDED_FIELDS(M, T) M(T, U64, lease, )
WIRE_DECLARE(ctl_ended, CTL_ENDED_FIELDS)

/*
 * One for each thing that a reload changed. kind: camera, grant or setting; what: added, changed,
 * removed, ...; detail: which keys, or from which value to which.
 */
#define CTL_CHANGE_FIELDS(M, T)                                                                    \
	M(T, STR, kind, LIMIT_KIND)                                                                \
	M(T, STR, name, LIMIT_NAME)                                                                \
	M(T, STR, what, LIMIT_KIND)                                                                \
	M(T, STR, detail, LIMIT_CHANGE)
WIRE_DECLARE(ctl_change, CTL_CHANGE_FIELDS)

/* Why a configuration was refused: "FILE:LINE: what is wrong". */
#define CTL_FAULT_FIELDS(M, T) M(T, STR, text, LIMIT_FAULT)
WIRE_DECLARE(ctl_fault, CTL_FAULT_FIELDS)

/* One for each configured camera that a switch concerns. */
#define CTL_SWITCHED_FIELDS(M, T) M(T, STR, camera, LIMIT_NAME)
WIRE_DECLARE(ctl_switched, CTL_SWITCHED_FIELDS)

/*
 * The policy in force; version 0: there is none. Times: s since the Unix epoch, expires 0: never; now:
 * the time by which it expires. keys, quorum: those of the configuration. kept: it is on disk.
 */
#define CTL_POLICY_FIELDS(M, T)                                                                    \
	M(T, U64, version, )                                                                       \
	M(T, U64, issued_s, )                                                                      \
	M(T, U64, expires_s, )                                                                     \
	M(T, U64, now_s, )                                                                         \
	M(T, BYTES, hash, 32)                                                                      \
	M(T, STR, fleet, LIMIT_LABEL)                                                              \
	M(T, U32, keys, )                                                                          \
	M(T, U32, quorum, )                                                                        \
	M(T, U32, kept, )
WIRE_DECLARE(ctl_policy, CTL_POLICY_FIELDS)

/* One for each of policy_keys, and whether it has signed it. */
#define CTL_POLICY_KEY_FIELDS(M, T)                                                                \
	M(T, STR, id, 20)                                                                          \
	M(T, U32, has_signed, )
WIRE_DECLARE(ctl_policy_key, CTL_POLICY_KEY_FIELDS)

/* One for each statement, as it was written. */
#define CTL_POLICY_LINE_FIELDS(M, T) M(T, STR, text, 512)
WIRE_DECLARE(ctl_policy_line, CTL_POLICY_LINE_FIELDS)

/* One for each camera that it keeps from working. */
#define CTL_POLICY_CAMERA_FIELDS(M, T)                                                             \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(ctl_policy_camera, CTL_POLICY_CAMERA_FIELDS)

/*
 * A segment of the audit log, oldest first, + 1 descriptor, read-only; bytes: what of it is sealed.
 * Segment 0: the file of state_anchor.
 */
#define CTL_SEGMENT_FIELDS(M, T)                                                                   \
	M(T, U32, segment, )                                                                       \
	M(T, U64, bytes, )
WIRE_DECLARE(ctl_segment, CTL_SEGMENT_FIELDS)

/* How far the log has got. state: its name, as in status; anchor: none, journal or file. */
#define CTL_HEAD_FIELDS(M, T)                                                                      \
	M(T, STR, state, LIMIT_KIND)                                                               \
	M(T, STR, anchor, LIMIT_KIND)                                                              \
	M(T, U64, n, )                                                                             \
	M(T, U64, seal, )                                                                          \
	M(T, BYTES, chain, 32)                                                                     \
	M(T, BYTES, key, 32)
WIRE_DECLARE(ctl_head, CTL_HEAD_FIELDS)

/*
 * uid, pid: of a lease, its client; else who asked. What does not belong to an event is empty, 0, or
 * EVENT_NO_UID. state: enum camera_state. What EVENT_NOW ends is the whole present; EVENT_MISSED: the
 * reader was too slow, and the present follows anew.
 */
enum ctl_event_kind {
	EVENT_CAMERA = 1,
	EVENT_CAMERA_REMOVED,
	EVENT_LEASE_OPENED,
	EVENT_LEASE_CLOSED,
	EVENT_REVOKED,
	EVENT_USER_DISABLED,
	EVENT_USER_ENABLED,
	EVENT_NOW,
	EVENT_MISSED,
};
#define EVENT_NO_UID UINT32_MAX
#define CTL_EVENT_FIELDS(M, T)                                                                     \
	M(T, U32, event, )                                                                         \
	M(T, U64, time_ms, ) /* since the Unix epoch */                                            \
	M(T, STR, camera, LIMIT_NAME)                                                              \
	M(T, U32, state, )                                                                         \
	M(T, U64, lease, )                                                                         \
	M(T, U32, uid, )                                                                           \
	M(T, U32, pid, )                                                                           \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(ctl_event, CTL_EVENT_FIELDS)

/* The end of an answer. status: 0 or an errno; elapsed_us: of a revoke, from its receipt to erased.
 */
#define CTL_DONE_FIELDS(M, T)                                                                      \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )                                                                        \
	M(T, U64, elapsed_us, )                                                                    \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(ctl_done, CTL_DONE_FIELDS)

#endif
