# framemuxd: configuration, secrets, births and deaths. No FFmpeg in here.
noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = \
	mux/daemon/accept.c \
	mux/daemon/audit.c mux/daemon/audit.h \
	mux/daemon/audit_anchor.c mux/daemon/audit_anchor.h \
	mux/daemon/audit_file.c mux/daemon/audit_file.h mux/daemon/audit_file_private.h \
	mux/daemon/audit_keys.c mux/daemon/audit_keys.h \
	mux/daemon/audit_open.c \
	mux/daemon/audit_read.c mux/daemon/audit_private.h \
	mux/daemon/audit_recover.c \
	mux/daemon/audit_talk.c \
	mux/daemon/broker_link.c mux/daemon/broker_link.h \
	mux/daemon/broker_talk.c \
	mux/daemon/camera.c mux/daemon/camera.h \
	mux/daemon/child.c mux/daemon/child.h \
	mux/daemon/clock_floor.c mux/daemon/clock_floor.h mux/daemon/clock_keep.c \
	mux/daemon/config.c mux/daemon/config.h \
	mux/daemon/config_files.c mux/daemon/config_text_private.h \
	mux/daemon/config_lex.c mux/daemon/config_lex.h \
	mux/daemon/config_text.c mux/daemon/config_text.h \
	mux/daemon/config_values.c mux/daemon/config_values.h \
	mux/daemon/connect.c mux/daemon/connect.h \
	mux/daemon/cut.c mux/daemon/cut.h \
	mux/daemon/cutoff_file.c mux/daemon/cutoff_file.h \
	mux/daemon/daemon.c mux/daemon/daemon.h mux/daemon/daemon_private.h \
	mux/daemon/digest.c mux/daemon/digest.h \
	mux/daemon/disabled.c mux/daemon/disabled.h \
	mux/daemon/disk.c mux/daemon/disk.h \
	mux/daemon/enforce.c mux/daemon/enforce.h mux/daemon/enforce_private.h \
	mux/daemon/enforce_keep.c mux/daemon/enforce_note.c mux/daemon/enforce_time.c \
	mux/daemon/fingerprint.c mux/daemon/fingerprint.h \
	mux/daemon/fingerprint_file.c mux/daemon/fingerprint_file.h \
	mux/daemon/folder.c mux/daemon/folder.h \
	mux/daemon/grants.c mux/daemon/grants.h \
	mux/daemon/hand_out.c mux/daemon/keep_revoked.c \
	mux/daemon/key_file.c mux/daemon/key_file.h mux/daemon/key_talk.c \
	mux/daemon/key_given.c mux/daemon/key_given.h \
	mux/daemon/kill_socket.c mux/daemon/kill_socket.h \
	mux/daemon/kill_switch.c mux/daemon/kill_switch.h \
	mux/daemon/list_file.c mux/daemon/list_file.h \
	mux/daemon/listen.c mux/daemon/listen.h \
	mux/daemon/notify.c mux/daemon/notify.h \
	mux/daemon/options.c mux/daemon/options.h \
	mux/daemon/pair.c mux/daemon/pair.h mux/daemon/pair_private.h \
	mux/daemon/pair_answer.c mux/daemon/pair_birth.c mux/daemon/pair_block.c \
	mux/daemon/pair_reload.c mux/daemon/pair_state.c mux/daemon/pair_survey.c mux/daemon/pair_talk.c \
	mux/daemon/pair_want.c \
	mux/daemon/parse.c mux/daemon/parse.h \
	mux/daemon/pause.c mux/daemon/pause.h \
	mux/daemon/peer.c mux/daemon/peer.h \
	mux/daemon/policy.c mux/daemon/policy.h \
	mux/daemon/policy_drop.c mux/daemon/policy_drop.h \
	mux/daemon/policy_drop_disk.c mux/daemon/policy_drop_disk.h \
	mux/daemon/policy_file.c mux/daemon/policy_file.h \
	mux/daemon/policy_keys.c mux/daemon/policy_keys.h \
	mux/daemon/policy_talk.c mux/daemon/policy_talk.h \
	mux/daemon/privilege.c mux/daemon/privilege.h \
	mux/daemon/process_unit.c mux/daemon/process_unit.h \
	mux/daemon/refusals.c mux/daemon/refusals.h \
	mux/daemon/reload.c mux/daemon/reload.h mux/daemon/reload_private.h \
	mux/daemon/reload_diff.c mux/daemon/reload_diff.h \
	mux/daemon/reload_disk.c mux/daemon/reload_swap.c \
	mux/daemon/role_lines.c mux/daemon/role_lines.h \
	mux/daemon/role_log.c mux/daemon/role_log.h \
	mux/daemon/roles.c mux/daemon/roles.h \
	mux/daemon/secret.c mux/daemon/secret.h \
	mux/daemon/state.c mux/daemon/state.h \
	mux/daemon/token_file.c mux/daemon/token_file.h \
	mux/daemon/udp.c mux/daemon/udp.h \
	mux/daemon/uids.c mux/daemon/uids.h \
	mux/daemon/url.c mux/daemon/url.h
libdaemon_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(EVENT_CFLAGS) $(CONFUSE_CFLAGS) \
	$(NETTLE_CFLAGS) $(PIE_CFLAGS) -pthread
libdaemon_la_LIBADD = liblink.la libcommon.la $(SODIUM_LIBS) $(EVENT_LIBS) $(CONFUSE_LIBS) \
	$(NETTLE_LIBS)

sbin_PROGRAMS += framemuxd
framemuxd_SOURCES = mux/daemon/main.c
framemuxd_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) -pthread
framemuxd_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS) -pthread
framemuxd_LDADD = libdaemon.la
