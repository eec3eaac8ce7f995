# Frames as pictures: for those clients that save them. Sees the installed header only.
noinst_LTLIBRARIES += libpicture.la
libpicture_la_SOURCES = \
	clients/picture/png.c clients/picture/png.h \
	clients/picture/shot.c clients/picture/shot.h
libpicture_la_CFLAGS = $(AM_CFLAGS) $(DRM_CFLAGS) $(PNG_CFLAGS)
libpicture_la_LIBADD = $(PNG_LIBS)
