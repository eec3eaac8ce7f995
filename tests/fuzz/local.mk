# Fuzz targets (libFuzzer): configure --enable-fuzzers with clang; scripts/fuzz builds and runs them.
# Another one: its name here, its file fuzz_NAME.c, a function seeds_NAME in seeds.py.
fuzz_targets = tests/fuzz/fuzz_au tests/fuzz/fuzz_broker tests/fuzz/fuzz_challenge \
	tests/fuzz/fuzz_config tests/fuzz/fuzz_config_url tests/fuzz/fuzz_control \
	tests/fuzz/fuzz_ctl tests/fuzz/fuzz_daemon tests/fuzz/fuzz_depay tests/fuzz/fuzz_http tests/fuzz/fuzz_lease tests/fuzz/fuzz_link \
	tests/fuzz/fuzz_media tests/fuzz/fuzz_pair tests/fuzz/fuzz_policy tests/fuzz/fuzz_rtsp tests/fuzz/fuzz_sdp \
	tests/fuzz/fuzz_session tests/fuzz/fuzz_stream tests/fuzz/fuzz_token
# framemuxd without processes and with a clock of the input's: world.c, which the linker puts in place.
fuzz_world = tests/fuzz/world.c tests/fuzz/world.h
fuzz_world_wrap = $(AM_LDFLAGS) -Wl,--wrap=child_start -Wl,--wrap=child_pid -Wl,--wrap=child_kill \
	-Wl,--wrap=child_end -Wl,--wrap=connect_begin -Wl,--wrap=connect_cancel \
	-Wl,--wrap=clock_gettime -Wl,--wrap=event_add -Wl,--wrap=event_free

if FUZZERS
noinst_PROGRAMS += $(fuzz_targets)
# For programs that name no libraries of their own, which are these alone.
LDADD = $(FUZZ_ENGINE) libingest.la libdecode.la libdaemon.la
tests_fuzz_fuzz_broker_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(DRM_CFLAGS)
tests_fuzz_fuzz_broker_LDADD = $(FUZZ_ENGINE) libbroker.la
tests_fuzz_fuzz_ctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_ctl_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sock_connect_to_owner
tests_fuzz_fuzz_ctl_LDADD = $(FUZZ_ENGINE) libctl.la libcontrol.la libcommon.la libframemux.la \
	$(JANSSON_LIBS)
tests_fuzz_fuzz_daemon_SOURCES = tests/fuzz/fuzz_daemon.c $(fuzz_world) tests/fuzz/legal.h
tests_fuzz_fuzz_daemon_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_fuzz_daemon_LDFLAGS = $(fuzz_world_wrap) -Wl,--wrap=privilege_reduce \
	-Wl,--wrap=roles_find -Wl,--wrap=roles_wall_in -Wl,--wrap=disk_new -Wl,--wrap=disk_submit \
	-Wl,--wrap=disk_free -Wl,--wrap=listen_open -Wl,--wrap=broker_new \
	-Wl,--wrap=event_base_dispatch \
	-Wl,--wrap=event_base_loopbreak -Wl,--wrap=fsync -Wl,--wrap=fdatasync
tests_fuzz_fuzz_daemon_LDADD = $(FUZZ_ENGINE) libdaemon.la $(EVENT_LIBS) $(SODIUM_LIBS)
tests_fuzz_fuzz_lease_CFLAGS = $(AM_CFLAGS) $(DRM_CFLAGS)
tests_fuzz_fuzz_lease_LDADD = $(FUZZ_ENGINE) libclient.la
tests_fuzz_fuzz_pair_SOURCES = tests/fuzz/fuzz_pair.c $(fuzz_world) tests/fuzz/legal.h \
	$(PAIR_SCENE)
tests_fuzz_fuzz_pair_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_fuzz_pair_LDFLAGS = $(fuzz_world_wrap)
tests_fuzz_fuzz_pair_LDADD = $(FUZZ_ENGINE) libdaemon.la $(EVENT_LIBS) $(SODIUM_LIBS)
tests_fuzz_fuzz_policy_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_fuzz_policy_LDADD = $(FUZZ_ENGINE) libdaemon.la $(SODIUM_LIBS)
endif
noinst_HEADERS += tests/fuzz/fuzz.h
EXTRA_DIST += tests/fuzz/seeds.py tests/fuzz/world.c tests/fuzz/world.h tests/fuzz/legal.h \
	$(fuzz_targets:=.c)
CLEANFILES += tests/fuzz/targets

fuzzers: $(fuzz_targets)
	@for f in $(fuzz_targets); do echo $$f; done >tests/fuzz/targets
.PHONY: fuzzers
