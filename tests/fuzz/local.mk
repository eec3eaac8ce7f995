# Fuzz targets (libFuzzer): configure --enable-fuzzers with clang; scripts/fuzz builds and runs them.
# Another one: its name here, its file fuzz_NAME.c, a function seeds_NAME in seeds.py.
fuzz_targets = tests/fuzz/fuzz_au tests/fuzz/fuzz_broker tests/fuzz/fuzz_challenge \
	tests/fuzz/fuzz_config tests/fuzz/fuzz_config_url tests/fuzz/fuzz_control \
	tests/fuzz/fuzz_depay tests/fuzz/fuzz_http tests/fuzz/fuzz_lease tests/fuzz/fuzz_link \
	tests/fuzz/fuzz_media tests/fuzz/fuzz_rtsp tests/fuzz/fuzz_sdp tests/fuzz/fuzz_session \
	tests/fuzz/fuzz_stream tests/fuzz/fuzz_token

if FUZZERS
noinst_PROGRAMS += $(fuzz_targets)
# For programs that name no libraries of their own, which are these alone.
LDADD = $(FUZZ_ENGINE) libingest.la libdecode.la libdaemon.la
tests_fuzz_fuzz_broker_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(DRM_CFLAGS)
tests_fuzz_fuzz_broker_LDADD = $(FUZZ_ENGINE) libbroker.la
tests_fuzz_fuzz_lease_CFLAGS = $(AM_CFLAGS) $(DRM_CFLAGS)
tests_fuzz_fuzz_lease_LDADD = $(FUZZ_ENGINE) libclient.la
endif
noinst_HEADERS += tests/fuzz/fuzz.h
EXTRA_DIST += tests/fuzz/seeds.py $(fuzz_targets:=.c)
CLEANFILES += tests/fuzz/targets

fuzzers: $(fuzz_targets)
	@for f in $(fuzz_targets); do echo $$f; done >tests/fuzz/targets
.PHONY: fuzzers
