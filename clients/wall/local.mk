# framemux-wall: a kiosk compositor on wlroots. Sees the installed header, clients/screen and
# clients/key (and common/breakage.h, in builds for tests).
if HAVE_WLROOTS
noinst_LTLIBRARIES += libwall.la
libwall_la_SOURCES = \
	clients/wall/capture.c clients/wall/capture.h \
	clients/wall/config.c clients/wall/config.h \
	clients/wall/exit_code.h \
	clients/wall/input.c clients/wall/input.h \
	clients/wall/layout.c clients/wall/layout.h \
	clients/wall/mux.c clients/wall/mux.h \
	clients/wall/options.c clients/wall/options.h \
	clients/wall/output.c clients/wall/output.h \
	clients/wall/tile.c clients/wall/tile.h \
	clients/wall/wall.c clients/wall/wall.h
libwall_la_CFLAGS = $(AM_CFLAGS) $(WLROOTS_CFLAGS) $(DRM_CFLAGS) $(CONFUSE_CFLAGS)
libwall_la_LIBADD = libwlrootstile.la libscreen.la libkey.la libcommon.la libframemux.la $(WLROOTS_LIBS) $(CONFUSE_LIBS)

bin_PROGRAMS += framemux-wall
framemux_wall_SOURCES = clients/wall/main.c
framemux_wall_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
framemux_wall_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
framemux_wall_LDADD = libwall.la libframemux.la
endif
