"""The life of a camera: its states and their reasons, pauses, a changed name, warm."""
import os
import signal
import socket
import subprocess

import harness
from harness import UID_A, UID_B, check, until
from test_auth import PASSWORD
from test_frames import camera

LIVE = "cam=live:size=320x240,fps=30"


def end_server(s):
    server = [p for p in s.processes if p.name.startswith("camserver")][-1]
    server.signal(signal.SIGKILL)
    server.wait()


def restart(mux):
    mux.stop()
    mux.start()


def watch(mux, frames=3):
    token = mux.grant("cam", uid=UID_A)
    return mux.dump("cam", token, "--timeout", "60", uid=UID_A, frames=frames)


def blocked(mux, *words):
    """It is blocked, says so without being asked for, and whoever asks is refused at once."""
    until(lambda: mux.camera("cam")["state"] in ("blocked", "live"), "blocked")
    cam = mux.camera("cam")
    check(cam["state"] == "blocked", f"not blocked: {cam}")
    for word in words:
        check(word in cam["reason"], f"{word!r} is not in {cam['reason']!r}")
    until(lambda: mux.camera("cam")["pids"] == [], "the end of a blocked camera's processes")
    client = watch(mux)
    client.expect(69)
    check("blocked" in client.err() and not client.meta(), client.err())


def becomes_another(s, first, second, config=""):
    """One server, kept in mind; then another at the same port. The mux, with a watching client."""
    port = s.camserver(LIVE, **first)
    mux = s.mux("linger = 0\n" + camera("cam", f"rtsp://127.0.0.1:{port}/cam", config))
    watch(mux).expect(0)
    restart(mux)  # what it called itself outlasts that
    client = watch(mux, 100000)
    client.await_frames(3)
    end_server(s)
    until(lambda: mux.camera("cam")["state"] != "live", "the server's end to be seen")
    s.camserver(LIVE, port=port, **second)
    mux.port = port
    return mux, client


def test_another_server_answers(s):
    """Blocked, leases end, a restart changes nothing; a person accepts it, and it is remembered."""
    mux, client = becomes_another(s, {"server": "Alpha/1"}, {"server": "Beta/2"})
    blocked(mux, "server changed", "Alpha/1", "Beta/2")
    client.expect(69)
    check("blocked" in client.err(), client.err())
    check(mux.log().count("is right: framemuxctl accept") == 1, f"not said once:\n{mux.log()}")
    restart(mux)
    blocked(mux, "Alpha/1", "Beta/2")
    os.kill(mux.roles("framemux-broker")[0], signal.SIGKILL)  # the next one knows too
    until(lambda: serves(mux), "a new broker")
    blocked(mux, "Alpha/1", "Beta/2")
    mux.ctl("accept", code=64)
    mux.ctl("accept", "--camera", "cam", "more", code=64)
    mux.ctl("accept", "--camera", "nothing", code=77)
    blocked(mux, "Beta/2")
    mux.ctl("accept", "--camera", "cam")
    check("accept by uid" in mux.log(), "who accepted it is not in the log")
    check(mux.camera("cam")["state"] == "idle", f"{mux.camera('cam')}")
    watch(mux).expect(0)
    restart(mux)
    watch(mux).expect(0)
    end_server(s)
    s.camserver(LIVE, port=mux.port, server="Alpha/1")
    watch(mux).expect(69)
    blocked(mux, "Beta/2", "Alpha/1")


def serves(mux):
    try:
        return mux.status()["pid"] == mux.pid
    except harness.Failed:
        return False


def test_another_realm(s):
    """The challenge of another device is not signed: blocked."""
    secret = s.write("right.secret", PASSWORD + "\n")
    auth = {"user": "viewer", "password_file": secret}
    mux, client = becomes_another(s, {**auth, "realm": "front door"}, {**auth, "realm": "garden"},
        '\tusername = "viewer"\n\tpassword_file = "right.secret"\n')
    blocked(mux, "realm changed", "front door", "garden")


def test_a_disk_that_fails_for_a_while(s):
    """What a camera calls itself is kept once it can be, without another change."""
    port = s.camserver(LIVE, server="Alpha/1")
    mux = s.mux("linger = 0\n" + camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    kept = s.path("state/fingerprints")
    if os.path.exists(kept):
        os.unlink(kept)
    os.makedirs(kept + "/in the way")
    watch(mux).expect(0)
    until(lambda: mux.log().count("what cameras call themselves is not kept") >= 2, "two attempts")
    os.rmdir(kept + "/in the way")
    os.rmdir(kept)
    until(lambda: os.path.isfile(kept), "the next one")


def test_fingerprint_off(s):
    """Another server answers, and nobody minds."""
    mux, client = becomes_another(s, {"server": "Alpha/1"}, {"server": "Beta/2"},
        '\tfingerprint = "off"\n')
    before = client.meta()[-1]["generation"]
    until(lambda: client.meta()[-1]["generation"] > before, "frames of the other server", 30)
    restart(mux)
    watch(mux).expect(0)


def test_switching_it_off_lifts_the_block(s):
    mux, client = becomes_another(s, {"server": "Alpha/1"}, {"server": "Beta/2"})
    blocked(mux, "Alpha/1", "Beta/2")
    mux.stop()
    with open(mux.config_path) as f:
        text = f.read()
    s.write("framemux.conf", text.replace("\turl", '\tfingerprint = "off"\n\turl'))
    mux.start()
    watch(mux).expect(0)


def test_who_may_accept(s):
    """Whoever may only look is refused."""
    if os.getuid() != 0:
        raise harness.Skipped("another uid at the control socket: needs root")
    mux = s.mux(camera("cam", "test:cam?size=64x64&fps=10"))
    os.chmod(mux.control, 0o666)
    done = subprocess.run([s.program("framemuxctl"), "-s", mux.control, "accept", "--camera", "cam"],
        capture_output=True, text=True, env=s.env(), user=UID_B, group=UID_B, extra_groups=[],
        timeout=30)
    check(done.returncode == 77, f"{done.returncode}: {done.stderr}")
    check(f"refused: accept by uid {UID_B}" in mux.log(), mux.log())


def test_warm(s):
    """Live without a lease, and after the last one; after the broker's death born again."""
    port = s.camserver(LIVE)
    mux = s.mux("linger = 0\n" + camera("cam", f"rtsp://127.0.0.1:{port}/cam",
        '\tstandby = "warm"\n') + camera("cold", "test:cold?size=64x64&fps=10"))
    until(lambda: mux.camera("cam")["state"] == "live", "live without a lease")
    check(mux.camera("cold")["state"] == "idle", f"{mux.camera('cold')}")
    generation = mux.camera("cam")["generation"]
    for _ in range(2):
        watch(mux).expect(0)
        until(lambda: not mux.status()["leases"], "the lease's end")
        cam = mux.camera("cam")
        check(cam["state"] == "live" and cam["generation"] == generation, f"{cam}")
    os.kill(mux.roles("framemux-broker")[0], signal.SIGKILL)
    until(lambda: serves(mux), "a new broker")
    until(lambda: mux.camera("cam")["state"] == "live" and
        mux.camera("cam")["generation"] > generation, "live again")
    watch(mux).expect(0)
    end_server(s)
    seen = set()

    def lost():
        cam = mux.camera("cam")
        seen.add(cam["state"])
        return cam["state"] == "lost" and "Connection refused" in cam["reason"]
    until(lost, "lost, and tried again although nobody asks")
    s.camserver(LIVE, port=port)
    until(lambda: mux.camera("cam")["state"] == "live", "live again", 30)
    check("idle" not in seen, f"states {seen}")


def test_wrong_password_is_not_tried_often(s):
    """Cameras lock accounts: the next attempt is minutes away, and the status says when."""
    right = s.write("right.secret", PASSWORD + "\n")
    s.write("used.secret", "wrong\n")
    port = s.camserver(LIVE, user="viewer", password_file=right)
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam",
        '\tusername = "viewer"\n\tpassword_file = "used.secret"\n'))
    watch(mux)
    until(lambda: mux.camera("cam")["reason"].startswith(
        "401: wrong user or password; next try in "), "when it is tried again")
    check(mux.camera("cam")["state"] == "lost", f"{mux.camera('cam')}")


def test_broken_camera_is_left_alone(s):
    """Four answers that are no RTSP, with growing pauses, the next of which is half a minute."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(1)
        mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam"))
        client = watch(mux)
        talks = 0
        for _ in range(40):
            try:
                with server.accept()[0] as talk:
                    talk.sendall(b"220 no camera at all\r\n\r\n")
                    talks += 1
                    talk.settimeout(5)
                    while talk.recv(4096):
                        pass
            except (TimeoutError, ConnectionError):
                pass
            if "; next try in " in mux.camera("cam")["reason"]:
                break
        cam = mux.camera("cam")
        check(cam["reason"].startswith("camera breaks the protocol: ") and
            "; next try in " in cam["reason"], f"{cam}")
        check(talks == 4, f"{talks} connections before it is left alone")
        client.signal(signal.SIGTERM)


def reason_of(s, url, config=""):
    mux = s.mux(camera("cam", url, config))
    watch(mux)
    return until(lambda: mux.camera("cam")["state"] == "lost" and mux.camera("cam")["reason"], "lost")


def test_reason_nobody_listens(s):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))  # and does not listen
        port = server.getsockname()[1]
        reason = reason_of(s, f"rtsp://127.0.0.1:{port}/cam")
    check(reason == f"cannot connect to 127.0.0.1 port {port}: Connection refused", reason)


def test_reason_silence(s):
    """It takes the connection and says nothing: its patience is the configured one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        reason = reason_of(s, f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam", "\tpatience = 2\n")
    check(reason == "no answer to OPTIONS for 2 s", reason)


def test_reason_no_packet(s):
    """A stream that falls silent is stale, with an age that grows, and then lost."""
    clip = harness.make_clip(s.path("clip.h264"), "-c:v", "libx264", "-preset", "ultrafast", "-tune",
        "zerolatency", size="320x240", frames=45)
    port = s.camserver(f"cam=file:path={clip},fps=30,once")
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam", "\tpatience = 4\n"))
    watch(mux, 100000)
    reasons = []

    def lost():
        cam = mux.camera("cam")
        if cam["state"] == "stale":
            reasons.append(float(cam["reason"].split("no new frame for ")[1].split(" s")[0]))
        return cam["state"] == "lost" and cam["reason"]
    reason = until(lost, "lost")
    check(reason.startswith("no packet for 4."), reason)
    check(reasons and reasons == sorted(reasons) and reasons[-1] > reasons[0], f"ages {reasons}")
