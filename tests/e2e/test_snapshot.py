"""framemuxctl snapshot: a picture that came after it was asked for, whole, or none."""
import json
import os
import signal
import subprocess
import time

import pattern
from harness import check, until
from test_frames import camera, read_png
from test_refusals import TWO


def snapshot(mux, name, token, *args, code=0, env=(), **kw):
    s = mux.scene
    argv = [s.program("framemuxctl"), "-s", mux.control, "snapshot", name, *args]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
        env=s.env(FRAMEMUX_TOKEN=token, **dict(env)), **kw)
    check(done.returncode == code, f"snapshot {name}: {done.returncode}, not {code}: {done.stderr}")
    check(code == 0 or done.stderr.strip(), "it does not say why")
    return done.stdout


def shows(path, name):
    width, height, rows = read_png(path)
    check((width, height) == (320, 240), f"{width}x{height}")
    greens = b"".join(row[1::3] for row in rows)
    check(pattern.read(greens, 320) >> 10 == pattern.code(name, 0) >> 10, f"another camera than {name}")


def test_fresh_and_whole(s):
    mux = s.mux(TWO)
    token, path = mux.grant("porch"), s.path("shot.png")
    before = time.monotonic_ns()
    said = json.loads(snapshot(mux, "porch", token, "-o", path, "--json"))
    check(before < said["asked_ns"] <= said["arrival_ns"] < time.monotonic_ns(), f"not fresh: {said}")
    check(said["camera"] == "porch" and said["file"] == path and said["width"] == 320, said)
    shows(path, "porch")
    check(os.stat(path).st_mode & 0o777 == 0o600, "others may read it")
    with open(s.path("out.png"), "wb") as f:
        f.write(snapshot(mux, "porch", token))
    shows(s.path("out.png"), "porch")
    until(lambda: len(mux.recorded("close")) == 2, "both leases have ended")
    opened = mux.recorded("open")[0]
    check(opened["dump"] and opened["lease"] == said["lease"], f"not recorded as what it is: {opened}")
    # The socket that a person names wins over the one beside the control socket.
    snapshot(mux, "porch", token, code=69, env={"FRAMEMUX_SOCKET": s.path("none")})


def test_none_at_all(s):
    """Refused, lost, silent, disabled: each has its exit code, and an older file stays."""
    mux = s.mux(TWO + camera("away", "rtsp://127.0.0.1:9/x"))
    token, path = mux.grant("porch"), s.write("old.png", "an older one")
    for name, key, code in (("porch", mux.grant("porch", dump=False), 77), ("garden", token, 77),
            ("nowhere", token, 77), ("away", mux.grant("away"), 69)):
        snapshot(mux, name, key, "-o", path, code=code)
    silent = mux.dump("porch", token, frames=1000)
    silent.await_frames(1)
    os.kill(mux.roles("framemux-ingest")[0], signal.SIGSTOP)
    until(lambda: mux.camera("porch")["state"] == "stale", "no new frame")
    snapshot(mux, "porch", token, "--timeout", "1", "-o", path, code=75)
    mux.ctl("disable", "--camera", "porch")
    snapshot(mux, "porch", token, "-o", path, code=69)
    for wrong in (["--json"], ["--timeout", "0"], ["--camera", "x"], ["another"]):
        snapshot(mux, "porch", token, *wrong, code=64)
    snapshot(mux, "porch", "no token", code=65)
    mux.ctl("snapshot", code=64)
    with open(path) as f:
        check(f.read() == "an older one", "it is gone")
    left = [n for n in os.listdir(s.dir) if n.startswith("old.png.")]
    check(not left, f"left behind: {left}")


def test_no_standard_output(s):
    """What was to be printed goes nowhere else, to the mux's socket least of all, and that is said."""
    mux = s.mux(TWO)
    for word in ("status", "grant --camera porch", "key show", "--json revoke --camera porch", "audit",
            "enable --camera porch", "--help", "--version"):
        for close in (1, None):
            argv = [s.program("framemuxctl"), "-s", mux.control, *word.split()]
            with open("/dev/full", "wb") as full:
                done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, timeout=30,
                    env=s.env(), check=False, preexec_fn=(lambda: os.close(1)) if close else None)
            check(done.returncode == 74 and b"cannot write" in done.stderr,
                f"{word}: {done.returncode}, {done.stderr}")


def test_where_it_cannot_be_written(s):
    mux = s.mux(TWO)
    token, path = mux.grant("porch"), s.write("old.png", "an older one")
    os.symlink(path, s.path("link"))
    os.mkfifo(s.path("fifo"))
    for where in (s.path("link"), s.dir, s.path("fifo")):
        snapshot(mux, "porch", token, "-o", where, code=73)
    snapshot(mux, "porch", token, "-o", s.path("no/such/folder.png"), code=73)

    def limit():
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    snapshot(mux, "porch", token, "-o", path, code=74, preexec_fn=limit)
    with open(path) as f:
        check(f.read() == "an older one", "half of a picture stands in its place")
    check(not [n for n in os.listdir(s.dir) if n.startswith("old.png.")], "left behind")
    leader, terminal = os.openpty()
    argv = [s.program("framemuxctl"), "-s", mux.control, "snapshot", "porch"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.PIPE,
        env=s.env(FRAMEMUX_TOKEN=token), timeout=30, check=False)
    os.close(leader)
    os.close(terminal)
    check(done.returncode == 64 and b"terminal" in done.stderr, done.stderr)
