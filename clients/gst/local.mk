# GStreamer's plugin: sees the installed header only (and common/breakage.h, in builds for tests).
# libgstsource.la is the same code with its insides reachable, for unit tests.
if HAVE_GSTREAMER
noinst_LTLIBRARIES += libgstsource.la
libgstsource_la_SOURCES = \
	clients/gst/copy.c clients/gst/copy.h \
	clients/gst/framemuxsrc.c clients/gst/framemuxsrc.h \
	clients/gst/properties.c clients/gst/properties.h \
	clients/gst/session.c clients/gst/session.h \
	clients/gst/settle.c clients/gst/settle.h \
	clients/gst/stamp.c clients/gst/stamp.h \
	clients/gst/wish.c clients/gst/wish.h
if BREAKAGE
libgstsource_la_SOURCES += common/breakage.c
endif
libgstsource_la_CFLAGS = $(AM_CFLAGS) $(GSTREAMER_CFLAGS) $(DRM_CFLAGS)
libgstsource_la_LIBADD = libkey.la libframemux.la $(GSTREAMER_LIBS)

gstplugins_LTLIBRARIES = libgstframemux.la
libgstframemux_la_SOURCES = clients/gst/plugin.c
libgstframemux_la_CFLAGS = $(AM_CFLAGS) $(GSTREAMER_CFLAGS)
libgstframemux_la_LIBADD = libgstsource.la libframemux.la $(GSTREAMER_LIBS)
libgstframemux_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -no-undefined \
	-export-symbols-regex '^gst_plugin_framemux_(get_desc|register)$$'
endif
