# libframemux: the one library that clients link. libclient.la is the same code with its insides
# reachable, for unit tests; libcontrol.la is framemuxctl's conversation.
noinst_LTLIBRARIES += libclient.la libcontrol.la
libclient_la_SOURCES = \
	clients/lib/api.h \
	clients/lib/connection.c clients/lib/connection.h \
	clients/lib/framemux.c \
	clients/lib/frames.c clients/lib/frames.h \
	clients/lib/ring.c clients/lib/ring.h \
	clients/lib/view.c clients/lib/view.h \
	clients/lib/view_attach.c clients/lib/view_attach.h \
	clients/lib/view_news.c
libclient_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(DRM_CFLAGS)
libclient_la_LIBADD = libcommon.la $(SODIUM_LIBS)

lib_LTLIBRARIES += libframemux.la
libframemux_la_SOURCES =
libframemux_la_LIBADD = libclient.la
libframemux_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info 0:0:0 \
	-Wl,--version-script=$(top_srcdir)/clients/lib/framemux.map
EXTRA_libframemux_la_DEPENDENCIES = $(top_srcdir)/clients/lib/framemux.map
EXTRA_DIST += clients/lib/framemux.map

libcontrol_la_SOURCES = clients/lib/control.c clients/lib/control.h
libcontrol_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
libcontrol_la_LIBADD = libcommon.la

pkgconfig_DATA = clients/lib/framemux.pc
