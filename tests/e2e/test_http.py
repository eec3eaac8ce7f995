"""HTTP cameras: their pictures bit for bit whatever their habits, and reasons where there are none."""
import hashlib
import os
import select
import sys

import harness
from harness import UID_A, check, until
from test_frames import camera, expect_sequence

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "correct-horse-battery-7Q"
SIZE = (320, 240)
CLIP = ["-c:v", "mjpeg", "-huffman", "default", "-q:v", "4"]


def make_clip(s, *options, pix_fmt="yuvj420p"):
    return harness.make_clip(s.path("clip.mjpeg"), *CLIP, "-pix_fmt", pix_fmt, *options,
        size="%dx%d" % SIZE, frames=25)


def start(s, clip, *options):
    """Starts a camera; returns its URL without a path."""
    ready, theirs = os.pipe()
    process = harness.Process(s, "httpcam", [sys.executable, os.path.join(HERE, "httpcam.py"), clip,
        *options], stdout=theirs)
    os.close(theirs)
    s.processes.append(process)
    with open(ready) as f:
        check(select.select([f], [], [], harness.READY_S)[0], "httpcam is not ready")
        line = f.readline()
    check(line.startswith("READY "), f"httpcam: {process.err()}")
    s.httpcam = process
    return f"http://127.0.0.1:{line.split()[1]}"


def watch(s, names, frames=12, clip=None, more=""):
    """A camera and a client for each path; (mux, {path: client that has ended well})."""
    url = start(s, clip or make_clip(s))
    mux = s.mux("".join(camera(n, f"{url}/{n}", more) for n in names))
    clients = {n: mux.dump(n, mux.grant(n, uid=UID_A), uid=UID_A, frames=frames) for n in names}
    for n, client in clients.items():
        try:
            client.expect(0)
        except harness.Failed as e:
            raise harness.Failed(f"{n}: {e}; {mux.camera(n)['reason']}") from None
    return mux, clients


def exact(*names):
    """Each of these is shown as ffmpeg decodes the pictures, none left out."""
    def test(s):
        clip = make_clip(s)
        reference = harness.frame_hashes(clip)
        _, clients = watch(s, names, clip=clip)
        for name, client in clients.items():
            expect_sequence(client, reference, name)
    return test


TESTS = [
    ("lengths that lie", exact("plain", "length-short", "length-long", "length-2gb", "length-odd")),
    ("odd forms", exact("length-padded", "length-none", "line-feeds", "old", "chunked")),
    ("boundaries", exact("boundary-quoted", "boundary-dashes", "boundary-more-dashes",
        "boundary-bare", "boundary-other", "boundary-none")),
    ("no multipart at all", exact("no-type", "concatenated", "bytes")),
    ("what stands in and between pictures", exact("no-tables", "thumbnail", "noisy")),
]


def test_pictures_cut_short_are_left_out(s):
    clip = make_clip(s)
    reference = set(harness.frame_hashes(clip))
    mux, clients = watch(s, ["cut"], frames=20, clip=clip)
    odd = [i for i, f in enumerate(clients["cut"].frames())
        if hashlib.md5(f).hexdigest() not in reference]
    check(not odd, f"frames {odd} are not as they were sent")
    check(mux.camera("cut")["frames_corrupt"] == 0, "a broken picture reached the decoder")


def luma(s, name, pix_fmt, *options):
    """The first plane does not depend on how the colours are sampled."""
    clip = make_clip(s, *options, pix_fmt=pix_fmt)
    raw = s.path("clip.raw")
    harness.run(["ffmpeg", "-v", "error", "-i", clip, "-f", "rawvideo", raw])
    n = SIZE[0] * SIZE[1]
    with open(raw, "rb") as f:
        data = f.read()
    planes = {data[i:i + n] for i in range(0, len(data), len(data) // 25)}
    _, clients = watch(s, ["plain"], clip=clip)
    frames = clients["plain"].frames()
    check(all(f[:n] in planes for f in frames), f"{name}: not the brightness that was sent")


def test_pictures_of_4_2_2(s):
    luma(s, "4:2:2", "yuvj422p")


def test_pictures_of_4_4_4(s):
    luma(s, "4:4:4", "yuvj444p")


def test_pictures_in_grey(s):
    luma(s, "grey", "gray")


def test_pictures_with_restart_markers(s):
    luma(s, "restart markers", "yuvj420p", "-slices", "4", "-threads", "4")


def test_time_of_capture(s):
    _, clients = watch(s, ["stamped", "plain"])
    for name, low, high in (("stamped", 0.2e9, 10e9), ("plain", None, None)):
        for meta in clients[name].meta():
            late = meta["arrival_ns"] - meta["capture_ns"] if meta["capture_ns"] else None
            check(late is None if low is None else late is not None and low <= late <= high,
                f"{name}: captured {late} ns before it came")


# path: how the reason begins
REFUSED = {
    "moved": "302: camera redirects elsewhere; refused",
    "status/403": "403: access refused",
    "status/404": "404: the camera has no such stream",
    "status/503": "503: the camera is busy",
    "status/418": "418 in answer to GET: It Says",
    "page": "the camera sends text/html; charset=utf-8, not MJPEG",
    "still": "this URL gives one picture, not a stream",
    "still-unsized": "this URL gives one picture, not a stream",
    "other-protocol": "camera breaks the protocol: what it sends is not HTTP",
    "endless-headers": "camera breaks the protocol: headers are larger than allowed",
    "dribble": "no answer to GET for 2 s",
    "silent": "no answer to GET for 2 s",
    "garbage": "no picture for 2.0 s, and ",
    "bad-chunk": "camera breaks the protocol: a chunk is malformed",
}


def refused(*paths):
    """No frame, and the reason in the status."""
    def test(s):
        url = start(s, make_clip(s))
        names = {p.replace("/", "-"): p for p in paths}
        mux = s.mux("".join(camera(n, f"{url}/{p}", "\tpatience = 2\n") for n, p in names.items()))
        clients = {n: mux.dump(n, mux.grant(n, uid=UID_A), "--timeout", "20", uid=UID_A)
            for n in names}
        for n, p in names.items():
            until(lambda: mux.camera(n)["reason"].startswith(REFUSED[p]),
                f"{p}: {REFUSED[p]!r}, not {mux.camera(n)['reason']!r}")
            check(mux.camera(n)["state"] != "live", f"{p} is live")
            # That it was one picture only is seen when it has been shown.
            check(p == "still-unsized" or not clients[n].meta(), f"{p} is shown")
    return test


PATHS = list(REFUSED)
TESTS += [(f"refused with a reason, {i // 5 + 1}", refused(*PATHS[i:i + 5]))
    for i in range(0, len(PATHS), 5)]


def test_stalls_in_mid_picture(s):
    url = start(s, make_clip(s))
    mux = s.mux(camera("cam", url + "/stall", "\tpatience = 2\n"))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "20", uid=UID_A,
        frames=100000)
    client.await_frames(5)
    until(lambda: mux.camera("cam")["reason"].startswith("no picture for 2."),
        "the reason: no picture")
    until(lambda: mux.camera("cam")["generation"] > 1, "another life")


def test_huge_dimensions(s):
    url = start(s, make_clip(s))
    mux = s.mux(camera("cam", url + "/huge") + camera("well", url + "/plain"))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "3", uid=UID_A)
    well = mux.dump("well", mux.grant("well", uid=UID_A), uid=UID_A, frames=12)
    check(client.wait() in (69, 75) and not client.meta(), "a frame of 65500x65500")
    well.expect(0)


# ---- passwords


def secured(s, paths, password=PASSWORD):
    right = s.write("right.secret", PASSWORD + "\n")
    s.write("used.secret", password + "\n")
    url = start(s, make_clip(s), "--user", "viewer", "--password-file", right)
    mux = s.mux("".join(camera(p.replace("/", "-"), f"{url}/secret/{p}?a=b",
        '\tusername = "viewer"\n\tpassword_file = "used.secret"\n') for p in paths))
    return mux, [mux.dump(n, mux.grant(n, uid=UID_A), "--timeout", "15", uid=UID_A, frames=3)
        for n in (p.replace("/", "-") for p in paths)]


def opens(*paths):
    def test(s):
        mux, clients = secured(s, paths)
        for path, client in zip(paths, clients):
            try:
                client.expect(0)
            except harness.Failed as e:
                reason = mux.camera(path.replace("/", "-"))["reason"]
                raise harness.Failed(f"{path}: {reason}: {e}") from None
        for process in s.processes:
            check(PASSWORD not in process.err() + process.out(),
                f"{process.name} tells the password")
    return test


TESTS += [
    ("digest on one connection", opens("keep/", "keep/MD5", "keep/md5", "keep/MD5-sess",
        "keep/SHA-256")),
    ("digest with a second connection", opens("close/MD5", "close/SHA-256", "close/MD5-sess",
        "late/md5", "stale/md5")),
]


def test_second_connection_is_made_at_once_and_once(s):
    mux, (client,) = secured(s, ["close/SHA-256"])
    client.expect(0)
    check(mux.camera("close-SHA-256")["reconnects"] == 0, "it was no loss of the camera")
    requests = [x for x in s.httpcam.err().splitlines() if x.startswith("GET")]
    check([x.endswith("authorised") for x in requests] == [False, True], f"{requests}")


def test_wrong_password(s):
    mux, clients = secured(s, ["keep/md5", "close/SHA-256", "late/md5"], "wrong-password")
    for name in ("keep-md5", "close-SHA-256", "late-md5"):
        until(lambda: "401: wrong user or password" in mux.camera(name)["reason"],
            f"{name}: the reason, not {mux.camera(name)['reason']!r}")
    check(not any(c.meta() for c in clients), "a frame with a wrong password")
    check("wrong-password" not in mux.log(), "the wrong password is in the log")


def test_basic_in_the_clear(s):
    s.write("used.secret", PASSWORD + "\n")
    url = start(s, make_clip(s))
    mux = s.mux(camera("cam", url + "/basic?1",
        '\tusername = "viewer"\n\tpassword_file = "used.secret"\n') + camera("bare", url + "/basic?2"))
    for name, reason in (("cam", "401: camera asks for Basic in the clear; refused"),
            ("bare", "401: camera asks for a user and password, none is configured")):
        mux.dump(name, mux.grant(name, uid=UID_A), uid=UID_A)
        until(lambda: reason in mux.camera(name)["reason"],
            f"{reason!r}, not {mux.camera(name)['reason']!r}")
    check("authorised" not in s.httpcam.err(), "something was sent")
