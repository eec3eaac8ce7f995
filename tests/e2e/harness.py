"""What every end-to-end test stands on: a scene with its own folder, camera server, mux and clients.

Everything that a scene starts is a descendant of the test program, which adopts orphans
(PR_SET_CHILD_SUBREAPER): whatever is left when a scene closes is found, and is a failure.
Python's standard library only.
"""
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import pulse

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)

# As root, clients run as these; they need no account.
UID_A, UID_B = 65501, 65502
READY_S = 20    # for a process to say that it is ready
SETTLE_S = 20   # for a condition that must come true
END_S = 10      # for everything to be gone
UNHURRIED_FPS = 5  # of a camera whose every frame is counted: a client that waits for its turn skips none
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer")
ROLES = ("framemux-broker", "framemux-ingest", "framemux-decode")
OPTIONAL = ("framemux-view", "framemux-wall")  # programs that are built where their libraries are


class Failed(Exception):
    """The thing under test did not do what it must."""


class Skipped(Exception):
    """This machine cannot show it; the reason says why."""


def check(condition, what):
    if not condition:
        raise Failed(what)


def machine_stood_still(begin, end):
    """A turn came so late in this time (CLOCK_MONOTONIC, seconds) that a frame may go by unseen."""
    return pulse.longest(begin, end) > 0.5 / UNHURRIED_FPS


def adopt_orphans():
    """For a test program's start: it hears of every descendant, and cleans up when it is ended."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))


def end_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def command_of(pid):
    """The program's name; "" when the process is gone or dead. (A role's exe cannot be read.)"""
    try:
        with open(f"/proc/{pid}/stat") as f:
            head, _, tail = f.read().rpartition(")")
    except OSError:
        return ""
    return "" if tail.split()[0] in "ZX" else head.partition("(")[2]


def not_to_be_seen(pid):
    return Skipped(f"{command_of(pid)} lets nobody look into it, as it must: run as root")


def fds_of(pid):
    """{descriptor: what it is}"""
    fds = {}
    try:
        listed = os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        raise not_to_be_seen(pid) from None
    for fd in listed:
        try:
            fds[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            pass
    return fds


def until(condition, what, seconds=SETTLE_S):
    """The first true value of condition(); there is no event for what another process shows."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Process:
    """A started program; out and err are files in the scene's folder."""

    def __init__(self, scene, name, argv, uid=None, env=None, pass_fds=(), stdout=None):
        self.name, self.argv = name, argv
        self.out_path, self.err_path = scene.path(name + ".out"), scene.path(name + ".err")
        kw = {}
        if uid is not None and os.getuid() == 0:
            kw = {"user": uid, "group": uid, "extra_groups": []}
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout or out,
                stderr=err, env=env, pass_fds=pass_fds, preexec_fn=end_with_parent, **kw)
        self.pid = self.popen.pid

    def wait(self, seconds=60):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end within {seconds} s; it said:\n{self.err()}")

    def expect(self, code, seconds=60):
        got = self.wait(seconds)
        check(got == code, f"{self.name} ended with {got}, not {code}; it said:\n{self.err()}")

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def out(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()

    def err(self):
        with open(self.err_path, errors="replace") as f:
            return f.read()


class Client(Process):
    """A framemux-dump; its frames and meta lines are files in the scene's folder."""

    def __init__(self, scene, name, argv, frames_path, meta_path, **kw):
        super().__init__(scene, name, argv, **kw)
        self.frames_path, self.meta_path = frames_path, meta_path

    def meta(self):
        """The meta lines written so far; a last half line is left out."""
        try:
            with open(self.meta_path) as f:
                return [json.loads(line) for line in f.read().split("\n")[:-1]]
        except FileNotFoundError:
            return []

    def frames(self):
        """Each frame's bytes; all of one size (raw at a fixed geometry)."""
        with open(self.frames_path, "rb") as f:
            data = f.read()
        count = len(self.meta())
        check(count and len(data) % count == 0, f"{len(data)} bytes are not {count} frames")
        size = len(data) // count
        return [data[i * size:(i + 1) * size] for i in range(count)]

    def takes_turns_first(self):
        """What this client misses is not to be for want of a turn; for tests that count frames."""
        if os.getuid() == 0:
            os.setpriority(os.PRIO_PROCESS, self.pid, -10)
        return self

    def check_missed_none(self):
        """Every frame since its first was seen, in order. Its camera is to be UNHURRIED_FPS."""
        meta = self.meta()
        seqs = [m["seq"] for m in meta]
        check(seqs == sorted(set(seqs)), f"{self.name} began anew: {seqs}")
        for before, after in zip(meta, meta[1:]):
            missed = after["seq"] - before["seq"] - 1
            begin, end = before["publish_ns"] / 1e9, after["acquire_ns"] / 1e9
            if missed and not machine_stood_still(begin, end):
                raise Failed(f"{self.name} missed {missed} of {len(seqs)} frames, between\n{before}\n{after}")
            if missed:
                print(f"      NOT JUDGED: {self.name} missed {missed} frames while this machine gave "
                    f"no turn for {pulse.longest(begin, end):.2f} s", flush=True)

    def await_frames(self, n, seconds=SETTLE_S):
        def seen():
            check(self.running() or len(self.meta()) >= n,
                f"{self.name} ended with {self.popen.returncode} before {n} frames:\n{self.err()}")
            return len(self.meta()) >= n
        until(seen, f"{n} frames at {self.name}", seconds)


class Mux:
    def __init__(self, scene, config, verbose=True, uid=None):
        self.scene, self.uid = scene, uid
        home = scene.dir if uid is None else scene.folder("mux", uid)
        self.socket, self.control = (os.path.join(home, n) for n in ("client.sock", "control.sock"))
        self.config_path = scene.write("framemux.conf",
            f'socket = "{self.socket}"\ncontrol_socket = "{self.control}"\n'
            f'state_dir = "{home}/state"\n' + config)
        if uid is not None and os.getuid() == 0:
            os.chown(self.config_path, uid, uid)
        self.count = 0
        self.start(verbose)

    def start(self, verbose=True):
        ready, theirs = os.pipe()
        env = self.scene.env(FRAMEMUX_ROLEDIR=self.scene.programs)
        if self.scene.breakage:
            env["FRAMEMUX_BREAKAGE"] = self.scene.breakage
        argv = [self.scene.program("framemuxd"), "-c", self.config_path,
            "--ready-fd", str(theirs)] + (["-v"] if verbose else [])
        self.process = Process(self.scene, "framemuxd", argv, env=env, pass_fds=(theirs,),
            uid=self.uid)
        os.close(theirs)
        self.scene.processes.append(self.process)
        try:
            if not select.select([ready], [], [], READY_S)[0] or os.read(ready, 1) != b"\n":
                raise Failed(f"framemuxd is not ready:\n{self.log()}")
        finally:
            os.close(ready)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.process.err()

    def roles(self, name):
        return [p for p in children_of(self.pid) if command_of(p) == name]

    def ctl(self, *args, code=0):
        """framemuxctl's standard output, when it ended with code."""
        argv = [self.scene.program("framemuxctl"), "-s", self.control, *args]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env=self.scene.env(), timeout=30)
        check(done.returncode == code, f"framemuxctl {' '.join(args)}: {done.returncode}, not "
            f"{code}\n{done.stderr}{done.stdout}")
        return done.stdout

    def status(self):
        return json.loads(self.ctl("--json", "status"))

    def recorded(self, event):
        """The records of this kind, as the audit log has them."""
        lines = (json.loads(line) for line in self.ctl("--json", "audit").splitlines())
        return [r for r in lines if r["event"] == event]

    def camera(self, name):
        return next(c for c in self.status()["cameras"] if c["name"] == name)

    def grant(self, camera, *args, uid=None, dump=True):
        """A token for clients that run as uid."""
        args = list(args)
        if uid is not None and os.getuid() == 0:
            args += ["--uid", str(uid)]
        if dump:
            args.append("--dump")
        return self.ctl("grant", "--camera", camera, *args).strip()

    def dump(self, camera, token, *args, uid=None, frames=1, form="raw",
            out_name="frames"):
        """A running framemux-dump. token None: it has none."""
        self.count += 1
        name = f"dump{self.count}"
        folder = self.scene.folder(name, uid)
        out, meta = os.path.join(folder, out_name), os.path.join(folder, "meta")
        env = self.scene.env(FRAMEMUX_SOCKET=self.socket)
        if token is not None:
            env["FRAMEMUX_TOKEN"] = token
        if self.scene.client_breakage:
            env["FRAMEMUX_BREAKAGE"] = self.scene.client_breakage
        argv = [self.scene.program("framemux-dump"), "-n", str(frames), "-f", form, "-o", out,
            "--meta", meta, *args, camera]
        client = Client(self.scene, name, argv, out, meta, uid=uid, env=env)
        self.scene.processes.append(client)
        return client

    def stop(self, code=0):
        self.process.signal(signal.SIGTERM)
        self.process.expect(code, END_S)


class Scene:
    """One test's folder and everything it starts. Used in a `with`."""

    def __init__(self, build, programs, keep=False):
        self.build, self.programs, self.keep = os.path.abspath(build), programs, keep
        self.dir = tempfile.mkdtemp(prefix="framemux-e2e-")
        os.chmod(self.dir, 0o755)  # clients of other uids reach the socket in it
        self.processes = []
        self.fds_before = set(fds_of(os.getpid()).values())
        self.servers = 0
        self.breakage = self.client_breakage = ""  # what the mux and its clients are to do wrong

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
            f.write(text)
        return path

    def folder(self, name, uid=None):
        path = self.path(name + ".d")
        os.mkdir(path)
        if uid is not None and os.getuid() == 0:
            os.chown(path, uid, uid)
        return path

    def env(self, **more):
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": self.programs,
            # A process that cannot be traced cannot look for its own leaks.
            "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
        env.update(more)
        return env

    def program(self, name):
        return os.path.join(self.programs, name)

    def camserver(self, *specs, **options):
        """Starts a camera server and returns its port."""
        program = os.path.join(self.build, "tests/e2e/camserver")
        if not os.path.exists(program):
            raise Skipped("no camserver: built without gst-rtsp-server")
        self.servers += 1
        name = f"camserver{self.servers}"
        argv = [program]
        for key, value in options.items():
            argv += ["--" + key.replace("_", "-"), str(value)]
        ready, theirs = os.pipe()
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        process = Process(self, name, argv + list(specs), env=env, stdout=theirs)
        os.close(theirs)
        self.processes.append(process)
        with open(ready) as f:
            check(select.select([f], [], [], READY_S)[0], "camserver is not ready")
            line = f.readline()
        check(line.startswith("READY "), f"camserver: {process.err()}")
        process.port = int(line.split()[1])
        return process.port

    def mux(self, config, **kw):
        return Mux(self, config, **kw)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        problems = self.close(kind is None)
        if kind is not None or problems:
            text = str(value or "")
            if kind not in (None, Failed, Skipped):
                text = "".join(traceback.format_exception(kind, value, trace))
            logs = "" if kind is Skipped else self.logs()
            if self.keep:
                print(f"      kept: {self.dir}")
            else:
                shutil.rmtree(self.dir, ignore_errors=True)
            if kind is Skipped or kind and not issubclass(kind, Exception):
                return False
            raise Failed("\n".join(filter(None, [text.strip(), *problems, logs])))
        shutil.rmtree(self.dir, ignore_errors=True)
        return False

    def logs(self):
        text = ""
        for p in self.processes:
            tail = p.err().strip().split("\n")[-15:]
            if tail != [""]:
                text += f"--- {p.name}\n" + "\n".join(tail) + "\n"
        return text

    def close(self, went_well):
        """Ends everything, politely first; says what was not as it must be."""
        problems = []
        for p in reversed(self.processes):
            if not p.running():
                continue
            p.signal(signal.SIGCONT)
            p.signal(signal.SIGTERM)
            try:
                code = p.popen.wait(END_S)
                if p.name == "framemuxd" and code != 0:
                    problems.append(f"framemuxd ended with {code} at SIGTERM")
            except subprocess.TimeoutExpired:
                problems.append(f"{p.name} does not end at SIGTERM")
                p.popen.kill()
                p.popen.wait()
        problems += self.reap_orphans()
        for p in self.processes:
            text = p.err()
            problems += [f"{p.name}: {m}" for m in SANITIZER_MARKS if m in text]
        left = set(fds_of(os.getpid()).values()) - self.fds_before
        left = {x for x in left if not x.startswith("/proc/")}
        if went_well and left:
            problems.append(f"descriptors left open by the test itself: {left}")
        return problems

    def reap_orphans(self):
        """Nothing may outlive framemuxd and the clients; waits a moment for their ends."""
        deadline = time.monotonic() + END_S
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return []
            if pid == 0:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.01)
        left = children_of(os.getpid())
        names = [f"{command_of(p)} ({p})" for p in left]
        for p in left:
            os.kill(p, signal.SIGKILL)
            os.waitpid(p, 0)
        return [f"still running: {', '.join(names)}"]


def run_one(name, function, build, programs, keep):
    """The outcome, which it says, too: "PASS", "SKIP" or "FAIL"."""
    start = time.monotonic()
    text = ""
    try:
        with Scene(build, programs, keep) as scene:
            function(scene)
        outcome = "PASS"
    except Skipped as e:
        outcome, text = "SKIP", str(e)
    except Failed as e:
        outcome, text = "FAIL", str(e)
    except Exception:
        outcome, text = "FAIL", traceback.format_exc()
    print(f"{outcome}  {name} ({time.monotonic() - start:.1f} s)", flush=True)
    if text:
        print("      " + text.strip().replace("\n", "\n      "), flush=True)
    return outcome


def stage_programs(build, folder):
    """Copies the programs and the library to where every uid can read them."""
    for name in ("framemuxd", "framemuxctl", "framemux-dump", *ROLES, "framemux-resolve", *OPTIONAL):
        real = os.path.join(build, ".libs", name)
        if not os.path.exists(real):
            real = os.path.join(build, name)
        if name in OPTIONAL and not os.path.exists(real):
            continue
        shutil.copy(real, os.path.join(folder, name))
        os.chmod(os.path.join(folder, name), 0o755)
    libs = os.path.join(build, ".libs")
    for name in os.listdir(libs):
        if name.startswith("libframemux.so"):
            shutil.copy(os.path.join(libs, name), os.path.join(folder, name), follow_symlinks=False)
    os.chmod(folder, 0o755)


def make_clip(path, *encoder, size="640x360", frames=60, rate=30, source="testsrc2"):
    """A clip of a moving test picture, encoded by ffmpeg."""
    run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"{source}=size={size}:rate={rate}",
        "-frames:v", str(frames), "-pix_fmt", "yuv420p", *encoder, "-y", path])
    return path


def frame_hashes(path, *options):
    """The MD5 of each frame as ffmpeg decodes the file, in order."""
    text = run(["ffmpeg", "-v", "error", *options, "-i", path, "-map", "0:v:0", "-fps_mode",
        "passthrough", "-f", "framemd5", "-"])
    return hashes_of_framemd5(text)


def hashes_of_framemd5(text):
    return [line.split(",")[-1].strip() for line in text.splitlines() if not line.startswith("#")]


def run(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120)
    check(done.returncode == 0, f"{argv[0]}: {done.stderr}")
    return done.stdout
