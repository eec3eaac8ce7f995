"""VLC as the camera: an RTSP server that offers UDP only, and whose 401 has no CSeq."""
import os
import shutil
import socket

import harness
from harness import UID_A, Skipped, check, until
from test_frames import camera

NOBODY = 65534  # VLC refuses to run as root
SIZE = "320x240"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(s, *options):
    """VLC with a clip that goes round; the port it listens on."""
    program = shutil.which("vlc")
    if not program:
        raise Skipped("no vlc (Debian: vlc-bin and vlc-plugin-base)")
    clip = harness.make_clip(s.path("clip.mp4"), "-c:v", "libx264", "-g", "25", "-bf", "0",
        size=SIZE, frames=100, rate=25)
    os.chmod(clip, 0o644)
    home, port = s.folder("vlc", NOBODY), free_port()
    argv = [program, "-I", "dummy", "--ignore-config", "--no-audio", "--no-media-library",
        *options, "--loop", clip, f":sout=#rtp{{sdp=rtsp://127.0.0.1:{port}/cam}}", ":sout-keep"]
    process = harness.Process(s, "vlc", argv, uid=NOBODY,
        env=s.env(HOME=home, XDG_RUNTIME_DIR=home, LD_LIBRARY_PATH=""))
    s.processes.append(process)

    def listens():
        check(process.running(), f"VLC ended:\n{process.err()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    until(listens, "VLC listens")
    return port


def test_frames_over_udp(s):
    """transport = auto: 461 for TCP, then UDP in the same session."""
    port = serve(s)
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "40", uid=UID_A, frames=30)
    client.expect(0, 90)
    check("does not offer RTP over TCP; trying the other" in mux.log(), mux.log())
    width, height = (int(n) for n in SIZE.split("x"))
    check({(m["width"], m["height"]) for m in client.meta()} == {(width, height)}, "another size")
    # A moving picture, even where VLC does not keep up and repeats.
    check(len(set(client.frames())) > 3, "the frames are all the same")


def test_basic_in_the_clear_is_refused(s):
    """Its 401 asks for Basic and has no CSeq: understood, and answered with no password."""
    port = serve(s, "--sout-rtsp-user=viewer", "--sout-rtsp-pwd=secret")
    s.write("vlc.secret", "secret\n")
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam",
        '\tusername = "viewer"\n\tpassword_file = "vlc.secret"\n')
        + camera("bare", f"rtsp://localhost:{port}/cam"))
    for name, want in (("cam", "401: camera asks for Basic in the clear; refused"),
            ("bare", "401: camera asks for a user and password, none is configured")):
        mux.dump(name, mux.grant(name, uid=UID_A), "--timeout", "40", uid=UID_A)
        until(lambda: want in mux.camera(name)["reason"], f"{name}: {want}")
