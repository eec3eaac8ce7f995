# What clients that show cameras to people share: words, badges, the grid. Sees the installed header only.
if HAVE_PANGOCAIRO
noinst_LTLIBRARIES += libscreen.la
libscreen_la_SOURCES = \
	clients/screen/badge.c clients/screen/badge.h \
	clients/screen/grid.c clients/screen/grid.h \
	clients/screen/words.c clients/screen/words.h
libscreen_la_CFLAGS = $(AM_CFLAGS) $(PANGOCAIRO_CFLAGS)
libscreen_la_LIBADD = $(PANGOCAIRO_LIBS) -lm
endif
