"""framemux under a real systemd, with the units that are installed."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

from harness import Process, Skipped, check, children_of, until
from container import Container
from test_install import is_for_tests, make_install
from test_revoke import is_blank, keep_ring

UNIT = "framemux.service"
ETC, STATE = "/usr/local/etc/framemux", "/usr/local/var/lib/framemux"
ROOT_KEY = "0123456789abcdefghijklmnopqrstuv"  # any 32 bytes
WATCHDOG_S, NOBODY = 4, "65534"
CONNECTING, LIVE, STALE, LOST = 1, 2, 3, 4  # enum framemux_state
STALE_AFTER_NS = 1000 * 10**6  # stale_after, unless configured
EXPOSURE = 3.4  # systemd-analyze security; what is open has its reason in the unit


def painted(name, more=""):
    return f'camera "{name}" {{\n\turl = "test:{name}?size=320x240&fps=5"\n{more}}}\n'


def install_into(s, c):
    """Into a container that is not begun."""
    if is_for_tests(s):
        raise Skipped("a build for tests cannot be installed")
    done, _ = make_install(s, "install")
    check(done.returncode == 0, done.stderr)
    subprocess.run(["cp", "-a", s.path("root") + "/usr", c.root], check=True)


@contextlib.contextmanager
def installed(s):
    """A container with framemux installed and not started; two cameras, one with a secret."""
    with Container(s) as c:
        install_into(s, c)
        c.write(ETC + "/framemux.conf", painted("porch") + painted("garden") +
            'camera "gate" {\n\turl = "rtsp://127.0.0.1:1/"\n\tusername = "viewer"\n'
            '\tpassword_file = "gate.secret"\n}\n')
        c.write("/etc/gate.secret", "swordfish\n", 0o600)
        c.write("/etc/root.key", ROOT_KEY, 0o600)
        c.write(f"/etc/systemd/system/{UNIT}.d/test.conf", f"[Service]\nWatchdogSec={WATCHDOG_S}s\n"
            "LoadCredential=gate.secret:/etc/gate.secret\n"
            "LoadCredential=root.key:/etc/root.key\n")
        c.boot()
        c.run("ldconfig")
        c.run("systemd-sysusers")
        c.run("systemd-tmpfiles", "--create", "framemux.conf")
        try:
            yield c
        except Exception:
            print(c.run("journalctl", "-b", "-n", "40", "-o", "cat", "-u", "framemux*", code=None))
            raise


class Viewer:
    """A framemux-dump in the container, endless."""

    def __init__(self, c, camera):
        token = c.run("framemuxctl", "grant", "--camera", camera, "--dump").strip()
        self.container, self.name, self.meta_path = c, "the viewer", f"/root/{token[:20]}.meta"
        argv = c.argv(f"FRAMEMUX_TOKEN={token}", "framemux-dump", "-n", "0", "-f", "raw", "-o",
            "/dev/null", "--meta", self.meta_path, camera)
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)
        self.pid = until(lambda: children_of(self.process.pid), self.name)[0]  # nsenter's
        os.setpriority(os.PRIO_PROCESS, self.pid, -10)  # what it misses is not for want of a turn

    def seqs(self):
        try:
            with open(self.container.root + self.meta_path) as f:
                return [json.loads(line)["seq"] for line in f.read().split("\n")[:-1]]
        except FileNotFoundError:
            return []

    def await_frames(self, n):
        until(lambda: len(self.seqs()) >= n, f"{n} frames")

    def wait(self):
        _, text = self.process.communicate(timeout=60)
        return self.process.returncode, text


class Witness:
    """tests/e2e/witness in the container: it comes back by itself, and asks for frames all the time."""

    def __init__(self, s, c, camera):
        token = c.run("framemuxctl", "grant", "--camera", camera).strip()
        real = os.path.join(s.build, "tests/e2e/.libs/witness")
        shutil.copy(real if os.path.exists(real) else os.path.join(s.build, "tests/e2e/witness"),
            c.root + "/usr/local/bin/witness")
        self.process = Process(s, "witness", c.argv(f"FRAMEMUX_TOKEN={token}", "witness", camera))
        s.processes.append(self.process)

    def lines(self):
        return [line.split() for line in self.process.out().split("\n")[:-1]]

    def gaps(self):
        """[(when it was lost, when there was a picture again)]; no picture is old or from before."""
        gaps, lost = [], 0
        for word, *rest in self.lines():
            if word == "STATE":
                state, ns = int(rest[0]), int(rest[1])
                check(state in (CONNECTING, LIVE, STALE, LOST), f"state {rest}")
                lost = lost or (ns if state == LOST else 0)
                continue
            published, asked = int(rest[2]), int(rest[3])
            check(published >= asked - STALE_AFTER_NS, f"a frame that is too old: {rest}")
            check(published > lost, f"a frame from before it was lost: {rest}, {lost}")
            if lost:
                gaps.append((lost, asked))
            lost = 0
        return gaps

    def await_gaps(self, n):
        def over():
            check(self.process.running(), f"the witness ended: {self.process.err()}")
            return len(self.gaps()) >= n and any(l[0] == "FRAME" for l in self.lines()[-1:])
        until(over, f"a picture after {n} interruptions; {self.lines()[-4:]}", 60)
        return self.gaps()


def activate(c):
    """By its sockets; the first who asks is answered."""
    c.run("systemctl", "start", "framemux.socket", "framemux-control.socket")
    check(c.show(UNIT, "ActiveState") == ["inactive"], "started by nobody")
    status = json.loads(c.run("framemuxctl", "--json", "status"))
    check(c.show(UNIT, "ActiveState", "SubState", "StatusText") ==
        ["active", "running", "3 cameras"], f"{c.run('systemctl', 'status', UNIT, code=None)}")
    return status


def test_life(s):
    """Activation, credentials, walls, reload, the watchdog, stop."""
    with installed(s) as c:
        status = activate(c)
        check(status["walls"] == "full", f"the unit takes walls away: {status['missing_walls']}")
        check(not os.path.exists(f"{c.root}{STATE}/root.key"), "the root key is no credential")
        tells_units_apart(c)
        viewer, witness = Viewer(c, "porch"), Witness(s, c, "porch")
        viewer.await_frames(2)
        witness.await_gaps(0)
        reloads(c, viewer)
        check(witness.gaps() == [], "a reload made another's camera dark")
        is_ended_when_it_hangs(c, viewer)
        witness.await_gaps(1)  # with a token of before: the key is the same
        c.run("systemctl", "restart", UNIT)
        witness.await_gaps(2)
        witness.process.signal(signal.SIGTERM)
        stops(c)


def tells_units_apart(c):
    """A right of one unit, used from it and from another by a user of no privilege."""
    token = c.run("framemuxctl", "grant", "--camera", "porch", "--dump", "--uid", NOBODY, "--unit",
        "/system.slice/right.service").strip()
    for unit, code in (("right", 0), ("wrong", 77)):
        c.run("systemd-run", "-q", "--wait", f"--unit={unit}", "-p", "User=nobody", "env",
            f"FRAMEMUX_TOKEN={token}", "/usr/local/bin/framemux-dump", "-f", "raw", "-o", "/dev/null",
            "porch", code=code)


def reloads(c, viewer):
    with open(c.root + ETC + "/framemux.conf") as f:
        config = f.read()
    c.write(ETC + "/framemux.conf", config + "nonsense {\n")
    c.run("systemctl", "reload", UNIT, code=1)
    said = c.run("journalctl", "-b", "-o", "cat", "-u", UNIT)
    check(f"{ETC}/framemux.conf:" in said, f"the journal does not say what is wrong: {said[-500:]}")
    c.write(ETC + "/framemux.conf", config.replace(painted("garden"), painted("attic")))
    c.run("systemctl", "reload", UNIT)
    names = [k["name"] for k in json.loads(c.run("framemuxctl", "--json", "status"))["cameras"]]
    check(names == ["porch", "attic", "gate"], f"{names}")
    seen = len(viewer.seqs())
    viewer.await_frames(seen + 3)
    seqs = viewer.seqs()
    check(seqs == list(range(seqs[0], seqs[-1] + 1)), f"a reload has cost frames: {seqs}")


def is_ended_when_it_hangs(c, viewer):
    """The broker does not answer: everything is ended, blank, and there again."""
    main, = c.show(UNIT, "MainPID")
    ring = keep_ring(viewer)
    broker, = c.find("framemux-broker")
    os.kill(broker, signal.SIGSTOP)
    until(lambda: c.show(UNIT, "NRestarts", "ActiveState") == ["1", "active"], "another life", 60)
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left")
    code, text = viewer.wait()
    check(code == 69, f"the viewer ended with {code}: {text}")
    check(c.show(UNIT, "MainPID") != [main], "it is the same process")
    again = Viewer(c, "porch")
    again.await_frames(2)
    os.kill(again.pid, signal.SIGTERM)
    again.wait()


def stops(c):
    viewer = Viewer(c, "porch")
    viewer.await_frames(1)
    ring = keep_ring(viewer)
    c.run("systemctl", "stop", "framemux.socket", "framemux-control.socket", UNIT)
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left")
    check(viewer.wait()[0] == 69, "the viewer was not told")
    check(c.show(UNIT, "Result", "ExecMainStatus") == ["success", "0"], "no clean end")
    check(not any(c.find(n) for n in ("framemuxd", "framemux-broker", "framemux-decode",
        "framemux-ingest")), "processes are left")


def test_units_are_sound(s):
    """systemd has nothing to say against them, and exposure is what it was."""
    if not shutil.which("systemd-analyze"):
        raise Skipped("no systemd-analyze: apt-get install systemd")
    data = os.path.join(s.build, "data")
    units = [os.path.join(data, n) for n in os.listdir(data) if n.endswith((".service", ".socket"))]
    check(len(units) == 3, f"{units}")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True,
        text=True)
    wrong = [l for l in done.stderr.splitlines() if "framemux" in l and "not executable" not in l]
    check(not wrong, "\n".join(wrong))
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
        os.path.join(data, UNIT)], capture_output=True, text=True)
    level = re.search(r"exposure level.*: ([0-9.]+)", done.stdout)
    check(level and float(level.group(1)) <= EXPOSURE, done.stdout[-2000:] + done.stderr)
