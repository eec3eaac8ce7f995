"""Capture devices (V4L2): what is none is refused with the reason; a real one's pictures arrive.

Without a device (or the right to open one) the tests of the second kind say that they were skipped.
vivid or v4l2loopback make devices where there is no camera.
"""
import contextlib
import fcntl
import glob
import os
import re
import struct
import tempfile

import harness
from harness import UID_A, Skipped, check, until
from test_config import HEAD
from test_frames import camera, read_png

VIDIOC_QUERYCAP, VIDIOC_REQBUFS = 0x80685600, 0xc0145608
CAPTURE, STREAMING = 0x1, 0x04000000


@contextlib.contextmanager
def links_to(target, count):
    """Names below /dev (the only place where a device's URL may point) of target."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="framemux-", dir="/dev/shm")
    except OSError as e:
        raise Skipped(f"/dev/shm cannot be written: {e}") from None
    with folder as path:
        names = [os.path.join(path, f"name{i}") for i in range(count)]
        for name in names:
            os.symlink(target, name)
        yield names


def lost_because(s, path, reason):
    """A client asks for the camera; it becomes lost, for this reason, and the client gets nothing."""
    mux = s.mux(camera("porch", f"v4l2://{path}"))
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A)
    seen = until(lambda: next((c for c in [mux.camera("porch")] if c["state"] == "lost"), None),
        "the camera is lost")
    check(re.search(reason, seen["reason"]), f"the reason is {seen['reason']!r}")
    check(not client.meta(), "a frame of nothing")


def test_device_that_is_not_there(s):
    lost_because(s, "/dev/framemux-no-such-device", "cannot open the device: No such file")


def test_what_is_no_video_device(s):
    lost_because(s, "/dev/null", "not a video device")


def test_a_file_is_no_device(s):
    with links_to(s.write("file", "hello\n"), 1) as names:
        lost_because(s, names[0], "not a video device")


def test_two_names_of_one_device(s):
    """Whose picture would it be? Two devices are two sources, and two names of one are one."""
    config = HEAD.replace("{dir}", s.dir)
    with links_to("/dev/zero", 2) as names:
        for urls, code in (((names[0], "/dev/null"), 0), (names, 78), ((names[0], "/dev/zero"), 78)):
            path = s.write("framemux.conf",
                config + "".join(camera(f"c{i}", f"v4l2://{u}") for i, u in enumerate(urls)))
            argv = [os.path.join(s.build, "framemuxd"), "-t", "-c", path]
            p = harness.Process(s, "check", argv, env=s.env(FRAMEMUX_BREAKAGE=s.breakage))
            check(p.wait() == code, f"{urls}: exit {p.wait()}, not {code}: {p.err()}")
            check(code == 0 or ":8: " in p.err() and "same source" in p.err(), p.err())


# ---- with a device

def find_device():
    """A capture device that nobody else has; raises Skipped."""
    reasons = []
    for path in sorted(glob.glob("/dev/video*")):
        try:
            fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        except OSError as e:
            reasons.append(f"{path}: {e.strerror}")
            continue
        try:
            buf = bytearray(104)
            fcntl.ioctl(fd, VIDIOC_QUERYCAP, buf)
            caps = struct.unpack_from("<I", buf, 88)[0]
            if caps & CAPTURE and caps & STREAMING:
                return path
            reasons.append(f"{path}: no capture")
        except OSError as e:
            reasons.append(f"{path}: {e.strerror}")
        finally:
            os.close(fd)
    raise Skipped("no capture device on this machine (modprobe vivid makes one): "
        + ("; ".join(reasons) or "no /dev/video*"))


def test_pictures_of_a_device(s):
    mux = s.mux("linger = 60\n" + camera("desk", f"v4l2://{find_device()}"))
    token = mux.grant("desk", uid=UID_A)
    client = mux.dump("desk", token, uid=UID_A, frames=12)
    client.expect(0)
    meta = client.meta()
    check(all(m["verified"] for m in meta), "not verified")
    for field in ("seq", "arrival_ns", "capture_ns"):
        values = [m[field] for m in meta if m[field] is not None]
        check(values == sorted(values), f"{field}: {values}")
    check(all((m["capture_ns"] or 0) <= m["arrival_ns"] for m in meta), "captured after it came")
    check(len(set(client.frames())) > 1 or len(set(client.frames()[0])) > 1, "a blank picture")
    png = mux.dump("desk", token, uid=UID_A, form="png")
    png.expect(0)
    width, height, _ = read_png(png.frames_path)
    check((width, height) == (meta[0]["width"], meta[0]["height"]), f"png of {width}x{height}")
    seen = mux.camera("desk")
    check(seen["codec"] in ("mjpeg", "yuyv", "nv12", "h264", "h265"), f"codec {seen['codec']}")


def test_device_that_another_program_has(s):
    path = find_device()
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        try:
            fcntl.ioctl(fd, VIDIOC_REQBUFS, bytearray(struct.pack("<IIIII", 2, 1, 1, 0, 0)))
        except OSError as e:
            raise Skipped(f"{path} gives the test no buffers: {e}") from None
        lost_because(s, path, "used by another program")
    finally:
        os.close(fd)
