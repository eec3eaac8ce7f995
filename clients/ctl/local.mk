# framemuxctl: the control conversation and, offline, tokens.
noinst_LTLIBRARIES += libctl.la
libctl_la_SOURCES = \
	clients/ctl/accept.c clients/ctl/ask.c clients/ctl/ask.h clients/ctl/attenuate.c \
	clients/ctl/ended.c clients/ctl/ended.h clients/ctl/grant.c \
	clients/ctl/inspect.c clients/ctl/json.c clients/ctl/json.h clients/ctl/key.c \
	clients/ctl/options.c clients/ctl/options.h clients/ctl/policy.c clients/ctl/reload.c \
	clients/ctl/snapshot.c clients/ctl/source.c clients/ctl/source.h clients/ctl/switch.c \
	clients/ctl/table.c clients/ctl/table.h clients/ctl/units.c clients/ctl/units.h \
	clients/ctl/verbs.c clients/ctl/verbs.h clients/ctl/watch.c \
	clients/ctl/audit/audit.c clients/ctl/audit/audit.h \
	clients/ctl/audit/audit_log.c clients/ctl/audit/audit_log.h \
	clients/ctl/audit/audit_moment.c clients/ctl/audit/audit_moment.h \
	clients/ctl/audit/audit_print.c clients/ctl/audit/audit_report.c \
	clients/ctl/audit/audit_scan.c clients/ctl/audit/audit_verify.c \
	clients/ctl/check/check.c clients/ctl/check/check_board.c clients/ctl/check/check_board.h \
	clients/ctl/check/check_crowd.c clients/ctl/check/check_crowd.h \
	clients/ctl/check/check_look.c clients/ctl/check/check_look.h \
	clients/ctl/check/check_mux.c clients/ctl/check/check_mux.h \
	clients/ctl/check/check_report.c clients/ctl/check/check_report.h \
	clients/ctl/check/check_role.c clients/ctl/check/check_role.h \
	clients/ctl/check/check_seen.c clients/ctl/check/check_seen.h \
	clients/ctl/check/check_watch.c clients/ctl/check/check_watch.h \
	clients/ctl/status/metrics.c clients/ctl/status/metrics.h \
	clients/ctl/status/status.c clients/ctl/status/status.h clients/ctl/status/status_json.c \
	clients/ctl/status/status_text.c
libctl_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(DRM_CFLAGS) $(JANSSON_CFLAGS) \
	-DSBINDIR='"$(sbindir)"'
libctl_la_LIBADD = libpicture.la libkey.la libprogram.la libcontrol.la libcommon.la libframemux.la $(JANSSON_LIBS) $(SODIUM_LIBS) -lm

bin_PROGRAMS += framemuxctl
framemuxctl_SOURCES = clients/ctl/main.c
framemuxctl_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
framemuxctl_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
framemuxctl_LDADD = libctl.la libframemux.la
