# framemuxd: configuration, secrets, births and deaths. No FFmpeg in here.
noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = \
	mux/daemon/camera.c mux/daemon/camera.h mux/daemon/daemon.c mux/daemon/daemon.h \
	mux/daemon/daemon_private.h mux/daemon/listen.c mux/daemon/listen.h \
	mux/daemon/notify.c mux/daemon/notify.h mux/daemon/options.c mux/daemon/options.h \
	mux/daemon/audit/audit.c mux/daemon/audit/audit.h \
	mux/daemon/audit/audit_anchor.c mux/daemon/audit/audit_anchor.h \
	mux/daemon/audit/audit_file.c mux/daemon/audit/audit_file.h \
	mux/daemon/audit/audit_file_private.h \
	mux/daemon/audit/audit_keys.c mux/daemon/audit/audit_keys.h mux/daemon/audit/audit_open.c \
	mux/daemon/audit/audit_private.h mux/daemon/audit/audit_read.c \
	mux/daemon/audit/audit_recover.c mux/daemon/audit/audit_talk.c \
	mux/daemon/broker/broker_link.c mux/daemon/broker/broker_link.h \
	mux/daemon/broker/broker_talk.c mux/daemon/broker/key_talk.c \
	mux/daemon/broker/process_unit.c mux/daemon/broker/process_unit.h \
	mux/daemon/config/config.c mux/daemon/config/config.h mux/daemon/config/config_files.c \
	mux/daemon/config/config_text.c mux/daemon/config/config_text.h \
	mux/daemon/config/config_text_private.h \
	mux/daemon/config/config_camera.c mux/daemon/config/config_grant.c \
	mux/daemon/config/config_top.c mux/daemon/config/config_values.h \
	mux/daemon/config/grants.c mux/daemon/config/grants.h mux/daemon/config/hand_out.c \
	mux/daemon/config/parse.c mux/daemon/config/parse.h \
	mux/daemon/config/scope.c mux/daemon/config/scope.h \
	mux/daemon/config/secret.c mux/daemon/config/secret.h \
	mux/daemon/config/token_file.c mux/daemon/config/token_file.h \
	mux/daemon/config/url.c mux/daemon/config/url.h \
	mux/daemon/cutoff/cut.c mux/daemon/cutoff/cut.h \
	mux/daemon/cutoff/cutoff_file.c mux/daemon/cutoff/cutoff_file.h \
	mux/daemon/cutoff/disabled.c mux/daemon/cutoff/disabled.h \
	mux/daemon/cutoff/keep_revoked.c \
	mux/daemon/cutoff/kill_socket.c mux/daemon/cutoff/kill_socket.h \
	mux/daemon/cutoff/kill_switch.c mux/daemon/cutoff/kill_switch.h \
	mux/daemon/cutoff/refusals.c mux/daemon/cutoff/refusals.h \
	mux/daemon/pair/connect.c mux/daemon/pair/connect.h \
	mux/daemon/pair/digest.c mux/daemon/pair/digest.h \
	mux/daemon/pair/pair.c mux/daemon/pair/pair.h mux/daemon/pair/pair_answer.c \
	mux/daemon/pair/pair_birth.c mux/daemon/pair/pair_block.c mux/daemon/pair/pair_private.h \
	mux/daemon/pair/pair_reload.c mux/daemon/pair/pair_state.c mux/daemon/pair/pair_survey.c \
	mux/daemon/pair/pair_talk.c mux/daemon/pair/pair_want.c \
	mux/daemon/pair/pause.c mux/daemon/pair/pause.h \
	mux/daemon/pair/udp.c mux/daemon/pair/udp.h \
	mux/daemon/policy/enforce.c mux/daemon/policy/enforce.h mux/daemon/policy/enforce_keep.c \
	mux/daemon/policy/enforce_note.c mux/daemon/policy/enforce_private.h \
	mux/daemon/policy/enforce_time.c mux/daemon/policy/policy.c mux/daemon/policy/policy.h \
	mux/daemon/policy/policy_drop.c mux/daemon/policy/policy_drop.h \
	mux/daemon/policy/policy_drop_disk.c mux/daemon/policy/policy_drop_disk.h \
	mux/daemon/policy/policy_file.c mux/daemon/policy/policy_file.h \
	mux/daemon/policy/policy_keys.c mux/daemon/policy/policy_keys.h \
	mux/daemon/policy/policy_talk.c mux/daemon/policy/policy_talk.h \
	mux/daemon/reload/reload.c mux/daemon/reload/reload.h \
	mux/daemon/reload/reload_diff.c mux/daemon/reload/reload_diff.h \
	mux/daemon/reload/reload_disk.c mux/daemon/reload/reload_private.h \
	mux/daemon/reload/reload_swap.c \
	mux/daemon/roles/child.c mux/daemon/roles/child.h \
	mux/daemon/roles/peer.c mux/daemon/roles/peer.h \
	mux/daemon/roles/privilege.c mux/daemon/roles/privilege.h \
	mux/daemon/roles/role_lines.c mux/daemon/roles/role_lines.h \
	mux/daemon/roles/role_log.c mux/daemon/roles/role_log.h \
	mux/daemon/roles/roles.c mux/daemon/roles/roles.h \
	mux/daemon/roles/uids.c mux/daemon/roles/uids.h \
	mux/daemon/state/clock_floor.c mux/daemon/state/clock_floor.h \
	mux/daemon/state/clock_keep.c mux/daemon/state/disk.c mux/daemon/state/disk.h \
	mux/daemon/state/folder.c mux/daemon/state/folder.h \
	mux/daemon/state/key_file.c mux/daemon/state/key_file.h \
	mux/daemon/state/key_given.c mux/daemon/state/key_given.h \
	mux/daemon/state/list_file.c mux/daemon/state/list_file.h \
	mux/daemon/state/state.c mux/daemon/state/state.h \
	mux/daemon/trust/accept.c mux/daemon/trust/fingerprint.c mux/daemon/trust/fingerprint.h \
	mux/daemon/trust/fingerprint_file.c mux/daemon/trust/fingerprint_file.h
libdaemon_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(EVENT_CFLAGS) $(CONFUSE_CFLAGS) \
	$(NETTLE_CFLAGS) $(PIE_CFLAGS) -pthread
libdaemon_la_LIBADD = liblink.la libcommon.la $(SODIUM_LIBS) $(EVENT_LIBS) $(CONFUSE_LIBS) \
	$(NETTLE_LIBS)

sbin_PROGRAMS += framemuxd
framemuxd_SOURCES = mux/daemon/main.c
framemuxd_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) -pthread
framemuxd_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS) -pthread
framemuxd_LDADD = libdaemon.la
