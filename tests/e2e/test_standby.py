"""A camera that stays connected while nobody looks, and what is never shown: nothing from before the
attach, nothing older than the limit."""
import hashlib
import signal
import time

import harness
from harness import UID_A, check, until
from test_frames import camera, expect_sequence

GROUP = 90  # pictures from one key picture to the next: 3 s


class Lingering:
    """A mux with a camera of long groups that has lost its only client."""

    def __init__(self, s):
        clip = harness.make_clip(s.path("clip.h264"), "-c:v", "libx264", "-preset", "ultrafast",
            "-tune", "zerolatency", "-g", str(GROUP), "-x264-params",
            "slices=1:scenecut=0:threads=1", size="640x360", frames=2 * GROUP)
        self.reference = harness.frame_hashes(clip)
        self.times = s.path("times")
        port = s.camserver(f"cam=file:path={clip},fps=30,times={self.times}")
        self.mux = s.mux("linger = 60\n" + camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
        self.token = self.mux.grant("cam", uid=UID_A)
        self.mux.dump("cam", self.token, uid=UID_A).expect(0)

    def sent(self):
        """Pictures that the camera has sent."""
        with open(self.times) as f:
            return f.read().count("\n")

    def decoded(self):
        return self.mux.camera("cam")["frames_decoded"]

    def await_rest(self):
        """Units come, and but for a key unit none is decoded."""
        def rests():
            sent, decoded = self.sent(), self.decoded()
            until(lambda: self.sent() >= sent + 25, "pictures sent")
            return self.decoded() <= decoded + 1
        until(rests, "the decoder to rest")

    def join_amid_a_group(self, frames):
        """(a client, when it was started)"""
        until(lambda: GROUP // 2 <= self.sent() % GROUP <= GROUP * 3 // 4, "the middle of a group")
        started = time.monotonic_ns()
        client = self.mux.dump("cam", self.token, uid=UID_A, frames=frames)
        client.expect(0)
        return client, started


def test_warm_join_shows_nothing_from_before(s):
    """The kept group is decoded but not shown; what is shown is exact, and no key picture is awaited."""
    cam = Lingering(s)
    cam.await_rest()
    reported = cam.mux.camera("cam")
    check(reported["state"] == "live" and reported["last_frame_age_ms"] < 1000, f"{reported}")
    client, started = cam.join_amid_a_group(20)
    early = [m["seq"] for m in client.meta() if m["arrival_ns"] < started]
    check(not early, f"frames {early} are from before the attach")
    expect_sequence(client, cam.reference, "after a rest")
    first = hashlib.md5(client.frames()[0]).hexdigest()
    check(cam.reference.index(first) % GROUP, "a key picture was waited for")
    cam.await_rest()


def test_nothing_old_after_a_pause(s):
    """A client that did not run for longer than the limit is not given what waited for it."""
    limit = 600  # ms: three intervals of the camera
    mux = s.mux("stale_after = 500\n" + camera("porch", "test:porch?size=320x240&fps=5"))
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(3)
    client.signal(signal.SIGSTOP)
    # Its slots are full, and 1.6 s of frames found none free.
    before = mux.status()["leases"][0]["dropped"]
    until(lambda: mux.status()["leases"][0]["dropped"] >= before + 8, "frames dropped")
    client.signal(signal.SIGCONT)
    client.await_frames(len(client.meta()) + 5)
    ages = [(m["acquire_ns"] - m["publish_ns"]) // 10**6 for m in client.meta()]
    check(max(ages) < 2 * limit, f"a frame was {max(ages)} ms old when it was acquired")
