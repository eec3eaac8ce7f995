# A camera in a wlr_scene: what hub builders copy into their compositors. Sees the installed header, and
# clients/screen for the badge.
if HAVE_WLROOTS
noinst_LTLIBRARIES += libwlrootstile.la
libwlrootstile_la_SOURCES = \
	clients/wlroots/frame_buffer.c clients/wlroots/frame_buffer.h \
	clients/wlroots/picture.c clients/wlroots/picture.h \
	clients/wlroots/repaint.c clients/wlroots/repaint.h \
	clients/wlroots/scrub.c clients/wlroots/scrub.h \
	clients/wlroots/text_buffer.c clients/wlroots/text_buffer.h
libwlrootstile_la_CFLAGS = $(AM_CFLAGS) $(WLROOTS_CFLAGS) $(DRM_CFLAGS)
libwlrootstile_la_LIBADD = libscreen.la libframemux.la $(WLROOTS_LIBS)
endif
