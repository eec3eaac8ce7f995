"""RTSP over UDP: both transports and the way from one to the other, reordering and loss, reports,
capture times."""
import hashlib
import os
import time

import harness
from harness import UID_A, UID_B, check, until
from relay import Relay
from test_frames import camera, expect_sequence

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30",
    "-x264-params", "slices=1:threads=1")
LOSS_S = float(os.environ.get("FRAMEMUX_LOSS_S", "4"))  # a minute by hand


def clip_of(s):
    clip = harness.make_clip(s.path("clip.h264"), *H264)
    return clip, harness.frame_hashes(clip)


def watch(s, port, transport, frames=90):
    """A client's frames over that transport, and the mux."""
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam", f'\ttransport = "{transport}"\n'))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=frames)
    return mux, client


def expect_capture_times(mux):
    """From the first sender report on each frame has one, never after its arrival."""
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=100000)
    known = until(lambda: [m for m in client.meta() if m["capture_ns"]][9:], "capture times")
    check(mux.camera("cam")["state"] == "live", f"{mux.camera('cam')}")
    client.signal(15)
    client.wait()
    later = [m for m in client.meta() if m["seq"] >= known[0]["seq"]]
    check(all(0 < m["capture_ns"] <= m["arrival_ns"] for m in later), f"{later}")
    times = [m["capture_ns"] for m in later]
    check(times == sorted(times), "capture times run backwards")


def test_udp_equals_ffmpeg_and_tells_capture_times(s):
    clip, reference = clip_of(s)
    port = s.camserver(f"cam=file:path={clip},fps=30,protocols=udp")
    mux, client = watch(s, port, "udp")
    client.expect(0)
    expect_sequence(client, reference, "over UDP")
    expect_capture_times(mux)


def test_auto_finds_udp_where_tcp_is_refused(s):
    clip, reference = clip_of(s)
    port = s.camserver(f"cam=file:path={clip},fps=30,protocols=udp")
    mux, client = watch(s, port, "auto", frames=30)
    client.expect(0)
    expect_sequence(client, reference, "auto")
    check("does not offer RTP over TCP; trying the other" in mux.log(), mux.log())
    check(mux.camera("cam")["reconnects"] == 0, "it was connected twice")


def test_auto_takes_tcp_where_it_is_offered(s):
    clip, reference = clip_of(s)
    port = s.camserver(f"cam=file:path={clip},fps=30,protocols=tcp")
    mux, client = watch(s, port, "auto", frames=30)
    client.expect(0)
    expect_sequence(client, reference, "auto")
    check("trying" not in mux.log(), mux.log())
    expect_capture_times(mux)


def test_one_transport_only_is_refused_with_the_key(s):
    clip, _ = clip_of(s)
    port = s.camserver(f"tcp=file:path={clip},protocols=tcp", f"udp=file:path={clip},protocols=udp")
    mux = s.mux(camera("tcp", f"rtsp://127.0.0.1:{port}/tcp", '\ttransport = "udp"\n')
        + camera("udp", f"rtsp://127.0.0.1:{port}/udp", '\ttransport = "tcp"\n'))
    for name, missing in (("tcp", "UDP"), ("udp", "TCP")):
        mux.dump(name, mux.grant(name, uid=UID_A), "--timeout", "20", uid=UID_A)
        want = f'461: camera does not offer RTP over {missing}, and "transport" permits no other'
        reported = until(lambda: mux.camera(name) if want in mux.camera(name)["reason"] else None,
            f"{name}: {want}")
        check(reported["state"] == "lost", f"{reported}")


def test_auto_leaves_a_transport_that_is_silent(s):
    """A camera that says that it sends over TCP and does not."""
    clip, reference = clip_of(s)
    port = s.camserver(f"cam=file:path={clip},fps=30")
    with Relay(port, mute_tcp=True) as relay:
        mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{relay.port}/cam", "\tpatience = 2\n"))
        client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "40", uid=UID_A,
            frames=30)
        client.expect(0)
        expect_sequence(client, reference, "after the change")
        check(relay.moved > 0, "no datagram was sent")
        check("no media over TCP for 2 s" in mux.log(), mux.log())
        check(mux.camera("cam")["reconnects"] == 1, f"{mux.camera('cam')}")


def test_mild_reordering_costs_no_frame(s):
    clip, reference = clip_of(s)
    port = s.camserver(f"cam=file:path={clip},fps=30")
    with Relay(port, shuffle=6, twice=0.1) as relay:
        _, client = watch(s, relay.port, "udp")
        client.expect(0)
        expect_sequence(client, reference, "out of order")
        check(relay.displaced > relay.moved // 10,
            f"{relay.displaced} of {relay.moved} out of order: this tests nothing")


def test_strangers_are_not_heard(s):
    """A third party that sends to the client's port, before the camera does and all the time."""
    clip, reference = clip_of(s)
    port = s.camserver(f"cam=file:path={clip},fps=30")
    with Relay(port, strangers=True) as relay:
        _, client = watch(s, relay.port, "udp", frames=60)
        client.expect(0)
        expect_sequence(client, reference, "among strangers")
        check(relay.strange > 100, "nobody interfered: this tests nothing")


def test_receiver_reports_arrive(s):
    clip, _ = clip_of(s)
    port = s.camserver(f"cam=file:path={clip},fps=30")
    with Relay(port) as relay:
        mux, client = watch(s, relay.port, "udp", frames=1000)
        until(lambda: relay.reports, "a receiver report")
        check(client.running(), client.err())


def coloured(s, name, color):
    """A clip of that colour under a little noise: a few packets a frame, and never mistaken."""
    path = s.path(name + ".h264")
    harness.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
        f"color=c={color}:size=160x120:rate=30,format=yuv420p,noise=c0s=8:c0f=t", "-frames:v",
        "60", *H264, "-g", "5", "-b:v", "400k", "-y", path])
    return path


def chroma(frame, width=160, height=120):
    """The mean of U and of V."""
    y, c = width * height, width * height // 4
    return tuple(sum(frame[y + i * c:y + (i + 1) * c]) / c for i in range(2))


def test_loss_shows_no_other_camera_and_nothing_stale(s):
    """30 % lost, out of order, late and twice, beside a healthy camera."""
    red, blue = coloured(s, "red", "red"), coloured(s, "blue", "blue")
    port = s.camserver(f"red=file:path={red},fps=30", f"blue=file:path={blue},fps=30")
    with Relay(port, drop=0.3, twice=0.1, late=0.2, late_s=0.1, shuffle=6) as relay:
        mux = s.mux("stale_after = 1000\n"
            + camera("red", f"rtsp://127.0.0.1:{relay.port}/red", '\ttransport = "udp"\n')
            + camera("blue", f"rtsp://127.0.0.1:{port}/blue"))
        bad = mux.dump("red", mux.grant("red", uid=UID_A), "--timeout", "300", uid=UID_A,
            frames=100000)
        good = mux.dump("blue", mux.grant("blue", uid=UID_B), uid=UID_B, frames=int(LOSS_S * 25))
        end, states = time.monotonic() + LOSS_S, set()
        while time.monotonic() < end:
            reported = mux.camera("red")
            states.add(reported["state"])
            check(reported["state"] in ("connecting", "live", "stale", "lost"), f"{reported}")
            check(reported["state"] in ("live", "connecting") or reported["reason"], f"{reported}")
            time.sleep(0.2)
        healthy = mux.camera("blue")
        check((healthy["frames_corrupt"], healthy["reconnects"]) == (0, 0), f"{healthy}")
        good.expect(0)
        check(relay.dropped > relay.moved // 5, f"{relay.dropped} of {relay.moved} lost")
        bad.signal(15)
        bad.wait()
        check(bad.meta(), f"no frame at all got through; states {states}")
        for client, name in ((bad, "red"), (good, "blue")):
            own, wrong = ((90, 240), (240, 110)) if name == "red" else ((240, 110), (90, 240))
            with open(client.frames_path, "rb") as f:
                for m in client.meta():
                    u, v = chroma(f.read(160 * 120 * 3 // 2))
                    near = abs(u - own[0]) + abs(v - own[1])
                    far = abs(u - wrong[0]) + abs(v - wrong[1])
                    check(m["camera"] == name and near < far, f"{name} shows {u:.0f} {v:.0f}: {m}")
                    age = m["acquire_ns"] - m["arrival_ns"]
                    check(age < 1_050_000_000, f"a frame was {age / 1e6:.0f} ms old: {m}")
