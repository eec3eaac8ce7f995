"""Each guarantee can be broken in a --enable-breakage build, and each break is noticed.

Two kinds. A mix-up inside the mux must become an error, not a picture: no client gets a frame of
another camera, or one that nobody vouches for. A missing wall must be seen by the very test that
looks at that wall: the test runs here against the broken mux, and has to fail for that reason.
Where one wall stands behind another, the outer one is taken away too, to show that the picture
really would have been the wrong one.
"""
import re

import harness
import pattern
import table
import test_accounting
import test_audit
import test_check
import test_clock
import test_death
import test_disk
import test_life
import test_gst
import test_http
import test_key
import test_camera
import test_memory
import test_peer
import test_policy
import test_revoke
import test_rights
import test_ring
import test_tls
import test_udp
import test_unit
import test_flood
import test_frames
import test_standby
import test_switch
import test_takeover
import test_v4l2
import test_view
import test_wall
import test_walls
import test_watch
from harness import UID_A, UID_B, check
from test_refusals import TWO

WIDTH, HEIGHT = 320, 240  # of TWO's cameras


def watch_both(s):
    """Clients of porch and garden at once; what each was shown: a list of camera names."""
    mux = s.mux(TWO)
    clients = [mux.dump(name, mux.grant(name, uid=uid), "--timeout", "3", uid=uid, frames=5)
        for name, uid in (("porch", UID_A), ("garden", UID_B))]
    shown = []
    names = {pattern.code(n, 0) >> 10: n for n in ("porch", "garden")}
    for client in clients:
        client.wait()
        frames = client.frames() if client.meta() else []
        values = [pattern.read(f, WIDTH) for f in frames]
        shown.append([names.get(v >> 10, "?") if v is not None else "?" for v in values])
    return mux, shown


def mix_up(breakage, client_breakage=""):
    """Neither client is shown anything but its own camera, and the mux says what happened."""
    def test(s):
        s.breakage, s.client_breakage = breakage, client_breakage
        mux, shown = watch_both(s)
        for name, cameras in zip(("porch", "garden"), shown):
            check(set(cameras) <= {name}, f"{name}'s client was shown {cameras}")
        check(shown != [["porch"] * 5, ["garden"] * 5], "nothing was mixed up: this tests nothing")
        failures = mux.status()["totals"]["provenance_failures"]
        check(failures > 0 or "provenance" in mux.log(), "nobody noticed: " + mux.log())
    return test


def wrong_picture(breakage, client_breakage=""):
    """With the last wall gone too, a client is shown another's camera: the mix-up is a real one."""
    def test(s):
        s.breakage, s.client_breakage = breakage, client_breakage
        _, shown = watch_both(s)
        check("garden" in shown[0] or "porch" in shown[1], f"only right pictures: {shown}")
    return test


def shown_unvouched(breakage, client_breakage):
    """Without the wall, frames are shown that nobody vouches for."""
    def test(s):
        s.breakage, s.client_breakage = breakage, client_breakage
        _, shown = watch_both(s)
        check(any(shown), "no frame was shown: the wall that was taken away is not the only one")
    return test


def seen_by(function, message, breakage, client_breakage=""):
    """The test that looks at this wall fails, and for this reason."""
    def test(s):
        s.breakage, s.client_breakage = breakage, client_breakage
        try:
            function(s)
        except harness.Failed as e:
            check(re.search(message, str(e)), f"failed for another reason: {e}")
            return
        raise harness.Failed(f"{function.__name__} does not notice {breakage}")
    return test


def with_breakage(function, breakage):
    """What one role does wrong is another's to mend."""
    def test(s):
        s.breakage = breakage
        function(s)
    return test


def test_unbroken_all_is_well(s):
    mux, shown = watch_both(s)
    check(shown == [["porch"] * 5, ["garden"] * 5], f"shown {shown}")
    check(mux.status()["totals"]["provenance_failures"] == 0, "provenance failures")


MIX_UPS = ("broker-swap-rings", "broker-swap-keys", "broker-swap-sockets", "broker-wrong-camera",
    "daemon-swap-ids", "daemon-swap-streams", "daemon-swap-links", "ingest-other-camera",
    "decode-stale-tag", "decode-wrong-slot")
SKIPS_TAG = "lib-skip-tag,lib-skip-check"  # the check finds a torn or foreign slot too


def in_table(number, attack, expected, test):
    return table.row(number, attack, expected)(test)


TESTS = [(f"{name} becomes an error", in_table(46, name, "an error, not a picture; said", mix_up(name)))
    for name in MIX_UPS]
TESTS += [
    ("broker-swap-rings would show another camera", wrong_picture("broker-swap-rings", SKIPS_TAG)),
    ("broker-swap-keys would be shown", shown_unvouched("broker-swap-keys", SKIPS_TAG)),
    ("daemon-swap-ids would be shown", shown_unvouched("daemon-swap-ids", SKIPS_TAG)),
    ("decode-stale-tag would be shown", shown_unvouched("decode-stale-tag", SKIPS_TAG)),
    ("decode-wrong-slot would be shown", shown_unvouched("decode-wrong-slot", SKIPS_TAG)),
    ("decode-skip-hello lets another camera's stream in",
        shown_unvouched("ingest-other-camera,decode-skip-hello", "")),
    ("daemon-swap-streams would show another camera",
        wrong_picture("daemon-swap-streams,decode-skip-hello")),
    ("broker-no-erase leaves pixels", seen_by(test_revoke.test_revoke_while_four_watch,
        "pixels are left", "broker-no-erase")),
    ("decode-keeps-writing is killed, and the ring erased again",
        in_table(53, "decode-keeps-writing", "seen by the probe, killed, erased again: reads zeros",
            with_breakage(test_revoke.test_revoke_under_a_decoder_that_writes_on,
                "decode-keeps-writing"))),
    ("decode-keeps-writing and broker-no-erase leave pixels", seen_by(
        test_revoke.test_revoke_under_a_decoder_that_writes_on, "pixels are left",
        "decode-keeps-writing,broker-no-erase")),
    ("role-no-walls is seen", seen_by(test_walls.test_what_confines_each_role,
        "CapPrm|namespaces|groups", "role-no-walls")),
    ("role-no-filter is seen", seen_by(test_walls.test_what_confines_each_role, "1 filters",
        "role-no-filter")),
    ("broker-no-dead-mark is seen", seen_by(test_revoke.test_revoke_while_four_watch,
        "not marked dead", "broker-no-dead-mark")),
    ("broker-no-seal is refused by the library", seen_by(
        test_memory.test_ring_is_sealed_and_read_only, "before 3 frames", "broker-no-seal")),
    ("broker-no-seal is seen", seen_by(test_memory.test_ring_is_sealed_and_read_only,
        "^seals 0x", "broker-no-seal", "lib-skip-seals")),
    ("broker-writable-fd is refused by the library", seen_by(
        test_memory.test_ring_is_sealed_and_read_only, "before 3 frames", "broker-writable-fd")),
    ("broker-writable-fd is seen", seen_by(test_memory.test_ring_is_sealed_and_read_only,
        "descriptor flags|mapped as", "broker-writable-fd", "lib-skip-seals")),
    ("daemon-skip-fingerprint is seen", seen_by(test_life.test_another_server_answers,
        "not blocked", "daemon-skip-fingerprint")),
    ("lib-skip-dead shows a revoked frame", seen_by(test_revoke.test_a_held_frame_is_dead_at_once,
        "alive after revoke", "broker-no-erase", "lib-skip-dead")),
    ("decode-keeps-trailers passes a torn copy", seen_by(
        test_death.test_killed_broker_leaves_a_held_frame_dark, "said to be whole: 0",
        "decode-keeps-trailers")),
    ("lib-skip-erased takes an erased slot for a wrong one", seen_by(
        test_death.test_killed_broker_leaves_a_held_frame_dark, "not dark, but -74", "",
        "lib-skip-erased")),
    ("lib-skip-age shows an old frame", seen_by(test_revoke.test_a_held_frame_grows_too_old,
        "a held frame to be too old", "", "lib-skip-age")),
    ("lib-skip-age shows one that was stopped an old frame", seen_by(
        test_peer.test_stopped_and_continued, "acquired", "", "lib-skip-age")),
    ("lib-skip-check has framemuxsrc push what was erased", seen_by(
        test_gst.test_erased_under_the_copy, "pushed what was erased", "", "lib-skip-check")),
    ("view-keeps-picture is seen", seen_by(test_view.test_revoked_while_the_compositor_hangs,
        "black buffers", "", "view-keeps-picture")),
    ("view-keeps-frame is seen", seen_by(test_view.test_stale_lost_and_back, "black and words", "",
        "view-keeps-frame,view-skip-check")),
    ("wall-keeps-picture is seen", seen_by(test_wall.test_black_in_the_next_repaint, "shows frame",
        "", "wall-keeps-picture,wall-skip-check")),
    ("wall-keeps-buffers is seen", seen_by(test_wall.test_not_drawn,
        "no row of the picture in a buffer", "", "wall-keeps-buffers")),
    ("wall-captures-cameras is seen", seen_by(test_wall.test_captures_are_without_cameras,
        "a camera is in the capture", "", "wall-captures-cameras")),
    ("wall-keeps-lease is seen", seen_by(test_wall.test_the_screen_goes,
        "no lease without a screen", "", "wall-keeps-lease")),
    ("gst-repeats-picture is seen", seen_by(test_gst.test_stale_lost_and_back,
        "pushed while dark: .*BUFFER", "", "gst-repeats-picture")),
    ("gst-no-black is seen", seen_by(test_gst.test_stale_lost_and_back, r"pushed while dark: \[\]",
        "", "gst-no-black")),
    ("gst-no-flush is seen", seen_by(test_gst.test_revoked, "flush=true: ", "", "gst-no-flush")),
    ("gst-keeps-buffer is seen", seen_by(test_gst.test_nothing_from_before_a_pause,
        "streams begin", "", "gst-keeps-buffer")),
    ("gst-keeps-lease is seen", seen_by(test_gst.test_a_lease_lasts_while_it_plays,
        "no lease while it is paused", "", "gst-keeps-lease")),
    ("view-skip-check is seen", seen_by(test_view.test_not_seen, "black buffers", "",
        "view-skip-check")),
    ("broker-skip-asks lets one client end the broker", seen_by(
        test_flood.test_floods_of_asks_for_units, "the broker fell", "broker-skip-asks")),
    ("broker-no-seal is seen by an attacker", seen_by(test_ring.test_writes_to_its_ring,
        "lacks.*F_SEAL_FUTURE_WRITE", "broker-no-seal", "lib-skip-seals")),
    ("broker-writable-fd is seen by an attacker", seen_by(test_ring.test_writes_to_its_ring,
        "lacks.*read-only", "broker-writable-fd", "lib-skip-seals")),
    ("decode-skip-arrival shows what came before", seen_by(
        test_standby.test_warm_join_shows_nothing_from_before, "from before the attach",
        "decode-skip-arrival")),
    ("decode-skip-mask is seen", seen_by(test_frames.test_masks_are_black, "masks are not black",
        "decode-skip-mask")),
    ("decode-skip-pace is seen", seen_by(test_frames.test_limits_hold_in_the_pixels,
        "at most 5 frames", "decode-skip-pace")),
    ("broker-skip-size is seen", seen_by(test_frames.test_limits_hold_in_the_pixels, "fitted to",
        "broker-skip-size")),
    ("daemon-same-device is seen", seen_by(test_v4l2.test_two_names_of_one_device,
        "exit 0", "daemon-same-device")),
    ("broker-no-erase is seen by who keeps his ring", seen_by(
        test_ring.test_keeps_its_ring_after_revoke, "pixels are left in", "broker-no-erase")),
    ("broker-skip-proof lets forgers in", seen_by(test_rights.test_forged_tokens, "accepted: ",
        "broker-skip-proof")),
    ("clock-no-floor is seen", seen_by(test_clock.test_set_back_over_a_restart,
        "ended with 0, not 77", "clock-no-floor")),
    ("broker-skip-unit is seen", seen_by(test_unit.test_only_in_its_unit,
        "ended with 0, not 77", "broker-skip-unit")),
    ("daemon-any-root-key is seen", seen_by(test_key.test_given_as_a_credential,
        "it started", "daemon-any-root-key")),
    ("keep-retired-key is seen", seen_by(test_key.test_rotate_then_retire,
        "ended with 0, not 77|after retire", "keep-retired-key")),
    ("broker-skip-cutoff is seen", seen_by(test_revoke.test_revoke_of_a_camera,
        "ended with 0, not 77", "broker-skip-cutoff")),
    ("daemon-skip-switch is seen", seen_by(test_switch.test_camera_is_cut_off,
        "pixels are left|the pair lives", "daemon-skip-switch")),
    ("kill-socket-any is seen", seen_by(test_switch.test_no_admin_any_more,
        "still works", "kill-socket-any")),
    ("broker-skip-switch is seen", seen_by(test_switch.test_user_is_cut_off,
        "ended with 0, not 77", "broker-skip-switch")),
    ("policy-no-effect is seen", seen_by(test_policy.test_blind_when_it_returns,
        "pixels are left", "policy-no-effect")),
    ("policy-one-signature is seen", seen_by(test_policy.test_refusals, "0, not 77",
        "policy-one-signature")),
    ("policy-no-floor is seen", seen_by(test_policy.test_refusals, "0, not 77", "policy-no-floor")),
    ("policy-no-clock is seen", seen_by(test_policy.test_clock_set_back, "0, not 77",
        "policy-no-clock")),
    ("policy-drop-final is seen", seen_by(test_policy.test_drop_folder_keeps_what_the_disk_does_not,
        "it to be left", "policy-drop-final")),
    ("policy-half-file is seen", seen_by(test_policy.test_drop_folder_waits_for_a_writer, "judged: ",
        "policy-half-file")),
    ("daemon-skip-rest is seen", seen_by(test_disk.test_ends_while_the_disk_lags, "after a restart: ",
        "daemon-skip-rest")),
    ("policy-any-file is seen", seen_by(test_policy.test_drop_folder_takes_no_links, "in force",
        "policy-any-file")),
    ("broker-skip-proof is seen", seen_by(
        test_rights.test_token_without_its_secret, "leased", "broker-skip-proof")),
    ("ingest-no-boundary is seen", seen_by(test_http.test_pictures_cut_short_are_left_out,
        "reached the decoder|not as they were sent", "ingest-no-boundary")),
    ("ingest-skip-verify is seen", seen_by(test_tls.test_wrong_pin, "the camera was sent b'OPTIONS",
        "ingest-skip-verify")),
    ("daemon-udp-open lets strangers in", seen_by(test_udp.test_strangers_are_not_heard,
        "not the reference's frames|before|ended with", "daemon-udp-open")),
    ("ingest-no-reorder costs frames", seen_by(test_udp.test_mild_reordering_costs_no_frame,
        "not the reference's frames|no frame within", "ingest-no-reorder")),
    ("ingest-foreign-host is seen", seen_by(test_camera.test_points_elsewhere, "names another host",
        "ingest-foreign-host")),
    ("daemon-any-realm is seen", seen_by(test_camera.test_relays_a_challenge,
        "answered for another realm", "daemon-any-realm")),
    ("daemon-shares-log lets roles write under any name", seen_by(
        test_takeover.test_forged_log_lines, "its last words", "daemon-shares-log")),
    ("audit-skip is seen", seen_by(test_audit.test_no_lease_without_its_record,
        "of which are recorded", "audit-skip")),
    ("miscount-withheld is seen", seen_by(test_accounting.test_each_other_end, "withheld 0",
        "miscount-withheld")),
    ("watch-no-open is seen", seen_by(test_watch.test_what_is_and_what_changes,
        "lease-opened of garden", "watch-no-open")),
    ("audit-hurry records each lease each minute", with_breakage(test_audit.alive_each_minute,
        "audit-hurry")),
    ("framemuxctl check sees broker-no-erase", test_check.fails("broker-no-erase",
        "not erased by a revoke")),
    ("framemuxctl check sees daemon-swap-streams", test_check.fails(
        "daemon-swap-streams,decode-skip-hello", "blocks of another camera")),
    ("framemuxctl check sees broker-swap-keys", test_check.fails("broker-swap-keys",
        "provenance")),
]
