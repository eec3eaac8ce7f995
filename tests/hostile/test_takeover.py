"""REDTEAM 33 and its neighbours: roles that were taken over after their confinement."""
import mmap
import os
import signal
import socket
import struct

import table
import takeover
from harness import UID_A, UID_B, UNHURRIED_FPS, Failed, check, command_of, fds_of, until
from test_frames import camera
from test_walls import status_of

AT_FDCWD = -100
LEASE = 6  # the first descriptor behind those that decode is born with
FORBIDDEN = "was killed for a forbidden system call"
CASES = {
    # A decoder hands on a ring over a lease socket; it opens, connects, runs, reads others.
    "framemux-decode": ("sendmsg", "sendto", "socket", "connect", "openat", "execve", "clone", "kill",
        "mmap", "mprotect", "memfd_create", "ptrace", "process_vm_writev", "fcntl", "prctl", "unshare",
        "setns", "bpf", "userfaultfd", "io_uring_setup", "setsockopt", "recvmsg-lease", "mmap-shared"),
    "framemux-ingest": ("socket", "connect", "sendmsg", "sendto", "bind", "openat", "execve", "clone",
        "memfd_create", "ioctl", "unshare", "mount"),
    "framemux-broker": ("socket", "connect", "bind", "execve", "clone", "openat", "setns", "kill",
        "pidfd_getfd", "userfaultfd"),
}


def attack(pid, call):
    """One call as an attacker would make it; what it came to."""
    room = takeover.stack_of(pid)
    path = takeover.put(pid, room, b"/etc/passwd\0")
    address = takeover.put(pid, room + 64,
        struct.pack("<HH4s8x", socket.AF_INET, socket.htons(80), socket.inet_aton("192.0.2.1")))
    message = takeover.put(pid, room + 128, bytes(56))
    link = next(fd for fd, what in fds_of(pid).items() if what.startswith("socket:"))
    arguments = {
        "socket": (socket.AF_INET, socket.SOCK_STREAM, 0),
        "connect": (link, address, 16),
        "bind": (link, address, 16),
        "sendto": (link, room, 4, 0, address, 16),
        "sendmsg": (link, message, 0),
        "openat": (AT_FDCWD, path, os.O_RDONLY),
        "execve": (path, 0, 0),
        "clone": (signal.SIGCHLD, 0, 0, 0, 0),
        "ioctl": (link, 0x5401, room),
        "memfd_create": (path, 0),
        "ptrace": (16, os.getpid()),
        "process_vm_writev": (os.getpid(), message, 1, message, 1, 0),
        "fcntl": (link, 1033, 0),
        "prctl": (4, 1),
        "bpf": (0, room, 64),
        "io_uring_setup": (8, room + 128),
        "unshare": (0x10000000,),
        "mount": (path, path, path, 0, 0),
        "setns": (link, 0),
        "kill": (os.getppid(), 0),
        "pidfd_getfd": (link, 0, 0),
        "userfaultfd": (0,),
        "mmap": (0, 4096, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 2**64 - 1, 0),
        "setsockopt": (link, socket.SOL_SOCKET, 83, room, 4),  # SO_PASSRIGHTS
        "recvmsg-lease": (LEASE, message, 0),
        "mmap-shared": (0, 4096, mmap.PROT_READ, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, 2**64 - 1, 0),
        "mprotect": (room & ~4095, 4096, mmap.PROT_READ | mmap.PROT_EXEC),
    }[call]
    return takeover.do(pid, call, *arguments)


def role_of(mux, name, role):
    return next((p for p in mux.camera(name)["pids"] if command_of(p) == role), None)


def is_confined(pid):
    """Its filter is loaded, besides framemuxd's, and it waits in its loop."""
    status = status_of(pid)
    return status["Seccomp_filters"] == "2" and status["State"].startswith("S")


def serves(mux):
    try:
        return mux.status()["pid"] == mux.pid
    except Failed:
        return False


def test_a_pair_that_was_taken_over(s):
    """Each call ends the process that made it, framemuxd says so, and nobody else notices."""
    takeover.needed()
    calls = [(role, c) for role in ("framemux-decode", "framemux-ingest") for c in CASES[role]]
    cameras = {f"{role[9:]}-{c.replace('_', '-')}": (role, c) for role, c in calls}
    mux = s.mux(camera("healthy", f"test:healthy?size=160x112&fps={UNHURRIED_FPS}")
        + "".join(camera(n, f"test:{n}?size=64x64&fps=10") for n in cameras))
    healthy = mux.dump("healthy", mux.grant("healthy", uid=UID_B), uid=UID_B,
        frames=100000).takes_turns_first()
    healthy.await_frames(3)
    broker = mux.roles("framemux-broker")
    wrong = []
    for name, (role, call) in cameras.items():
        client = mux.dump(name, mux.grant(name, uid=UID_A), uid=UID_A, frames=100000)
        client.await_frames(1)
        got = attack(role_of(mux, name, role), call)
        until(lambda: f"camera {name}: {role[9:]} {FORBIDDEN}" in mux.log(), f"a line for {name}")
        client.signal(signal.SIGKILL)
        client.wait()
        outcome = "ok" if got == signal.SIGSYS else "FAIL"
        table.add(33, f"{role} was taken over: {call}", "SIGSYS, logged", outcome, str(got))
        if outcome == "FAIL":
            wrong.append(f"{role} {call}: {got!r}")
    check(not wrong, "\n".join(wrong))
    healthy.await_frames(len(healthy.meta()) + 3)
    healthy.check_missed_none()
    check(mux.roles("framemux-broker") == broker, "the broker is another one")


@table.row(33, "framemux-decode, -ingest were taken over: forged log lines", "under their own name")
def test_forged_log_lines(s):
    """Whatever a role writes stands in the log as its own, its last words too."""
    takeover.needed()
    mux = s.mux(camera("porch", "test:porch?size=64x64&fps=5"))
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(1)
    said = b"<0>framemuxd: forged\n\x1b[2Jbroker: forged\rlease forged\nforged last words"
    for role in ("framemux-decode", "framemux-ingest"):
        pid = until(lambda: next((p for p in mux.roles(role) if is_confined(p)), None), role)
        address = takeover.put(pid, takeover.stack_of(pid), said)
        got = takeover.do(pid, "write", 2, address, len(said))
        check(got == len(said), f"{role}: write: {got}")
        os.kill(pid, signal.SIGKILL)
        until(lambda: f"\n{role[9:]} porch: forged last words\n" in mux.log(), "its last words")
    log = mux.log()
    check("\x1b" not in log and "\r" not in log, "control characters in the log")
    wrong = [l for l in log.split("\n") if "forged" in l and not l.startswith(("decode porch: ",
        "ingest porch: "))]
    check(not wrong, f"{wrong}")
    check(log.count("forged") == 8, log)


def test_a_broker_that_was_taken_over(s):
    """Each call ends it, framemuxd says so, and the next one serves."""
    takeover.needed()
    calls, wrong = CASES["framemux-broker"], []
    mux = None
    for some in (calls[:5], calls[5:]):  # it is started again ever later
        if mux:
            mux.stop()
        mux = s.mux(camera("porch", "test:porch?size=64x64&fps=5"))
        for call in some:
            broker = until(lambda: next(iter(mux.roles("framemux-broker")), None), "a broker", 40)
            until(lambda: is_confined(broker), "its confinement")
            got = attack(broker, call)
            outcome = "ok" if got == signal.SIGSYS else "FAIL"
            table.add(33, f"framemux-broker was taken over: {call}", "SIGSYS, logged", outcome, str(got))
            if outcome == "FAIL":
                wrong.append(f"{call}: {got!r}")
            until(lambda: mux.log().count(f"the broker {FORBIDDEN}") > some.index(call)
                and broker not in mux.roles("framemux-broker"), f"a line for {call}")
        until(lambda: serves(mux), "a new broker", 40)
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=2).expect(0)
    check(not wrong, "\n".join(wrong))


def test_what_a_survivor_may_do(s):
    """The tests above see something: a call that is allowed comes back, and the process lives on."""
    takeover.needed()
    mux = s.mux(camera("porch", "test:porch?size=64x64&fps=5"))
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(2)
    decode = role_of(mux, "porch", "framemux-decode")
    got = takeover.do(decode, "write", 2, takeover.put(decode, takeover.stack_of(decode), b"hello\n"), 6)
    check(got == 6, f"write: {got}")
    check("hello" in mux.log(), "it wrote elsewhere")
    client.await_frames(len(client.meta()) + 3)


@table.row(33, "ingest in an endless loop", "ended by the watchdog, born again")
def test_an_endless_loop_is_ended(s):
    """The watchdog: an ingest that does not come round any more, which nobody else would notice."""
    takeover.needed()
    mux = s.mux(camera("porch", "test:porch?size=64x64&fps=5"))
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), "--timeout", "120", uid=UID_A,
        frames=100000)
    client.await_frames(2)
    ingest = role_of(mux, "porch", "framemux-ingest")
    takeover.loop(ingest)
    until(lambda: "a role is in an endless loop" in mux.log(), "the watchdog", 120)
    until(lambda: not command_of(ingest), "its end")
    before = len(client.meta())
    client.await_frames(before + 2, 60)
    check(client.meta()[-1]["generation"] > client.meta()[0]["generation"], "the same generation")
