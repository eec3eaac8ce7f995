"""Being watched: what framemuxctl watch says, so that an indicator is never dark while somebody sees."""
import datetime
import json
import os
import signal
import time

import harness
from harness import UID_A, UID_B, check, until
from test_refusals import TWO

MEMBERS = ["time", "event", "camera", "lease", "uid", "pid", "reason"]


class Watcher:
    """A framemuxctl watch whose lines are checked as they are read."""

    def __init__(self, mux, *args):
        s = mux.scene
        argv = [s.program("framemuxctl"), "-s", mux.control, "watch", *args]
        self.process = harness.Process(s, f"watch{len(s.processes)}", argv, env=s.env())
        s.processes.append(self.process)

    def events(self):
        found = [json.loads(line) for line in self.process.out().split("\n")[:-1]]
        for e in found:
            check(list(e) == MEMBERS, f"not these members: {e}")
            check(isinstance(e["reason"], str) and isinstance(e["event"], str), e)
            when(e)
        return found

    def await_event(self, name, camera=None, since=0):
        def seen():
            check(self.process.running(), f"watch has ended: {self.process.err()}")
            return [e for e in self.events()[since:] if e["event"] == name and camera in (None, e["camera"])]
        return until(seen, f"{name} of {camera}")[0]

    def now(self):
        self.await_event("now")
        return self


def when(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def real_time(monotonic_ns):
    return time.time() - time.monotonic() + monotonic_ns / 1e9


def test_what_is_and_what_changes(s):
    mux = s.mux(TWO)
    porch = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=10000)
    porch.await_frames(2)
    w = Watcher(mux).now()
    present = w.events()
    check([(e["event"], e["camera"]) for e in present] == [("camera-live", "porch"), ("camera-idle", "garden"),
        ("lease-opened", "porch"), ("now", None)], present)
    opened, uid = present[2], UID_A if os.getuid() == 0 else os.getuid()
    check(opened["lease"] == mux.status()["leases"][0]["id"], "its lease")
    check((opened["uid"], opened["pid"], opened["reason"]) == (uid, porch.pid, "dump"), opened)
    check(present[1] == dict(present[1], lease=None, uid=None, pid=None, reason=""), present[1])

    garden = mux.dump("garden", mux.grant("garden", uid=UID_B), uid=UID_B, frames=3)
    garden.expect(0)
    closed = w.await_event("lease-closed", "garden")
    opened = next((e for e in w.events() if (e["event"], e["camera"]) == ("lease-opened", "garden")), None)
    check(opened, "lease-opened of garden was not told")
    first = real_time(garden.meta()[0]["acquire_ns"])
    check(when(opened) <= first, f"told {when(opened) - first} s after the first picture was seen")
    check(closed["lease"] == opened["lease"] and closed["pid"] == garden.pid and closed["reason"], closed)

    mux.ctl("revoke", mux.status()["leases"][0]["token"])
    closed = w.await_event("lease-closed", "porch")
    revoked = w.await_event("revoked")
    check(closed["reason"] == "revoked" and closed["lease"] == present[2]["lease"], closed)
    check(revoked["uid"] == os.getuid() and revoked["reason"] == "one token", revoked)
    porch.wait()

    at = len(w.events())
    mux.ctl("disable", "--camera", "garden")
    check(w.await_event("camera-disabled", "garden", at)["reason"], "it says why")
    mux.ctl("enable", "--camera", "garden")
    w.await_event("camera-idle", "garden", at)
    mux.ctl("disable", "--uid", "4711")
    check(w.await_event("user-disabled")["uid"] == 4711, "who")
    mux.ctl("enable", "--uid", "4711")
    check(w.await_event("user-enabled")["uid"] == 4711, "who")
    w.process.signal(signal.SIGINT)
    w.process.expect(0)


def test_one_camera_and_the_ends(s):
    mux = s.mux(TWO)
    w, gone = Watcher(mux, "--camera", "garden").now(), Watcher(mux).now()
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=1).expect(0)
    mux.dump("garden", mux.grant("garden", uid=UID_B), uid=UID_B, frames=1).expect(0)
    w.await_event("lease-closed", "garden")
    check({e["camera"] for e in w.events()} == {"garden", None}, w.events())
    mux.ctl("watch", "--camera", "nowhere", code=77)
    mux.ctl("watch", "what", code=64)
    s.write("framemux.conf", open(mux.config_path).read().replace('"garden"', '"yard"'))
    mux.ctl("reload")
    w.await_event("camera-removed", "garden")
    gone.await_event("camera-idle", "yard")
    mux.stop()
    for watcher in (w, gone):
        watcher.process.expect(69)


def test_nobody_reads_it(s):
    """A pipe whose reader has gone ends it, without an event."""
    mux = s.mux(TWO)
    ours, theirs = os.pipe()
    argv = [s.program("framemuxctl"), "-s", mux.control, "watch"]
    process = harness.Process(s, "watch", argv, env=s.env(), stdout=theirs)
    s.processes.append(process)
    os.close(theirs)
    with open(ours, "rb") as f:
        while b'"now"' not in f.readline():
            pass
    process.expect(74)
