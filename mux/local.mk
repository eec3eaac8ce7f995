# The links between the roles, and what every role does when it is born.
noinst_LTLIBRARIES += liblink.la
liblink_la_SOURCES = mux/link.c mux/link.h mux/role.c mux/role.h
liblink_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
liblink_la_LIBADD = libcommon.la
