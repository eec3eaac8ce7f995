# What both sides of a socket need. libsodium is the only library in here.
noinst_LTLIBRARIES += libcommon.la
libcommon_la_SOURCES = \
	common/audit_record.c common/audit_record.h \
	common/audit_walk.c common/audit_walk.h \
	common/breakage.c common/breakage.h \
	common/bytes.h common/cleanup.h common/clock.h common/limits.h common/stale.h common/suspend.h \
	common/camera_state.c common/camera_state.h \
	common/cutoff.c common/cutoff.h \
	common/identity.c common/identity.h \
	common/lexer.c common/lexer.h \
	common/log.c common/log.h \
	common/mask.c common/mask.h \
	common/memfd.c common/memfd.h \
	common/number.c common/number.h \
	common/outbox.c common/outbox.h \
	common/pattern.c common/pattern.h \
	common/picture.c common/picture.h \
	common/protocol.c common/protocol.h \
	common/revoked.c common/revoked.h \
	common/sock.c common/sock.h \
	common/tag.c common/tag.h \
	common/text.c common/text.h \
	common/token.c common/token.h common/token_limit.c common/token_private.h \
	common/token_rights.c common/token_text.c \
	common/utc.c common/utc.h \
	common/wire.c common/wire.h
libcommon_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(DRM_CFLAGS)
libcommon_la_LIBADD = $(SODIUM_LIBS)
