# A real RTSP server to test with.
if HAVE_GSTRTSP
check_PROGRAMS += tests/e2e/camserver
endif
tests_e2e_camserver_SOURCES = tests/e2e/camserver.c tests/e2e/camserver.h \
	tests/e2e/camserver_auth.c tests/e2e/camserver_feed.c
tests_e2e_camserver_CFLAGS = $(AM_CFLAGS) $(GSTRTSP_CFLAGS) $(AVFORMAT_CFLAGS)
tests_e2e_camserver_LDADD = $(GSTRTSP_LIBS) -lgstrtsp-1.0 $(AVFORMAT_LIBS)
