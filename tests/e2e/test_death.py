"""Whoever dies, or hangs: others lose nothing, what must come back comes back, nothing is left."""
import errno
import os
import signal

import harness
from harness import END_S, UID_A, UID_B, UNHURRIED_FPS, check, children_of, until
from test_frames import camera
from test_memory import watching
from test_refusals import TWO
from test_reload import Notified
from test_revoke import holder, is_blank, keep_ring

STOPPED_FRAMES = 5 * UNHURRIED_FPS  # 5 s
WATCHDOG_US = 2000000  # fed four times as often


def test_stopped_client_delays_nobody(s):
    """One client is stopped for 5 s and killed; the other sees every frame of a live camera."""
    port = s.camserver(f"cam=live:size=640x360,fps={UNHURRIED_FPS}")
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    healthy = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A,
        frames=100000).takes_turns_first()
    victim = mux.dump("cam", mux.grant("cam", uid=UID_B), uid=UID_B, frames=100000)
    victim.await_frames(5)
    healthy.await_frames(5)
    victim.signal(signal.SIGSTOP)
    stopped_at = len(healthy.meta())
    healthy.await_frames(stopped_at + STOPPED_FRAMES, 15)
    victim.signal(signal.SIGKILL)
    victim.wait()
    healthy.await_frames(len(healthy.meta()) + 5)
    healthy.check_missed_none()
    check(len({m["generation"] for m in healthy.meta()}) == 1, "the camera was born again")
    until(lambda: len(mux.status()["leases"]) == 1, "the killed client's lease to end")


def survives(s, role):
    """A camera's process is killed: its client gets frames of a new generation."""
    mux = s.mux(camera("porch", "test:porch?size=320x240&fps=30")
        + camera("garden", f"test:garden?size=320x240&fps={UNHURRIED_FPS}"))
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=100000)
    other = mux.dump("garden", mux.grant("garden", uid=UID_B), uid=UID_B,
        frames=100000).takes_turns_first()
    client.await_frames(5)
    other.await_frames(5)
    ring = keep_ring(client)
    pids = [p for p in mux.camera("porch")["pids"] if harness.command_of(p) == role]
    check(len(pids) == 1, f"porch has {pids} as {role}")
    before = client.meta()[-1]["generation"]
    os.kill(pids[0], signal.SIGKILL)
    until(lambda: client.meta()[-1]["generation"] > before, "frames of a new generation")
    blind = is_blank(ring)
    ring.close()
    check(blind, "the old generation's ring was not erased")
    other.await_frames(len(other.meta()) + 5)
    other.check_missed_none()
    check(mux.camera("porch")["generation"] > before, f"{mux.camera('porch')}")


def test_killed_decode(s):
    survives(s, "framemux-decode")


def test_killed_ingest(s):
    survives(s, "framemux-ingest")


def serves(mux):
    try:
        return mux.status()["pid"] == mux.pid
    except harness.Failed:
        return False


def test_killed_broker(s):
    """The decoder erases; the clients are told; framemuxd starts a new broker that serves again."""
    mux, (client,) = watching(s, 1)
    ring = keep_ring(client)
    os.kill(mux.roles("framemux-broker")[0], signal.SIGKILL)
    client.expect(69)
    until(lambda: is_blank(ring), "the ring to be erased by the decoder")
    ring.close()
    until(lambda: serves(mux), "a new broker")
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=3).expect(0)


def test_killed_broker_leaves_a_held_frame_dark(s):
    """The decoder clears the ring and nobody marks it dead: a client that has heard of nothing finds its
    frame gone and the next ones erased, which is not a provenance failure."""
    mux = s.mux("stale_after = 30000\n" + TWO)
    with holder(s, mux, mux.grant("porch")) as look:
        alive = look()
        dropped = mux.status()["leases"][0]["dropped"]
        until(lambda: mux.status()["leases"][0]["dropped"] > dropped + 4, "frames to wait in every slot")
        broker, = mux.roles("framemux-broker")
        decode, = mux.roles("framemux-decode")
        os.kill(mux.pid, signal.SIGSTOP)  # so that the decoder is not hurried
        try:
            os.kill(broker, signal.SIGKILL)
            until(lambda: not harness.command_of(decode), "the decoder's end")
            check_, acquired, _, copied = look()
        finally:
            os.kill(mux.pid, signal.SIGCONT)
    check(alive[0] == 0 and alive[3], f"the frame is refused before anybody died: {alive}")
    check(not copied, "pixels are left")
    check(check_ == -errno.ESTALE, f"a copy of cleared pixels is said to be whole: {check_}")
    check(acquired == -errno.ESTALE, f"not dark, but {acquired}")


def test_killed_framemuxd(s):
    """Everything that it started ends by itself, and the pixels with it."""
    mux, clients = watching(s)
    rings = [keep_ring(c) for c in clients]
    family = children_of(mux.pid)
    check(len(family) == 5, f"broker and two pairs, not {family}")
    os.kill(mux.pid, signal.SIGKILL)
    mux.process.wait()
    for client in clients:
        client.expect(69)
    until(lambda: not any(harness.command_of(p) for p in family), "the roles' end", END_S)
    blind = all(is_blank(r) for r in rings)
    for r in rings:
        r.close()
    check(blind, "pixels are left")


def test_camera_goes_and_comes_back(s):
    """The server dies: lost, dark. It returns at the same port: live again."""
    port = s.camserver("cam=live:size=320x240,fps=30")
    server = s.processes[-1]
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(5)
    before = client.meta()[-1]["generation"]
    server.signal(signal.SIGKILL)
    server.wait()
    until(lambda: mux.camera("cam")["state"] in ("lost", "connecting"), "lost")
    check(mux.camera("cam")["reason"], "lost for no reason")
    s.camserver("cam=live:size=320x240,fps=30", port=port)
    until(lambda: client.meta()[-1]["generation"] > before, "frames again", 30)


def test_silent_camera_is_stale(s):
    """No frame within the limit: stale, and the ring is dark."""
    clip = harness.make_clip(s.path("clip.h264"), "-c:v", "libx264", "-preset", "ultrafast", "-tune",
        "zerolatency", size="320x240", frames=45)
    port = s.camserver(f"cam=file:path={clip},fps=30,once")
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(5)
    ring = keep_ring(client)
    until(lambda: mux.camera("cam")["state"] == "stale", "stale")
    until(lambda: is_blank(ring), "the ring to be erased")
    ring.close()
    check(len(client.meta()) <= 45, "more frames than were sent")


def test_watchdog_of_a_broker_that_comes(s):
    """While one is set up the watchdog is fed, as that has limits of its own; one that serves has to answer."""
    notified = Notified(s)
    env = s.env
    s.env = lambda **more: env(NOTIFY_SOCKET=notified.path, WATCHDOG_USEC=str(WATCHDOG_US), **more)
    mux = s.mux(TWO)
    s.env = env
    notified.until("WATCHDOG=1")
    broker, = mux.roles("framemux-broker")
    program = s.program("framemux-broker")
    os.rename(program, program + ".kept")
    try:
        with open(os.open(program, os.O_CREAT | os.O_WRONLY, 0o755), "w") as f:
            f.write("#!/bin/sh\nexec sleep 60\n")
        os.kill(broker, signal.SIGKILL)
        until(lambda: [p for p in children_of(mux.pid) if harness.command_of(p) == "sleep"], "the slow one")
        notified.forget()
        for _ in range(3):
            notified.until("WATCHDOG=1")
    finally:
        os.rename(program + ".kept", program)
    for p in children_of(mux.pid):
        if harness.command_of(p) == "sleep":
            os.kill(p, signal.SIGKILL)
    broker, = until(lambda: mux.roles("framemux-broker"), "a good one")
    until(lambda: serves(mux), "it to serve")
    os.kill(broker, signal.SIGSTOP)
    until(lambda: notified.is_still(WATCHDOG_US / 1e6), "it not to be fed for a broker that does not answer")
    os.kill(broker, signal.SIGCONT)
    notified.until("WATCHDOG=1")
    notified.socket.close()


def test_nobody_at_the_address(s):
    """A camera that cannot be reached: the client times out, the status says why."""
    port = s.camserver("cam=live:size=320x240")
    server = s.processes[-1]
    server.signal(signal.SIGKILL)
    server.wait()
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "2", uid=UID_A)
    until(lambda: mux.camera("cam")["reason"], "a reason")
    code = client.wait()
    check(code in (69, 75), f"exit {code}")
    check(not client.meta(), "a frame from nowhere")


def test_no_mux_at_the_socket(s):
    client = harness.Process(s, "dump", [s.program("framemux-dump"), "-s", s.path("nothing"), "porch"],
        env=s.env(FRAMEMUX_TOKEN="fmx1_AAAA"))
    code = client.wait()
    check(code in (65, 69), f"exit {code}")
