# A real RTSP server to test with.
if HAVE_GSTRTSP
check_PROGRAMS += tests/e2e/camserver
endif
tests_e2e_camserver_SOURCES = tests/e2e/camserver.c tests/e2e/camserver.h \
	tests/e2e/camserver_auth.c tests/e2e/camserver_feed.c
tests_e2e_camserver_CFLAGS = $(AM_CFLAGS) $(GSTRTSP_CFLAGS) $(AVFORMAT_CFLAGS)
tests_e2e_camserver_LDADD = $(GSTRTSP_LIBS) $(AVFORMAT_LIBS)

# A client that holds a frame and does not look.
check_PROGRAMS += tests/e2e/holder
tests_e2e_holder_SOURCES = tests/e2e/holder.c
tests_e2e_holder_LDADD = libframemux.la

# A client that comes back, and says what it might show.
check_PROGRAMS += tests/e2e/witness
tests_e2e_witness_SOURCES = tests/e2e/witness.c
tests_e2e_witness_LDADD = libframemux.la
# Plays a pipeline of GStreamer's, and pauses and stops it.
if HAVE_GSTREAMER
check_PROGRAMS += tests/e2e/gstplayer
servers: tests/e2e/gstplayer
endif
tests_e2e_gstplayer_SOURCES = tests/e2e/gstplayer.c
tests_e2e_gstplayer_CFLAGS = $(AM_CFLAGS) $(GSTREAMER_CFLAGS)
tests_e2e_gstplayer_LDADD = $(GSTREAMER_LIBS)
# What a headless Weston lacks: a seat, and somebody who takes screenshots. The module is loaded by a program
# that has no sanitizers.
EXTRA_DIST += tests/e2e/weston-screenshooter.xml
if HAVE_WESTON
check_LTLIBRARIES += tests/e2e/weston_seat.la
tests_e2e_weston_seat_la_SOURCES = tests/e2e/weston_seat.c
tests_e2e_weston_seat_la_CFLAGS = -Wall -Wextra $(WESTON_CFLAGS)
tests_e2e_weston_seat_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
check_PROGRAMS += tests/e2e/weston_shot
tests_e2e_weston_shot_SOURCES = tests/e2e/weston_shot.c
nodist_tests_e2e_weston_shot_SOURCES = $(weston_shot_protocol)
tests_e2e_weston_shot_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/tests/e2e
tests_e2e_weston_shot_CFLAGS = $(AM_CFLAGS) $(WAYLAND_CLIENT_CFLAGS)
tests_e2e_weston_shot_LDADD = $(WAYLAND_CLIENT_LIBS)
weston_shot_protocol = tests/e2e/weston-screenshooter-client-protocol.h \
	tests/e2e/weston-screenshooter-protocol.c
CLEANFILES += $(weston_shot_protocol)
$(tests_e2e_weston_shot_OBJECTS): $(weston_shot_protocol)
weston_shot_xml = $(top_srcdir)/tests/e2e/weston-screenshooter.xml
weston_shot_scan = $(AM_V_GEN)$(MKDIR_P) tests/e2e && $(WAYLAND_SCANNER)
tests/e2e/weston-screenshooter-client-protocol.h: $(weston_shot_xml)
	$(weston_shot_scan) client-header $(weston_shot_xml) $@
tests/e2e/weston-screenshooter-protocol.c: $(weston_shot_xml)
	$(weston_shot_scan) private-code $(weston_shot_xml) $@
endif

dist_noinst_SCRIPTS += tests/e2e/run
EXTRA_DIST += tests/e2e/container.py tests/e2e/desktop.py tests/e2e/dialogues.py tests/e2e/harness.py tests/e2e/httpcam.py \
	tests/e2e/pattern.py tests/e2e/pixels.py tests/e2e/pulse.py tests/e2e/relay.py tests/e2e/rtp.py \
	tests/e2e/test_accounting.py tests/e2e/test_audit.py tests/e2e/test_auth.py \
	tests/e2e/test_breakage.py tests/e2e/test_build.py tests/e2e/test_check.py \
	tests/e2e/test_codecs.py tests/e2e/test_config.py tests/e2e/test_corrupt.py \
	tests/e2e/test_clock.py \
	tests/e2e/test_death.py tests/e2e/test_dialogues.py tests/e2e/test_examples.py tests/e2e/test_frames.py tests/e2e/test_gst.py \
	tests/e2e/test_http.py tests/e2e/test_init.py tests/e2e/test_install.py tests/e2e/test_interop_http.py \
	tests/e2e/test_interop_vlc.py tests/e2e/test_life.py tests/e2e/test_material.py \
	tests/e2e/test_memory.py tests/e2e/test_metrics.py tests/e2e/test_readme.py \
	tests/e2e/test_refusals.py tests/e2e/test_revoke.py tests/e2e/test_snapshot.py \
	tests/e2e/test_standby.py tests/e2e/test_switch.py tests/e2e/test_tls.py \
	tests/e2e/test_udp.py tests/e2e/test_view.py tests/e2e/test_watch.py tests/e2e/test_policy.py tests/e2e/test_unit.py \
	tests/e2e/test_key.py tests/e2e/test_supervisors.py \
	tests/e2e/test_vectors.py tests/vectors/capability.py tests/vectors/token.txt \
	tests/e2e/test_v4l2.py tests/hostile/attacker.py tests/hostile/evilcam.py tests/hostile/fuse.py \
	tests/hostile/refusals.py tests/hostile/table.py tests/hostile/test_camera.py \
	tests/hostile/test_disk.py tests/hostile/test_flood.py tests/hostile/test_peer.py tests/hostile/test_place.py \
	tests/hostile/test_rights.py tests/hostile/test_ring.py tests/hostile/test_stops.py tests/hostile/wire.py \
	tests/e2e/test_reload.py tests/e2e/test_walls.py tests/hostile/takeover.py \
	tests/hostile/test_moment.py tests/hostile/test_neighbour.py \
	tests/hostile/test_reload_storm.py tests/hostile/test_takeover.py \
	tests/hostile/shown.py tests/hostile/test_halfway.py tests/hostile/test_shown.py

EXTRA_DIST += tests/e2e/hands.py tests/e2e/test_wall.py

# What the end-to-end tests start beside the mux.
servers: tests/e2e/holder tests/e2e/witness $(example_programs)
if HAVE_WESTON
servers: tests/e2e/weston_seat.la tests/e2e/weston_shot
endif
# tests/hostile/shown.py runs these: what they do to a part cannot be done to the running mux.
servers: tests/unit/test_client_hostile tests/unit/test_client_erased tests/unit/test_attach tests/unit/test_attach_life \
	tests/unit/test_broker_ring \
	tests/unit/test_broker tests/unit/test_broker_breach tests/unit/test_broker_revoke \
	tests/unit/test_ingest_suspend tests/unit/test_decode_idle \
	tests/fault/decode tests/fault/test_lease tests/fault/test_daemon tests/fault/test_state
if HAVE_GSTRTSP
servers: tests/e2e/camserver
endif
.PHONY: servers

# The real programs from end to end; scripts/check runs the same.
check-e2e: all $(check_PROGRAMS)
	python3 $(srcdir)/tests/e2e/run --build $(abs_builddir)
.PHONY: check-e2e
