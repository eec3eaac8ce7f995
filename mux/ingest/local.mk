# framemux-ingest: a camera's packets in, access units out.
noinst_LTLIBRARIES += libingest.la
libingest_la_SOURCES = \
	mux/ingest/au.c mux/ingest/au.h \
	mux/ingest/capture.c mux/ingest/capture.h \
	mux/ingest/channel.c mux/ingest/channel.h \
	mux/ingest/challenge.c mux/ingest/challenge.h \
	mux/ingest/depay.c mux/ingest/depay.h \
	mux/ingest/device.c mux/ingest/device.h \
	mux/ingest/failure.c mux/ingest/failure.h \
	mux/ingest/filter.c mux/ingest/filter.h \
	mux/ingest/head.c mux/ingest/head.h \
	mux/ingest/http.c mux/ingest/http.h \
	mux/ingest/identity.c mux/ingest/identity.h \
	mux/ingest/ingest.c mux/ingest/ingest.h \
	mux/ingest/lav_log.c mux/ingest/lav_log.h \
	mux/ingest/lav_open.c mux/ingest/lav_open.h \
	mux/ingest/lav_rtp.c mux/ingest/lav_rtp.h \
	mux/ingest/media.c mux/ingest/media.h \
	mux/ingest/movie.c mux/ingest/movie.h \
	mux/ingest/multipart.c mux/ingest/multipart.h \
	mux/ingest/reception.c mux/ingest/reception.h \
	mux/ingest/reorder.c mux/ingest/reorder.h \
	mux/ingest/rtcp.c mux/ingest/rtcp.h \
	mux/ingest/rtp.c mux/ingest/rtp.h \
	mux/ingest/rtsp.c mux/ingest/rtsp.h \
	mux/ingest/sdp.c mux/ingest/sdp.h \
	mux/ingest/session.c mux/ingest/session.h mux/ingest/session_private.h \
	mux/ingest/session_request.c \
	mux/ingest/source.h mux/ingest/source_file.c mux/ingest/source_http.c \
	mux/ingest/source_pattern.c mux/ingest/source_rtsp.c mux/ingest/source_v4l2.c \
	mux/ingest/span.c mux/ingest/span.h \
	mux/ingest/stream.c mux/ingest/stream.h \
	mux/ingest/tls.c mux/ingest/tls.h \
	mux/ingest/trust.c mux/ingest/trust.h \
	mux/ingest/transport.c mux/ingest/transport.h \
	mux/ingest/url.c mux/ingest/url.h
libingest_la_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) $(SODIUM_CFLAGS) $(GNUTLS_CFLAGS) $(AVFORMAT_CFLAGS) $(SECCOMP_CFLAGS)
libingest_la_LIBADD = liblink.la libcommon.la $(GNUTLS_LIBS) $(AVFORMAT_LIBS)

role_PROGRAMS += framemux-ingest
framemux_ingest_SOURCES = mux/ingest/main.c
framemux_ingest_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
framemux_ingest_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
framemux_ingest_LDADD = libingest.la
