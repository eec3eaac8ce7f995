"""HTTP cameras that we did not write: motion and uStreamer, as Debian has them."""
import os
import shutil
import socket

import harness
from harness import UID_A, Skipped, check, until
from test_frames import camera

PASSWORD = "correct-horse-battery-7Q"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def needs(name):
    path = shutil.which(name)
    if not path:
        raise Skipped(f"no {name} here: scripts/setup test installs it")
    return path


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def started(s, name, port, argv):
    process = harness.Process(s, name, argv, uid=UID_A)
    s.processes.append(process)

    def up():
        check(process.running(), f"{name} ended:\n{process.err()}{process.out()}")
        return listens(port)
    until(up, f"{name} listens on {port}")
    return process


def motion(s, method, password=PASSWORD):
    """motion, which shows a clip as its camera. Returns its URL."""
    program, port = needs("motion"), free_port()
    clip = harness.make_clip(s.path("clip.mp4"), "-c:v", "libx264", size="320x240", frames=150,
        rate=15)
    folder = s.folder("motion", UID_A)
    os.chmod(clip, 0o644)
    path = s.write("motion.conf", f"""daemon off
log_level 5
target_dir {folder}
netcam_url file://{clip}
width 320
height 240
framerate 15
movie_output off
webcontrol_port 0
stream_port {port}
stream_localhost on
stream_maxrate 15
stream_auth_method {method}
stream_authentication viewer:{password}
""", 0o644)
    started(s, "motion", port, [program, "-n", "-c", path])
    return f"http://127.0.0.1:{port}/"


def ustreamer(s, *options):
    """uStreamer without a device: a picture that says so."""
    program, port = needs("ustreamer"), free_port()
    started(s, "ustreamer", port, [program, "--device", "/nonexistent", "--host", "127.0.0.1",
        "--port", str(port), *options])
    return f"http://127.0.0.1:{port}/stream"


def mux_for(s, url, password=PASSWORD):
    s.write("used.secret", password + "\n")
    return s.mux(camera("cam", url, '\tusername = "viewer"\n\tpassword_file = "used.secret"\n'))


def shown(s, url, frames, size):
    mux = mux_for(s, url)
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "40", uid=UID_A,
        frames=frames)
    try:
        client.expect(0)
    except harness.Failed as e:
        raise harness.Failed(f"{mux.camera('cam')['reason']}: {e}") from None
    check(all((m["width"], m["height"]) == size for m in client.meta()), f"{client.meta()[0]}")
    check(mux.camera("cam")["codec"] == "mjpeg", "its codec")
    picture = client.frames()[-1][:size[0] * size[1]]
    check(len(set(picture)) > 8, "the picture is empty")
    check(PASSWORD not in mux.log(), "the password is in the log")


def refused(s, url, reason, password=PASSWORD):
    mux = mux_for(s, url, password)
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "40", uid=UID_A)
    until(lambda: reason in mux.camera("cam")["reason"],
        f"{reason!r}, not {mux.camera('cam')['reason']!r}", 40)
    check(not client.meta(), "a frame")


def test_motion_without_a_password(s):
    shown(s, motion(s, 0), 20, (320, 240))


def test_motion_with_digest(s):
    shown(s, motion(s, 2), 20, (320, 240))


def test_motion_with_a_wrong_password(s):
    refused(s, motion(s, 2), "401: wrong user or password", "wrong-password")


def test_motion_with_basic_in_the_clear(s):
    refused(s, motion(s, 1), "401: camera asks for Basic in the clear; refused")


def test_ustreamer_without_a_password(s):
    shown(s, ustreamer(s), 3, (640, 480))


def test_ustreamer_with_basic_in_the_clear(s):
    refused(s, ustreamer(s, "--user", "viewer", "--passwd", PASSWORD),
        "401: camera asks for Basic in the clear; refused")
