"""framemux under real init systems, with the units and service folders that are installed."""
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
ETC = "/usr/local/etc/framemux"
WATCHDOG_S = 4
EXPOSURE = 3.6  # systemd-analyze security; what is open has its reason in the unit


def painted(name, more=""):
    return f'camera "{name}" {{\n\turl = "test:{name}?size=320x240&fps=5"\n{more}}}\n'


@contextlib.contextmanager
def installed(s):
    """A container with framemux installed and not started; two cameras, one with a secret."""
    if is_for_tests(s):
        raise Skipped("a build for tests cannot be installed")
    with Container(s) as c:
        done, _ = make_install(s, "install")
        check(done.returncode == 0, done.stderr)
        subprocess.run(["cp", "-a", s.path("root") + "/usr", c.root], check=True)
        c.write(ETC + "/framemux.conf", painted("porch") + painted("garden") +
            'camera "gate" {\n\turl = "rtsp://127.0.0.1:1/"\n\tusername = "viewer"\n'
            '\tpassword_file = "gate.secret"\n}\n')
        c.write("/etc/gate.secret", "swordfish\n", 0o600)
        c.write(f"/etc/systemd/system/{UNIT}.d/test.conf", f"[Service]\nWatchdogSec={WATCHDOG_S}s\n"
            "LoadCredential=gate.secret:/etc/gate.secret\n")
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
        viewer = Viewer(c, "porch")
        viewer.await_frames(2)
        reloads(c, viewer)
        is_ended_when_it_hangs(c, viewer)
        stops(c)


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


def test_s6_is_told(s):
    """The service folder: ready when it says so, and a clean end."""
    if not shutil.which("s6-supervise"):
        raise Skipped("no s6: apt-get install s6")
    config = s.write("framemux.conf", f'socket = "{s.dir}/client.sock"\n'
        f'control_socket = "{s.dir}/control.sock"\nstate_dir = "{s.dir}/state"\n' + painted("porch"))
    with open(os.path.join(s.build, "data/s6/framemux/run")) as f:
        run = re.sub(r"\S*/sbin/framemuxd", f"{s.program('framemuxd')} -c {config}", f.read())
    folder = s.folder("service")
    with open(os.open(folder + "/run", os.O_WRONLY | os.O_CREAT, 0o755), "w") as f:
        f.write(re.sub(r"\S*/framemux/tokens", s.dir + "/tokens", run))
    shutil.copy(os.path.join(os.path.dirname(__file__), "../../data/s6/framemux/notification-fd"), folder)
    supervisor = Process(s, "s6-supervise", ["s6-supervise", folder],
        env=s.env(FRAMEMUX_ROLEDIR=s.programs))
    s.processes.append(supervisor)
    until(lambda: os.path.exists(folder + "/supervise/control"), "the supervisor")
    subprocess.run(["s6-svwait", "-U", "-t", "20000", folder], check=True)
    status = subprocess.run([s.program("framemuxctl"), "-s", s.dir + "/control.sock", "--json", "status"],
        env=s.env(), capture_output=True, text=True, check=True)
    check(json.loads(status.stdout)["cameras"][0]["name"] == "porch", status.stdout)
    subprocess.run(["s6-svc", "-wD", "-T", "20000", "-d", folder], check=True)
    said = subprocess.run(["s6-svstat", "-o", "exitcode", folder], capture_output=True, text=True)
    check(said.stdout.strip() == "0", f"framemuxd ended with {said.stdout}")
    subprocess.run(["s6-svc", "-x", folder], check=True)
    supervisor.wait(20)
