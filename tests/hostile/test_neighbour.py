"""REDTEAM 37 to 39: another local user, and what is left of a role that crashed."""
import glob
import json
import os
import resource
import shutil
import signal

import harness
import table
import takeover
from harness import UID_A, UID_B, UNHURRIED_FPS, Skipped, check, children_of, command_of, until
from test_frames import camera
from test_memory import UNHURRIED, watching
from test_walls import needs_root, status_of

PASSWORD = "correct-horse-7f3a"
# Run as the intruder; says as JSON which attempts came to something.
INTRUDER = r"""
import ctypes, errno, json, os, resource, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
ATTACH, DETACH, SEIZE, PIDFD_OPEN, PIDFD_GETFD, VM_READV = 16, 17, 0x4206, 434, 438, 310
done = []

def syscall(what, pid, *args):
    if libc.syscall(*args) >= 0:
        done.append(f"{what} {pid}")

for pid in map(int, sys.argv[2:]):
    for name in ("environ", "maps", "smaps", "auxv", "syscall", "stack", "pagemap", "wchan",
            "personality", "io", "fd/3", "map_files", "task/%d/mem" % pid):
        try:
            path = f"/proc/{pid}/{name}"
            got = os.listdir(path) if name == "map_files" else open(path, "rb").read(64)
            if got and got != b"0":
                done.append(f"{name} {pid}")
        except OSError:
            pass
    try:
        first = int(open(f"/proc/{pid}/maps").read().split("-")[0], 16)
    except OSError:
        first = 0x400000
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as f:
            f.seek(first)
            done.append(f"mem {pid}") if f.read(8) else None
    except OSError:
        pass
    for name in ("fd", "ns", "cwd", "exe", "root"):
        try:
            path = f"/proc/{pid}/{name}"
            done.append(f"{name} {pid}: " + (str(os.listdir(path)) if name == "fd" else
                os.readlink(path if name != "ns" else path + "/net")))
        except OSError:
            pass
    for request in (ATTACH, SEIZE):
        if libc.ptrace(request, pid, 0, 0) == 0:
            done.append(f"ptrace {pid}")
            os.waitpid(pid, 0x40000000) if request == ATTACH else None
            libc.ptrace(DETACH, pid, 0, 0)
    pidfd = libc.syscall(PIDFD_OPEN, pid, 0)
    for fd in range(8):
        syscall("pidfd_getfd", pid, PIDFD_GETFD, pidfd, fd, 0)
    buf = ctypes.create_string_buffer(16)
    iov = (ctypes.c_size_t * 2)(ctypes.addressof(buf), 16)
    far = (ctypes.c_size_t * 2)(0x400000, 16)
    syscall("process_vm_readv", pid, VM_READV, pid, ctypes.byref(iov), 1, ctypes.byref(far), 1, 0)
    if sys.argv[1] == "another":
        for number in (0, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV):
            try:
                os.kill(pid, number)
                done.append(f"signal {number} {pid}")
            except PermissionError:
                pass
        try:
            resource.prlimit(pid, resource.RLIMIT_CORE, (-1, -1))
            done.append(f"prlimit {pid}")
        except PermissionError:
            pass
        try:
            os.sched_setaffinity(pid, {0})
            done.append(f"affinity {pid}")
        except PermissionError:
            pass
        try:
            os.setpriority(os.PRIO_PROCESS, pid, 19)
            done.append(f"priority {pid}")
        except PermissionError:
            pass
print(json.dumps(done))
"""


def intrude(s, name, uid, kind, pids):
    python = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin")  # one that others may run
    intruder = harness.Process(s, name, [python, "-c", INTRUDER, kind, *map(str, pids)], uid=uid)
    intruder.expect(0)
    return json.loads(intruder.out())


@table.row(37, "ptrace, /proc, pidfd_getfd, signals, prlimit by other users and role uids", "nothing")
def test_other_users_reach_nothing(s):
    """37 and 38: from another uid, and (looking only) from the roles' own."""
    needs_root()
    mux, clients = watching(s, config=UNHURRIED)
    pids = [mux.pid, *children_of(mux.pid)]
    uids = {int(status_of(p)["Uid"].split()[0]) for p in pids[1:]}
    check(len(uids) == 3, f"a broker and two pairs, not {uids}")
    got = intrude(s, "another", UID_A, "another", pids)
    print(f"      37, 38  from another uid: {got or 'nothing'}", flush=True)
    check(not got, f"from uid {UID_A}: {got}")
    for uid in uids:
        got = intrude(s, f"own{uid}", uid, "own", pids)
        print(f"      37      from the role's uid {uid}: {got or 'nothing'}", flush=True)
        check(not got, f"from uid {uid}: {got}")
    for client in clients:
        client.await_frames(len(client.meta()) + 2)
        client.check_missed_none()


def test_the_intruder_would_see(s):
    """The attempts work where they may: on a process of the intruder's own."""
    needs_root()
    sleeper = harness.Process(s, "sleeper", ["sleep", "60"], uid=UID_A)
    got = intrude(s, "another", UID_A, "own", [sleeper.pid])
    sleeper.signal(signal.SIGKILL)
    sleeper.wait()
    for what in ("mem", "environ", "maps", "fd", "ptrace", "pidfd_getfd", "exe"):
        check(any(g.startswith(what + " ") for g in got), f"{what} was not got: {got}")


def memory_with(pid, needles):
    """Which of the needles are somewhere in the process's memory."""
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            if rights[0] != "r" or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            first, end = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(first)
                data = mem.read(end - first)
            except (OSError, ValueError, OverflowError):
                continue
            found |= {n for n, needle in needles.items() if data and needle in data}
    return found


@table.row(37, "search every process, log and file for password and root key", "where they belong")
def test_secrets_are_where_they_belong(s):
    """37: the password in framemuxd only, the root key there and in the broker; neither anywhere else."""
    needs_root()
    secret = s.write("cam.secret", PASSWORD + "\n")
    port = s.camserver("cam=live:size=320x240,fps=5", user="viewer", password_file=secret)
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam",
        f'\tusername = "viewer"\n\tpassword_file = "{secret}"\n'))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(2)
    with open(s.path("state/root.key"), "rb") as f:
        root = f.read()
    check(len(root) >= 32, f"the root key has {len(root)} bytes")
    needles = {"password": PASSWORD.encode(), "root key": root[-32:]}
    wanted = {"framemuxd": {"password", "root key"}, "framemux-broker": {"root key"},
        "framemux-ingest": set(), "framemux-decode": set()}
    for pid in [mux.pid, *children_of(mux.pid)]:
        name = command_of(pid)
        found = memory_with(pid, needles)
        print(f"      {name:16} {', '.join(sorted(found)) or 'none'}", flush=True)
        check(found == wanted[name], f"{name} has {found}, not {wanted[name]}")
        for file in ("environ", "cmdline"):
            with open(f"/proc/{pid}/{file}", "rb") as f:
                data = f.read()
            check(not any(n in data for n in needles.values()), f"{name}'s {file} has a secret")
    told = mux.log() + mux.ctl("--json", "status") + mux.ctl("status")
    check(PASSWORD not in told, "the password was said")
    files = [p for p in glob.glob(s.path("state/**"), recursive=True) if os.path.isfile(p)]
    check(any("audit" in p for p in files), f"where is the audit log? {files}")
    for path in files:
        with open(path, "rb") as f:
            data = f.read()
        check(PASSWORD.encode() not in data, f"the password is in {path}")
        check(path.endswith("root.key") or root[-32:] not in data, f"the root key is in {path}")


@table.row(39, "a fault in every role", "no core file")
def test_a_crash_leaves_no_core(s):
    """39: a fault in every role, with the largest limit for core files that there is."""
    takeover.needed()
    with open("/proc/sys/kernel/core_pattern") as f:
        pattern = f.read().strip()
    if pattern.startswith(("|", "/")):
        raise Skipped(f"cores do not go into the working folder here: {pattern}")
    before, here = resource.getrlimit(resource.RLIMIT_CORE), os.getcwd()
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
        os.chdir(s.dir)
        control = harness.Process(s, "control", ["sleep", "60"])
        control.signal(signal.SIGSEGV)
        control.wait()
        if not glob.glob(s.path("core*")):
            raise Skipped("no process leaves a core file here")
        for core in glob.glob(s.path("core*")):
            os.unlink(core)
        mux, clients = watching(s)
        victims = {"framemux-decode": mux.camera("porch")["pids"],
            "framemux-ingest": mux.camera("garden")["pids"],
            "framemux-broker": mux.roles("framemux-broker")}
        for role, pids in victims.items():
            pid, = [p for p in pids if command_of(p) == role]
            takeover.crash(pid)
            until(lambda: not command_of(pid), f"the end of {role}")
        for client in clients:
            client.signal(signal.SIGKILL)
            client.wait()
        check("was killed by signal 11" in mux.log(), "nothing crashed")
        mux.process.signal(signal.SIGSEGV)
        mux.process.wait()
        left = glob.glob(s.path("core*")) + glob.glob(s.path("*/core*"))
        check(not left, f"core files: {left}")
    finally:
        os.chdir(here)
        resource.setrlimit(resource.RLIMIT_CORE, before)
