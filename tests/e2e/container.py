"""A real systemd as process 1 of a container on this machine: its files are this machine's own, seen
through an overlay that forgets what is written, its processes are visible from outside."""
import os
import shutil
import subprocess
import tempfile
import time

from harness import Skipped, check, children_of, command_of, until

UP_S = 60  # to be up, also on a busy machine
# What a machine would do at its start and has no use here.
LEFT_OUT = ("systemd-modules-load.service", "systemd-remount-fs.service", "systemd-udevd.service",
    "systemd-timesyncd.service", "systemd-resolved.service", "getty.target", "remote-fs.target")
GROUPS = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup")


def needed():
    if os.getuid():
        raise Skipped("a container needs root")
    for program in ("systemd-nspawn", "nsenter", "mount"):
        if not shutil.which(program):
            raise Skipped(f"no {program}: apt-get install systemd-container")
    if not os.path.exists("/lib/systemd/systemd"):
        raise Skipped("no systemd: apt-get install systemd")


class Container:
    """Used in a `with`."""

    def __init__(self, scene):
        needed()
        self.base = tempfile.mkdtemp(prefix="framemux-container-", dir="/run")
        self.root, self.name = os.path.join(self.base, "root"), os.path.basename(self.base)
        self.log_path = scene.path("container.log")
        self.mounted, self.nspawn, self.leader = [], None, 0

    def mount(self, *args):
        done = subprocess.run(["mount", *args], capture_output=True, text=True)
        if done.returncode:
            raise Skipped(f"no overlay of this machine's files: {done.stderr.strip()}")
        self.mounted.append(args[-1])

    def groups(self):
        return [os.path.join(g, self.name) for g in GROUPS if os.path.exists(g + "/cgroup.procs")]

    def __enter__(self):
        try:
            self.mount("-t", "tmpfs", "framemux", self.base)
            for name in ("up", "work", "root"):
                os.mkdir(os.path.join(self.base, name))
            self.mount("-t", "overlay", "-o", f"lowerdir=/,upperdir={self.base}/up,"
                f"workdir={self.base}/work", "overlay", self.root)
        except Skipped:
            self.__exit__()
            raise
        return self

    def boot(self):
        """The files are as they are to be: start it."""
        def group():
            for g in self.groups():
                os.makedirs(g, exist_ok=True)
                with open(g + "/cgroup.procs", "w") as f:
                    f.write(str(os.getpid()))
        argv = ["systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no", "--keep-unit",
            f"--machine=framemux-{os.getpid()}", "--console=pipe", "--private-network", "--link-journal=no",
            "--system-call-filter=@known", "systemd.unit=basic.target",
            *(f"systemd.mask={u}" for u in LEFT_OUT)]
        with open(self.log_path, "wb") as log:
            self.nspawn = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=group, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_LOCK": "0"})
        deadline = time.monotonic() + UP_S
        while self.state() not in ("running", "degraded"):
            if self.nspawn.poll() is not None or time.monotonic() > deadline:
                with open(self.log_path, errors="replace") as log:
                    raise Skipped("no systemd in a container here: " + log.read()[-400:])
            time.sleep(0.05)

    def hold(self):
        """Without an init system of its own: a process holds the namespaces and reaps what is left."""
        # Not chroot: in one a process cannot have a user namespace of its own.
        script = ('mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && '
            'mount --rbind /dev dev && mount -t tmpfs run run && pivot_root . mnt && '
            'umount -l /mnt && exec env --ignore-signal=CHLD sleep infinity')
        with open(self.log_path, "wb") as log:
            self.nspawn = subprocess.Popen(["unshare", *"--mount --pid --ipc --uts --net --fork "
                "--kill-child".split(), "sh", "-c", script, self.root], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        def is_there():
            check(self.nspawn.poll() is None, f"no namespaces: {open(self.log_path).read()}")
            return [p for p in children_of(self.nspawn.pid) if command_of(p) == "sleep"]
        self.leader, = until(is_there, "a process in namespaces of its own")

    def state(self):
        self.leader = next((p for p in children_of(self.nspawn.pid)
            if command_of(p) == "systemd"), 0)
        return self.run("systemctl", "is-system-running", code=None).strip() if self.leader else ""

    def argv(self, *argv):
        return ["nsenter", "-t", str(self.leader), *"-m -u -i -n -p -C -r -w".split(), "env", "-i",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
            *argv]

    def run(self, *argv, code=0):
        done = subprocess.run(self.argv(*argv), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60)
        check(code is None or done.returncode == code,
            f"{' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def show(self, unit, *names):
        """The values of a unit's properties."""
        text = self.run("systemctl", "show", unit, *(f"--property={n}" for n in names))
        found = dict(line.split("=", 1) for line in text.splitlines())
        return [found[n] for n in names]

    def write(self, path, text, mode=0o644):
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
            f.write(text)

    def put(self, path, text, mode="0644"):
        """The same while it runs; its /run and /tmp are its own."""
        subprocess.run(self.argv("install", "-D", "-m", mode, "/dev/stdin", path), input=text,
            text=True, check=True, timeout=60)

    def find(self, name):
        """Process ids, as seen from outside."""
        found, todo = [], [self.leader]
        while todo:
            pid = todo.pop()
            todo += children_of(pid)
            if command_of(pid) == name[:15]:
                found.append(pid)
        return found

    def __exit__(self, *_):
        if self.nspawn:
            for pid in (self.leader, self.nspawn.pid):
                if pid and self.nspawn.poll() is None:
                    os.kill(pid, 9)
            self.nspawn.wait()
        for place in reversed(self.mounted):
            subprocess.run(["umount", "-l", place], check=True)
        os.rmdir(self.base)
        for group in self.groups():
            if os.path.isdir(group):
                until(lambda: not self.remove(group), "the container's control group to be empty")

    def remove(self, group):
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return "busy"
        return ""
