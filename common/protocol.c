/* The numbers of the messages that common/protocol.h declares. Retired numbers stay listed. */
#include "common/protocol.h"

/* client -> broker */
WIRE_DEFINE(hello, 0x0001, HELLO_FIELDS)
WIRE_DEFINE(open, 0x0002, OPEN_FIELDS)
WIRE_DEFINE(attached, 0x0003, ATTACHED_FIELDS)
WIRE_DEFINE(report, 0x0004, REPORT_FIELDS)
WIRE_DEFINE(shut, 0x0005, SHUT_FIELDS)
/* broker -> client */
WIRE_DEFINE(welcome, 0x0081, WELCOME_FIELDS)
WIRE_DEFINE(lease, 0x0082, LEASE_FIELDS)
WIRE_DEFINE(state, 0x0083, STATE_FIELDS)
WIRE_DEFINE(attach, 0x0084, ATTACH_FIELDS)
/* the lease socket */
WIRE_DEFINE(frame, 0x0101, FRAME_FIELDS)
WIRE_DEFINE(beat, 0x0102, BEAT_FIELDS)
WIRE_DEFINE(credit, 0x0181, CREDIT_FIELDS)
/* framemuxctl -> broker */
WIRE_DEFINE(ctl_status, 0x0201, CTL_STATUS_FIELDS)
WIRE_DEFINE(ctl_grant, 0x0202, CTL_GRANT_FIELDS)
WIRE_DEFINE(ctl_revoke, 0x0203, CTL_REVOKE_FIELDS)
WIRE_DEFINE(ctl_accept, 0x0204, CTL_ACCEPT_FIELDS)
WIRE_DEFINE(ctl_reload, 0x0205, CTL_RELOAD_FIELDS)
/* framemuxctl -> framemuxd */
WIRE_DEFINE(ctl_switch, 0x0240, CTL_SWITCH_FIELDS)
WIRE_DEFINE(ctl_audit, 0x0211, CTL_AUDIT_FIELDS)
WIRE_DEFINE(ctl_accept_state, 0x0212, CTL_ACCEPT_STATE_FIELDS)
/* broker -> framemuxctl */
WIRE_DEFINE(ctl_mux, 0x0281, CTL_MUX_FIELDS)
WIRE_DEFINE(ctl_camera, 0x0282, CTL_CAMERA_FIELDS)
WIRE_DEFINE(ctl_lease, 0x0283, CTL_LEASE_FIELDS)
WIRE_DEFINE(ctl_uid, 0x0284, CTL_UID_FIELDS)
WIRE_DEFINE(ctl_token, 0x0285, CTL_TOKEN_FIELDS)
WIRE_DEFINE(ctl_ended, 0x0286, CTL_ENDED_FIELDS)
WIRE_DEFINE(ctl_done, 0x0287, CTL_DONE_FIELDS)
WIRE_DEFINE(ctl_change, 0x0288, CTL_CHANGE_FIELDS)
WIRE_DEFINE(ctl_fault, 0x0289, CTL_FAULT_FIELDS)
/* framemuxd -> framemuxctl */
WIRE_DEFINE(ctl_switched, 0x02c0, CTL_SWITCHED_FIELDS)
WIRE_DEFINE(ctl_segment, 0x0291, CTL_SEGMENT_FIELDS)
WIRE_DEFINE(ctl_head, 0x0292, CTL_HEAD_FIELDS)
