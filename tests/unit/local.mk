# One program for each module with logic. A test appends its lines inside HAVE_CHECK.
noinst_HEADERS += tests/unit/unit.h
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SODIUM_CFLAGS) $(DRM_CFLAGS)
UNIT_LIBS = $(CHECK_LIBS) $(SODIUM_LIBS)
# tests/fault and tests/fuzz have it too.
PAIR_SCENE = tests/unit/pair_scene.c tests/unit/pair_scene.h
BROKER_SCENE = tests/unit/broker_scene.c tests/unit/broker_players.c tests/unit/broker_scene.h

POLICY_VECTORS = tests/unit/policy/expected.txt tests/unit/policy/keys.txt \
	tests/unit/policy/after-signature.policy tests/unit/policy/good.policy \
	tests/unit/policy/minisign.policy tests/unit/policy/no-domain.policy \
	tests/unit/policy/none.policy tests/unit/policy/one.policy \
	tests/unit/policy/other-key-id.policy tests/unit/policy/same-twice.policy \
	tests/unit/policy/tampered.policy tests/unit/policy/unknown-signer.policy \
	tests/unit/policy/unknown-statement.policy tests/unit/policy/wrong.policy
# For other implementations too.
EXTRA_DIST += $(POLICY_VECTORS)

if HAVE_CHECK
unit_common = tests/unit/test_audit_record tests/unit/test_lexer tests/unit/test_mask tests/unit/test_number tests/unit/test_text tests/unit/test_utc tests/unit/test_wire tests/unit/test_token tests/unit/test_vectors tests/unit/test_memory tests/unit/test_sock
check_PROGRAMS += $(unit_common)
TESTS += $(unit_common)
tests_unit_test_audit_record_SOURCES = tests/unit/test_audit_record.c
tests_unit_test_audit_record_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_audit_record_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_lexer_SOURCES = tests/unit/test_lexer.c
tests_unit_test_lexer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_lexer_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_mask_SOURCES = tests/unit/test_mask.c
tests_unit_test_mask_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_mask_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_number_SOURCES = tests/unit/test_number.c
tests_unit_test_number_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_number_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_utc_SOURCES = tests/unit/test_utc.c
tests_unit_test_utc_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_utc_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_text_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c
tests_unit_test_wire_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_wire_LDADD = liblink.la libcommon.la $(UNIT_LIBS)
tests_unit_test_token_SOURCES = tests/unit/test_token.c
tests_unit_test_token_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_token_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sodium_memzero
tests_unit_test_token_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_vectors_SOURCES = tests/unit/test_vectors.c
tests_unit_test_vectors_CFLAGS = $(UNIT_CFLAGS) \
	-DVECTORS='"$(abs_top_srcdir)/tests/vectors/token.txt"'
tests_unit_test_vectors_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_memory_SOURCES = tests/unit/test_memory.c
tests_unit_test_memory_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_memory_LDADD = libcommon.la $(UNIT_LIBS)
tests_unit_test_sock_SOURCES = tests/unit/test_sock.c
tests_unit_test_sock_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_sock_LDADD = libcommon.la $(UNIT_LIBS)
unit_clients = tests/unit/test_client tests/unit/test_client_hostile \
	tests/unit/test_client_alloc tests/unit/test_client_erased tests/unit/test_dump \
	tests/unit/test_ctl tests/unit/test_audit_scan tests/unit/test_check tests/unit/test_program
check_PROGRAMS += $(unit_clients)
TESTS += $(unit_clients)
tests_unit_test_client_SOURCES = tests/unit/test_client.c tests/unit/client_test.h \
	tests/unit/fake_mux.c tests/unit/fake_mux.h
tests_unit_test_client_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_client_LDADD = libclient.la libcommon.la $(UNIT_LIBS)
tests_unit_test_client_hostile_SOURCES = tests/unit/test_client_hostile.c \
	tests/unit/client_test.h tests/unit/fake_mux.c tests/unit/fake_mux.h
tests_unit_test_client_hostile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_client_hostile_LDADD = libclient.la libcommon.la $(UNIT_LIBS)
tests_unit_test_client_erased_SOURCES = tests/unit/test_client_erased.c \
	tests/unit/client_test.h tests/unit/fake_mux.c tests/unit/fake_mux.h
tests_unit_test_client_erased_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_client_erased_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tag_verify
tests_unit_test_client_erased_LDADD = libclient.la libcommon.la $(UNIT_LIBS)
tests_unit_test_client_alloc_SOURCES = tests/unit/test_client_alloc.c \
	tests/unit/client_test.h tests/unit/fake_mux.c tests/unit/fake_mux.h
tests_unit_test_client_alloc_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_client_alloc_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup
tests_unit_test_client_alloc_LDADD = libclient.la libcommon.la $(UNIT_LIBS)
tests_unit_test_dump_SOURCES = tests/unit/test_dump.c
tests_unit_test_dump_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS) $(PNG_CFLAGS)
tests_unit_test_dump_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_unit_test_dump_LDADD = libdump.la libframemux.la $(JANSSON_LIBS) $(PNG_LIBS) $(UNIT_LIBS)
tests_unit_test_program_SOURCES = tests/unit/test_program.c
tests_unit_test_program_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_program_LDADD = libprogram.la $(UNIT_LIBS)
if HAVE_WLROOTS
check_PROGRAMS += tests/unit/test_wlroots tests/unit/test_wall tests/unit/test_wall_tile
TESTS += tests/unit/test_wlroots tests/unit/test_wall tests/unit/test_wall_tile
endif
tests_unit_test_wlroots_SOURCES = tests/unit/test_wlroots.c tests/unit/client_test.h \
	tests/unit/fake_mux.c tests/unit/fake_mux.h
tests_unit_test_wlroots_CFLAGS = $(UNIT_CFLAGS) $(WLROOTS_CFLAGS)
tests_unit_test_wlroots_LDADD = libwlrootstile.la libframemux.la libcommon.la $(UNIT_LIBS)
tests_unit_test_wall_SOURCES = tests/unit/test_wall.c
tests_unit_test_wall_CFLAGS = $(UNIT_CFLAGS) $(WLROOTS_CFLAGS)
tests_unit_test_wall_LDADD = libwall.la libframemux.la $(WLROOTS_LIBS) $(UNIT_LIBS)
tests_unit_test_wall_tile_SOURCES = tests/unit/test_wall_tile.c
tests_unit_test_wall_tile_CFLAGS = $(UNIT_CFLAGS) $(WLROOTS_CFLAGS)
tests_unit_test_wall_tile_LDADD = libwall.la $(WLROOTS_LIBS) $(UNIT_LIBS)
tests_unit_test_check_SOURCES = tests/unit/test_check.c
tests_unit_test_check_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_check_LDADD = libctl.la libframemux.la $(UNIT_LIBS)
if HAVE_PANGOCAIRO
check_PROGRAMS += tests/unit/test_screen
TESTS += tests/unit/test_screen
tests_unit_test_screen_SOURCES = tests/unit/test_screen.c
tests_unit_test_screen_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_screen_LDADD = libscreen.la $(UNIT_LIBS)
endif
if HAVE_VIEW
check_PROGRAMS += tests/unit/test_view
TESTS += tests/unit/test_view
tests_unit_test_view_SOURCES = tests/unit/test_view.c
tests_unit_test_view_CFLAGS = $(UNIT_CFLAGS) $(XKBCOMMON_CFLAGS)
tests_unit_test_view_LDADD = libview.la $(XKBCOMMON_LIBS) $(UNIT_LIBS)
endif
tests_unit_test_audit_scan_SOURCES = tests/unit/test_audit_scan.c
tests_unit_test_audit_scan_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS)
tests_unit_test_audit_scan_LDADD = libctl.la libcontrol.la libcommon.la libframemux.la \
	$(JANSSON_LIBS) $(UNIT_LIBS)
tests_unit_test_ctl_SOURCES = tests/unit/test_ctl.c
tests_unit_test_ctl_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_ctl_LDADD = libctl.la libcontrol.la libcommon.la libframemux.la \
	$(JANSSON_LIBS) $(UNIT_LIBS)

unit_decode = tests/unit/test_pace tests/unit/test_convert tests/unit/test_attach \
	tests/unit/test_attach_life tests/unit/test_decode_ring \
	tests/unit/test_av_image tests/unit/test_codec tests/unit/test_codec_limits tests/unit/test_gop \
	tests/unit/test_decode_idle tests/unit/test_raw tests/unit/test_decode
check_PROGRAMS += $(unit_decode)
TESTS += $(unit_decode)
tests_unit_test_pace_SOURCES = tests/unit/test_pace.c
tests_unit_test_pace_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_pace_LDADD = libdecode.la $(UNIT_LIBS)
tests_unit_test_convert_SOURCES = tests/unit/test_convert.c
tests_unit_test_convert_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_convert_LDADD = libdecode.la $(UNIT_LIBS) -lm
tests_unit_test_decode_ring_SOURCES = tests/unit/test_decode_ring.c
tests_unit_test_decode_ring_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_decode_ring_LDADD = libdecode.la $(UNIT_LIBS)
ATTACH_SCENE = tests/unit/attach_scene.c tests/unit/attach_scene.h
tests_unit_test_attach_SOURCES = tests/unit/test_attach.c $(ATTACH_SCENE)
tests_unit_test_attach_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_attach_LDADD = libdecode.la $(UNIT_LIBS)
tests_unit_test_attach_life_SOURCES = tests/unit/test_attach_life.c $(ATTACH_SCENE)
tests_unit_test_attach_life_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_attach_life_LDADD = libdecode.la $(UNIT_LIBS)
tests_unit_test_av_image_SOURCES = tests/unit/test_av_image.c
tests_unit_test_av_image_CFLAGS = $(UNIT_CFLAGS) $(AVCODEC_CFLAGS)
tests_unit_test_av_image_LDADD = libdecode.la $(AVCODEC_LIBS) $(UNIT_LIBS)
tests_unit_test_codec_SOURCES = tests/unit/test_codec.c
tests_unit_test_codec_CFLAGS = $(UNIT_CFLAGS) $(AVFORMAT_CFLAGS)
tests_unit_test_codec_LDADD = libdecode.la $(AVFORMAT_LIBS) $(UNIT_LIBS)
tests_unit_test_codec_limits_SOURCES = tests/unit/test_codec_limits.c
tests_unit_test_codec_limits_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_codec_limits_LDADD = libdecode.la $(UNIT_LIBS)
tests_unit_test_gop_SOURCES = tests/unit/test_gop.c
tests_unit_test_gop_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gop_LDADD = libdecode.la $(UNIT_LIBS)
tests_unit_test_decode_idle_SOURCES = tests/unit/test_decode_idle.c
tests_unit_test_decode_idle_CFLAGS = $(UNIT_CFLAGS) $(AVFORMAT_CFLAGS)
tests_unit_test_decode_idle_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime
tests_unit_test_decode_idle_LDADD = libdecode.la $(AVFORMAT_LIBS) $(UNIT_LIBS)
tests_unit_test_raw_SOURCES = tests/unit/test_raw.c
tests_unit_test_raw_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_raw_LDADD = libdecode.la $(UNIT_LIBS)
# The real program: needs nothing of FFmpeg itself.
tests_unit_test_decode_SOURCES = tests/unit/test_decode.c tests/unit/decode_stage.c \
	tests/unit/decode_stage.h
tests_unit_test_decode_CFLAGS = $(UNIT_CFLAGS) \
	-DDECODE_BINARY='"$(abs_top_builddir)/framemux-decode"'
tests_unit_test_decode_LDADD = liblink.la libcommon.la $(UNIT_LIBS)

unit_daemon = tests/unit/test_config tests/unit/test_url tests/unit/test_digest \
	tests/unit/test_state tests/unit/test_child tests/unit/test_pair tests/unit/test_pair_end \
	tests/unit/test_pair_state tests/unit/test_pause tests/unit/test_fingerprint \
	tests/unit/test_udp tests/unit/test_reload tests/unit/test_walls tests/unit/test_role_log \
	tests/unit/test_resolve tests/unit/test_cutoff tests/unit/test_audit_file \
	tests/unit/test_audit tests/unit/test_clock_floor tests/unit/test_process_unit \
	tests/unit/test_policy tests/unit/test_enforce tests/unit/test_key_file
check_PROGRAMS += $(unit_daemon)
TESTS += $(unit_daemon)
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_config_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_url_SOURCES = tests/unit/test_url.c
tests_unit_test_url_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_url_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_digest_SOURCES = tests/unit/test_digest.c
tests_unit_test_digest_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_digest_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_audit_SOURCES = tests/unit/test_audit.c tests/unit/audit_check.h tests/unit/work_folder.h
tests_unit_test_audit_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) -pthread
tests_unit_test_audit_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_unit_test_audit_LDADD = libdaemon.la $(EVENT_LIBS) $(UNIT_LIBS)
tests_unit_test_audit_file_SOURCES = tests/unit/test_audit_file.c tests/unit/audit_check.h tests/unit/work_folder.h
tests_unit_test_audit_file_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_audit_file_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_state_SOURCES = tests/unit/test_state.c
tests_unit_test_state_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_state_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_child_SOURCES = tests/unit/test_child.c
tests_unit_test_child_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_child_LDADD = libdaemon.la $(UNIT_LIBS)
PAIR_LIVE = tests/unit/pair_live.c tests/unit/pair_live.h tests/unit/pair_roles.c \
	tests/unit/pair_roles.h $(PAIR_SCENE)
tests_unit_test_pair_SOURCES = tests/unit/test_pair.c $(PAIR_LIVE)
tests_unit_test_pair_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_pair_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime,--wrap=event_add
tests_unit_test_pair_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_pair_end_SOURCES = tests/unit/test_pair_end.c $(PAIR_LIVE)
tests_unit_test_pair_end_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_pair_end_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime,--wrap=event_add
tests_unit_test_pair_end_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_pair_state_SOURCES = tests/unit/test_pair_state.c $(PAIR_LIVE)
tests_unit_test_pair_state_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_pair_state_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime,--wrap=event_add
tests_unit_test_pair_state_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_reload_SOURCES = tests/unit/test_reload.c
tests_unit_test_reload_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_reload_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_walls_SOURCES = tests/unit/test_walls.c
tests_unit_test_walls_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_walls_LDADD = liblink.la libcommon.la $(UNIT_LIBS)
tests_unit_test_role_log_SOURCES = tests/unit/test_role_log.c
tests_unit_test_role_log_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_role_log_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_resolve_SOURCES = tests/unit/test_resolve.c
tests_unit_test_resolve_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_resolve_LDADD = libresolve.la $(UNIT_LIBS)
tests_unit_test_cutoff_SOURCES = tests/unit/test_cutoff.c
tests_unit_test_cutoff_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_cutoff_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_clock_floor_SOURCES = tests/unit/test_clock_floor.c
tests_unit_test_clock_floor_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_clock_floor_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_key_file_SOURCES = tests/unit/test_key_file.c
tests_unit_test_key_file_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_key_file_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_process_unit_SOURCES = tests/unit/test_process_unit.c
tests_unit_test_process_unit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_process_unit_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c tests/unit/work_folder.h
tests_unit_test_policy_CFLAGS = $(UNIT_CFLAGS) \
	-DPOLICY_VECTORS='"$(abs_top_srcdir)/tests/unit/policy"'
tests_unit_test_policy_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_enforce_SOURCES = tests/unit/test_enforce.c tests/unit/work_folder.h
tests_unit_test_enforce_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_enforce_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=clock_gettime,--wrap=disk_submit,--wrap=audit_note,--wrap=cut_drain \
	-Wl,--wrap=policy_keys_count,--wrap=timerfd_create,--wrap=timerfd_settime
tests_unit_test_enforce_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_udp_SOURCES = tests/unit/test_udp.c
tests_unit_test_udp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_udp_LDADD = libdaemon.la $(UNIT_LIBS)

tests_unit_test_pause_SOURCES = tests/unit/test_pause.c
tests_unit_test_pause_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_pause_LDADD = libdaemon.la $(UNIT_LIBS)
tests_unit_test_fingerprint_SOURCES = tests/unit/test_fingerprint.c
tests_unit_test_fingerprint_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fingerprint_LDADD = libdaemon.la $(UNIT_LIBS)

unit_ingest = tests/unit/test_ingest_rtsp tests/unit/test_ingest_sdp tests/unit/test_ingest_session \
	tests/unit/test_ingest_session_auth tests/unit/test_ingest_session_udp \
	tests/unit/test_ingest_au tests/unit/test_ingest_stream tests/unit/test_ingest_depay \
	tests/unit/test_ingest_role tests/unit/test_ingest_identity \
	tests/unit/test_ingest_suspend \
	tests/unit/test_ingest_http tests/unit/test_ingest_channel tests/unit/test_ingest_channel_refused \
	tests/unit/test_ingest_reorder tests/unit/test_ingest_rtcp \
	tests/unit/test_ingest_capture tests/unit/test_ingest_transport tests/unit/test_ingest_v4l2
check_PROGRAMS += $(unit_ingest)
TESTS += $(unit_ingest)
tests_unit_test_ingest_rtsp_SOURCES = tests/unit/test_ingest_rtsp.c tests/unit/ingest_material.h
tests_unit_test_ingest_rtsp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_rtsp_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_http_SOURCES = tests/unit/test_ingest_http.c tests/unit/ingest_material.h
tests_unit_test_ingest_http_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_http_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_sdp_SOURCES = tests/unit/test_ingest_sdp.c tests/unit/ingest_material.h
tests_unit_test_ingest_sdp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_sdp_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_session_auth_SOURCES = tests/unit/test_ingest_session_auth.c tests/unit/session_live.h
tests_unit_test_ingest_session_auth_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_session_auth_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_session_udp_SOURCES = tests/unit/test_ingest_session_udp.c tests/unit/session_live.h
tests_unit_test_ingest_session_udp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_session_udp_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_session_SOURCES = tests/unit/test_ingest_session.c tests/unit/session_live.h
tests_unit_test_ingest_session_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_session_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_identity_SOURCES = tests/unit/test_ingest_identity.c
tests_unit_test_ingest_identity_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_identity_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_au_SOURCES = tests/unit/test_ingest_au.c tests/unit/ingest_material.h
tests_unit_test_ingest_au_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_au_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_role_SOURCES = tests/unit/test_ingest_role.c
tests_unit_test_ingest_role_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_role_LDADD = liblink.la libcommon.la $(UNIT_LIBS)
tests_unit_test_ingest_channel_refused_SOURCES = tests/unit/test_ingest_channel_refused.c \
	tests/unit/channel_live.h
tests_unit_test_ingest_channel_refused_CFLAGS = $(UNIT_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_ingest_channel_refused_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime
tests_unit_test_ingest_channel_refused_LDADD = libingest.la $(GNUTLS_LIBS) $(UNIT_LIBS)
tests_unit_test_ingest_channel_SOURCES = tests/unit/test_ingest_channel.c tests/unit/channel_live.h
tests_unit_test_ingest_channel_CFLAGS = $(UNIT_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_ingest_channel_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime
tests_unit_test_ingest_channel_LDADD = libingest.la $(GNUTLS_LIBS) $(UNIT_LIBS)
tests_unit_test_ingest_stream_SOURCES = tests/unit/test_ingest_stream.c
tests_unit_test_ingest_stream_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_stream_LDADD = libingest.la $(UNIT_LIBS)
# A device that the test plays.
tests_unit_test_ingest_v4l2_SOURCES = tests/unit/test_ingest_v4l2.c \
	tests/unit/fake_device.c tests/unit/fake_device.h
tests_unit_test_ingest_v4l2_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_v4l2_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=ioctl,--wrap=mmap,--wrap=munmap
tests_unit_test_ingest_v4l2_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_depay_SOURCES = tests/unit/test_ingest_depay.c tests/unit/ingest_material.h
tests_unit_test_ingest_depay_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_depay_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_suspend_SOURCES = tests/unit/test_ingest_suspend.c
tests_unit_test_ingest_suspend_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_suspend_LDADD = libingest.la $(UNIT_LIBS)

tests_unit_test_ingest_reorder_SOURCES = tests/unit/test_ingest_reorder.c tests/unit/ingest_material.h
tests_unit_test_ingest_reorder_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_reorder_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_rtcp_SOURCES = tests/unit/test_ingest_rtcp.c tests/unit/ingest_material.h
tests_unit_test_ingest_rtcp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_rtcp_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_capture_SOURCES = tests/unit/test_ingest_capture.c tests/unit/ingest_material.h
tests_unit_test_ingest_capture_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_capture_LDADD = libingest.la $(UNIT_LIBS)
tests_unit_test_ingest_transport_SOURCES = tests/unit/test_ingest_transport.c
tests_unit_test_ingest_transport_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ingest_transport_LDADD = libingest.la $(UNIT_LIBS)

unit_broker = tests/unit/test_verify tests/unit/test_lease tests/unit/test_quota \
	tests/unit/test_grant tests/unit/test_broker_ring tests/unit/test_broker_audit tests/unit/test_broker_rules \
	tests/unit/test_broker tests/unit/test_broker_breach tests/unit/test_broker_control \
	tests/unit/test_broker_revoke tests/unit/test_broker_crowd tests/unit/test_broker_holder \
	tests/unit/test_broker_reload tests/unit/test_broker_cutoff tests/unit/test_broker_watch \
	tests/unit/test_broker_unit tests/unit/test_broker_keys
check_PROGRAMS += $(unit_broker)
TESTS += $(unit_broker)
tests_unit_test_verify_SOURCES = tests/unit/test_verify.c
tests_unit_test_verify_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_verify_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_lease_SOURCES = tests/unit/test_lease.c
tests_unit_test_lease_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_lease_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_quota_SOURCES = tests/unit/test_quota.c
tests_unit_test_quota_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_quota_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_grant_SOURCES = tests/unit/test_grant.c
tests_unit_test_grant_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_grant_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_ring_SOURCES = tests/unit/test_broker_ring.c
tests_unit_test_broker_ring_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_ring_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_audit_SOURCES = tests/unit/test_broker_audit.c tests/unit/broker_live.h \
	$(BROKER_SCENE)
tests_unit_test_broker_audit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_audit_LDADD = libbroker.la libcommon.la $(UNIT_LIBS)
tests_unit_test_broker_rules_SOURCES = tests/unit/test_broker_rules.c
tests_unit_test_broker_rules_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_rules_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_SOURCES = tests/unit/test_broker.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_breach_SOURCES = tests/unit/test_broker_breach.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_breach_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_breach_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_control_SOURCES = tests/unit/test_broker_control.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_control_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_control_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_revoke_SOURCES = tests/unit/test_broker_revoke.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_revoke_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_revoke_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_reload_SOURCES = tests/unit/test_broker_reload.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_reload_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_reload_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_cutoff_SOURCES = tests/unit/test_broker_cutoff.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_cutoff_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_cutoff_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_watch_SOURCES = tests/unit/test_broker_watch.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_watch_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_watch_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_unit_SOURCES = tests/unit/test_broker_unit.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_unit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_unit_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_keys_SOURCES = tests/unit/test_broker_keys.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_keys_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_keys_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_crowd_SOURCES = tests/unit/test_broker_crowd.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_crowd_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_crowd_LDADD = libbroker.la $(UNIT_LIBS)
tests_unit_test_broker_holder_SOURCES = tests/unit/test_broker_holder.c \
	$(BROKER_SCENE) tests/unit/broker_live.h
tests_unit_test_broker_holder_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_broker_holder_LDADD = libbroker.la $(UNIT_LIBS)

if HAVE_GSTREAMER
check_PROGRAMS += tests/unit/test_gst
TESTS += tests/unit/test_gst
endif
tests_unit_test_gst_SOURCES = tests/unit/test_gst.c
tests_unit_test_gst_CFLAGS = $(UNIT_CFLAGS) $(GSTREAMER_CFLAGS)
tests_unit_test_gst_LDADD = libgstsource.la libframemux.la $(GSTREAMER_LIBS) $(UNIT_LIBS)
endif

# Needs no check: the installed header and what the library exports.
TESTS += tests/unit/test_header.sh
dist_check_SCRIPTS += tests/unit/test_header.sh

# Needs nothing: the map is of what is there.
TESTS += tests/unit/test_architecture.sh
dist_check_SCRIPTS += tests/unit/test_architecture.sh

# Needs the programs, and mandoc to lint: the manual says what the programs say.
TESTS += tests/unit/test_man.sh
dist_check_SCRIPTS += tests/unit/test_man.sh
