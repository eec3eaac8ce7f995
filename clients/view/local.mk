# framemux-view: sees the installed header only, and of common/ what reads numbers and clocks (and
# breakage.h, in builds for tests). Built where Wayland's libraries are.
if HAVE_VIEW
noinst_LTLIBRARIES += libview.la
libview_la_SOURCES = \
	clients/view/feed.c clients/view/feed.h \
	clients/view/keymap.c clients/view/keymap.h \
	clients/view/mux.c clients/view/mux.h \
	clients/view/options.c clients/view/options.h \
	clients/view/scene.c clients/view/scene.h \
	clients/view/tile.c clients/view/tile.h clients/view/tile_paint.c \
	clients/view/tokens.c clients/view/tokens.h
libview_la_CFLAGS = $(AM_CFLAGS) $(DRM_CFLAGS) $(XKBCOMMON_CFLAGS)
libview_la_LIBADD = libscreen.la libkey.la libprogram.la libcommon.la libframemux.la $(XKBCOMMON_LIBS)

bin_PROGRAMS += framemux-view
framemux_view_SOURCES = clients/view/main.c \
	clients/view/canvas.c clients/view/canvas.h \
	clients/view/display.c clients/view/display.h \
	clients/view/keyboard.c clients/view/keyboard.h \
	clients/view/run.c clients/view/run.h \
	clients/view/show.c clients/view/show.h \
	clients/view/window.c clients/view/window.h
nodist_framemux_view_SOURCES = $(view_protocols)
framemux_view_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/clients/view
framemux_view_CFLAGS = $(AM_CFLAGS) $(WAYLAND_CLIENT_CFLAGS) $(XKBCOMMON_CFLAGS) $(PIE_CFLAGS)
framemux_view_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
framemux_view_LDADD = libview.la libframemux.la $(WAYLAND_CLIENT_LIBS) $(XKBCOMMON_LIBS)

# What is generated stands in the build tree.
view_protocols = \
	clients/view/xdg-shell-client-protocol.h clients/view/xdg-shell-protocol.c \
	clients/view/xdg-decoration-unstable-v1-client-protocol.h \
	clients/view/xdg-decoration-unstable-v1-protocol.c
CLEANFILES += $(view_protocols)
$(framemux_view_OBJECTS): $(view_protocols)
XDG_SHELL_XML = $(WAYLAND_PROTOCOLS_DIR)/stable/xdg-shell/xdg-shell.xml
XDG_DECORATION_XML = $(WAYLAND_PROTOCOLS_DIR)/unstable/xdg-decoration/xdg-decoration-unstable-v1.xml
view_scan = $(AM_V_GEN)$(MKDIR_P) clients/view && $(WAYLAND_SCANNER)
clients/view/xdg-shell-client-protocol.h: $(XDG_SHELL_XML)
	$(view_scan) client-header $(XDG_SHELL_XML) $@
clients/view/xdg-shell-protocol.c: $(XDG_SHELL_XML)
	$(view_scan) private-code $(XDG_SHELL_XML) $@
clients/view/xdg-decoration-unstable-v1-client-protocol.h: $(XDG_DECORATION_XML)
	$(view_scan) client-header $(XDG_DECORATION_XML) $@
clients/view/xdg-decoration-unstable-v1-protocol.c: $(XDG_DECORATION_XML)
	$(view_scan) private-code $(XDG_DECORATION_XML) $@
endif
