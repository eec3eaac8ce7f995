# mux/decode
noinst_LTLIBRARIES += libdecode.la
libdecode_la_SOURCES = \
	mux/decode/attach.c mux/decode/attach.h \
	mux/decode/av_image.c mux/decode/av_image.h \
	mux/decode/av_log.c mux/decode/av_log.h \
	mux/decode/codec.c mux/decode/codec.h \
	mux/decode/convert.c mux/decode/convert.h \
	mux/decode/decode.c mux/decode/decode.h \
	mux/decode/filter.c mux/decode/filter.h \
	mux/decode/forms.c mux/decode/forms.h \
	mux/decode/feed.c mux/decode/feed.h \
	mux/decode/gop.c mux/decode/gop.h \
	mux/decode/image.c mux/decode/image.h \
	mux/decode/input.c mux/decode/input.h \
	mux/decode/links.c mux/decode/links.h \
	mux/decode/pace.c mux/decode/pace.h \
	mux/decode/publish.c mux/decode/publish.h \
	mux/decode/raw.c mux/decode/raw.h \
	mux/decode/ring.c mux/decode/ring.h
libdecode_la_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) $(AVCODEC_CFLAGS) $(SODIUM_CFLAGS) $(DRM_CFLAGS) $(SECCOMP_CFLAGS)
libdecode_la_LIBADD = liblink.la libcommon.la $(AVCODEC_LIBS) $(YUV_LIBS) $(SODIUM_LIBS)

role_PROGRAMS += framemux-decode
framemux_decode_SOURCES = mux/decode/main.c
framemux_decode_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
framemux_decode_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
framemux_decode_LDADD = libdecode.la
