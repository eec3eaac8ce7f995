"""framemux under s6, runit and OpenRC, with the service folders and the script that are installed, and
with sockets that somebody else listens on."""
import json
import os
import re
import shutil
import signal
import subprocess

from harness import Mux, Process, Skipped, check, until
from container import Container
from test_init import ETC, Viewer, install_into, painted
from test_revoke import is_blank, keep_ring

# What OpenRC makes when it boots a machine.
OPENRC_FOLDERS = ("daemons", "exclusive", "failed", "inactive", "options", "started", "starting",
    "stopping", "tmp", "wasinactive")
ROLES = ("framemuxd", "framemux-broker", "framemux-ingest", "framemux-decode")


def needed(program, package):
    if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
        raise Skipped(f"no {program}: apt-get install {package}")


def service(s, name, *files):
    """The service folder as it is built, for a mux in the scene's own folder."""
    config = s.write("framemux.conf", f'socket = "{s.dir}/client.sock"\n'
        f'control_socket = "{s.dir}/control.sock"\nstate_dir = "{s.dir}/state"\n' + painted("porch"))
    folder = s.folder("service")
    for file in files:
        with open(os.path.join(s.build, "data", name, "framemux", file)) as f:
            text = f.read()
        for pattern, here in ((r"\S*/sbin/framemuxd", f"{s.program('framemuxd')} -c {config}"),
                (r"\S*/bin/framemuxctl", f"{s.program('framemuxctl')} -s {s.dir}/control.sock"),
                (r"\S*/framemux/tokens", s.dir + "/tokens"), (r"[^\s=]*/log/framemux", s.dir + "/log")):
            text = re.sub(pattern, here, text)
        path = os.path.join(folder, file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o755), "w") as f:
            f.write(text)
    return folder


def supervise(s, program, folder):
    supervisor = Process(s, program, [program, folder], env=s.env(FRAMEMUX_ROLEDIR=s.programs))
    s.processes.append(supervisor)
    until(lambda: os.path.exists(folder + "/supervise/control"), "the supervisor")
    return supervisor


def camera_names(s):
    argv = [s.program("framemuxctl"), "-s", s.dir + "/control.sock", "--json", "status"]
    done = subprocess.run(argv, env=s.env(), capture_output=True, text=True, check=True, timeout=30)
    return [c["name"] for c in json.loads(done.stdout)["cameras"]]


def test_s6_is_told(s):
    """Ready when it says so, and a clean end."""
    needed("s6-supervise", "s6")
    folder = service(s, "s6", "run")
    shutil.copy(os.path.join(os.path.dirname(__file__), "../../data/s6/framemux/notification-fd"), folder)
    supervisor = supervise(s, "s6-supervise", folder)
    subprocess.run(["s6-svwait", "-U", "-t", "20000", folder], check=True)
    check(camera_names(s) == ["porch"], "its cameras")
    subprocess.run(["s6-svc", "-wD", "-T", "20000", "-d", folder], check=True)
    said = subprocess.run(["s6-svstat", "-o", "exitcode", folder], capture_output=True, text=True)
    check(said.stdout.strip() == "0", f"framemuxd ended with {said.stdout}")
    subprocess.run(["s6-svc", "-x", folder], check=True)
    supervisor.wait(20)


def sv(s, command, folder, code=0):
    done = subprocess.run(["sv", "-w", "20", command, folder], capture_output=True, text=True, env=s.env())
    check(done.returncode == code, f"sv {command}: {done.returncode} {done.stdout}")
    return done.stdout


def test_runit_waits(s):
    """sv start comes back when the mux answers; its log is kept; it is started again; a clean end."""
    needed("runsv", "runit")
    folder = service(s, "runit", "run", "check", "log/run")
    open(folder + "/down", "w").close()
    supervisor = supervise(s, "runsv", folder)
    check(subprocess.run([folder + "/check"], env=s.env()).returncode != 0, "nothing is there yet")
    sv(s, "start", folder)
    check(subprocess.run([folder + "/check"], env=s.env()).returncode == 0, "sv waits for more")
    check(camera_names(s) == ["porch"], "its cameras")
    with open(folder + "/supervise/pid") as f:
        first = int(f.read())
    os.kill(first, signal.SIGKILL)
    until(lambda: f"pid {first})" not in sv(s, "status", folder), "another life")
    sv(s, "start", folder)
    check(camera_names(s) == ["porch"], "its cameras in another life")
    sv(s, "stop", folder)
    check(not os.path.exists(s.dir + "/client.sock"), "not ended by itself: its socket is left")
    def kept():
        with open(s.dir + "/log/current") as f:
            return f.read()
    until(lambda: kept().count("framemuxd: ready") == 2, "both lives in the log")
    check("ending: signal 15" in kept(), f"how it ended is not in the log: {kept()[-400:]}")
    check(os.stat(s.dir + "/log").st_mode & 0o777 == 0o750, "who may read the log")
    sv(s, "exit", folder)
    supervisor.wait(20)


def openrc(c, command, code=0):
    return c.run("sh", "-c", f"exec rc-service framemux {command} 2>&1", code=code)


def test_openrc(s):
    """Start, status, reload, another life, stop, with OpenRC's own programs."""
    needed("openrc-run", "openrc")
    with Container(s) as c:
        install_into(s, c)
        c.write(ETC + "/framemux.conf", painted("porch"))
        script = "/usr/local/share/framemux/init/openrc/framemux"
        subprocess.run(["cp", c.root + script, c.root + "/etc/init.d/framemux"], check=True)
        if not os.path.exists("/etc/init.d/localmount"):  # Debian's OpenRC has it by another name
            c.write("/etc/init.d/localmount", "#!/sbin/openrc-run\nstart() {\n\t:\n}\n", 0o755)
        c.hold()
        c.run("ldconfig")
        c.run("mkdir", "-p", *(f"/run/openrc/{name}" for name in OPENRC_FOLDERS))
        c.run("touch", "/run/openrc/softlevel")
        c.write(ETC + "/framemux.conf", "nonsense {\n")
        said = openrc(c, "start", code=1)
        check(f"{ETC}/framemux.conf:1:" in said, f"what is wrong is not said: {said}")
        check(not c.find("framemuxd"), "started with a configuration that is wrong")
        c.write(ETC + "/framemux.conf", painted("porch"))
        openrc(c, "start")  # it is back when the mux answers
        status = json.loads(c.run("framemuxctl", "--json", "status"))
        check(status["walls"] == "full", f"{status['missing_walls']}")
        viewer = Viewer(c, "porch")
        viewer.await_frames(2)
        openrc_reloads(c)
        openrc_starts_again(c, viewer)
        openrc_stops(c)


def openrc_reloads(c):
    c.write(ETC + "/framemux.conf", painted("porch") + painted("garden"))
    openrc(c, "reload")
    names = [k["name"] for k in json.loads(c.run("framemuxctl", "--json", "status"))["cameras"]]
    check(names == ["porch", "garden"], f"{names}")
    c.write(ETC + "/framemux.conf", "nonsense {\n")
    openrc(c, "reload", code=78)
    c.write(ETC + "/framemux.conf", painted("porch"))


def openrc_starts_again(c, viewer):
    first, = c.find("framemuxd")
    os.kill(first, signal.SIGKILL)
    check(viewer.wait()[0] == 69, "the viewer was not told")
    until(lambda: c.find("framemuxd") not in ([], [first]), "another life")
    until(lambda: c.run("framemuxctl", "status", code=None), "it to answer")
    openrc(c, "status")


def openrc_stops(c):
    viewer = Viewer(c, "porch")
    viewer.await_frames(1)
    ring = keep_ring(viewer)
    openrc(c, "stop")
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left")
    check(viewer.wait()[0] == 69, "the viewer was not told")
    check(not any(c.find(n) for n in ROLES), "processes are left")
    openrc(c, "status", code=3)


class Activated(Mux):
    """Its sockets were there before it, and it comes when somebody asks."""

    names = "client:control"

    def start(self, verbose=True):
        s = self.scene
        argv = ["systemd-socket-activate", "--seqpacket", "-l", self.socket, "-l", self.control,
            *(["--fdname=" + self.names] if self.names else []),
            *(f"--setenv={n}={v}" for n, v in s.env(FRAMEMUX_ROLEDIR=s.programs).items()),
            s.program("framemuxd"), "-v", "-c", self.config_path]
        self.process = Process(s, "framemuxd", argv, env=s.env())
        s.processes.append(self.process)
        until(lambda: self.log().count("Listening on") == 2, "its listeners")


class Misnamed(Activated):
    names = "clients:control"


class Unnamed(Activated):
    names = ""


class OpenToAll(Activated):
    def start(self, verbose=True):
        super().start(verbose)
        os.chmod(self.control, 0o666)


def activated(s, kind, config=""):
    needed("systemd-socket-activate", "systemd")
    return kind(s, painted("porch") + config)


def test_sockets_of_another(s):
    """systemd-socket-activate: whoever connects first starts it and is answered."""
    mux = activated(s, Activated)
    check("framemuxd" not in mux.log(), "started by nobody")
    check([c["name"] for c in mux.status()["cameras"]] == ["porch"], "its cameras")
    mux.dump("porch", mux.grant("porch")).expect(0)
    check(os.path.exists(mux.control + ".kill"), "no kill switch beside the control socket")
    mux.stop()
    check(os.path.exists(mux.socket) and os.path.exists(mux.control), "removed what it did not make")
    check(not os.path.exists(mux.control + ".kill"), "left what it made")


def refuses_sockets(s, kind, words):
    mux = activated(s, kind)
    argv = [s.program("framemuxctl"), "-s", mux.control, "status"]
    done = subprocess.run(argv, env=s.env(), capture_output=True, text=True, timeout=30)
    check(done.returncode == 69, f"answered: {done}")
    mux.process.expect(73)
    check(words in mux.log(), f"{words!r} is not said: {mux.log()}")


TESTS = [
    ("sockets under other names", lambda s: refuses_sockets(s, Misnamed, "none of client and control")),
    ("sockets without names", lambda s: refuses_sockets(s, Unnamed, "without names")),
    ("a control socket for everybody", lambda s: refuses_sockets(s, OpenToAll, "everybody may use")),
]
