# framemux-dump: sees the installed header only, and of common/ what reads numbers and clocks.
noinst_LTLIBRARIES += libdump.la
libdump_la_SOURCES = \
	clients/dump/format.c clients/dump/format.h \
	clients/dump/meta.c \
	clients/dump/options.c clients/dump/options.h \
	clients/dump/out_name.c clients/dump/out_name.h \
	clients/dump/output.c clients/dump/output.h \
	clients/dump/run.c clients/dump/run.h \
	clients/dump/writer.c clients/dump/writer.h
libdump_la_CFLAGS = $(AM_CFLAGS) $(DRM_CFLAGS) $(JANSSON_CFLAGS)
libdump_la_LIBADD = libpicture.la libkey.la libprogram.la libcommon.la libframemux.la $(JANSSON_LIBS) -lm

bin_PROGRAMS += framemux-dump
framemux_dump_SOURCES = clients/dump/main.c
framemux_dump_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) -pthread
framemux_dump_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS) -pthread
framemux_dump_LDADD = libdump.la libframemux.la
