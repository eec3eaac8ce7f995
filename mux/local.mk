# The links between the roles, and what every role does when it is born.
noinst_LTLIBRARIES += liblink.la
liblink_la_SOURCES = mux/audit_note.c mux/audit_note.h mux/link/birth.h mux/link/broker_decode.h \
	mux/link/daemon_broker.h mux/link/daemon_decode.h mux/link/daemon_ingest.h mux/link/numbers.c \
	mux/link/stream.h mux/role.c mux/role.h \
	mux/filter.c mux/filter.h mux/locked.c mux/locked.h mux/walls.c mux/walls.h
liblink_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(SECCOMP_CFLAGS)
liblink_la_LIBADD = libcommon.la $(SECCOMP_LIBS)
