"""What confines each role of a running mux, read from /proc: a table, and every cell of it is asserted."""
import os

from harness import UID_A, UID_B, Skipped, check, children_of, command_of, fds_of
from test_frames import camera
from test_memory import UNHURRIED, maps_of, watching
from test_refusals import TWO

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "uts")
PAIR_NAMESPACES = NAMESPACES + ("pid", "user")
CAP_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
# mux/daemon/roles/privilege.c: chown, dac_override, fowner, kill, setgid, setuid, setpcap, ipc_lock, sys_admin
DAEMON_CAPS = sum(1 << n for n in (0, 1, 3, 5, 6, 7, 8, 14, 21))
# What a role may hold besides its standard descriptors.
DESCRIPTORS = {
    "framemux-broker": ("socket:", "anon_inode:[eventpoll]", "anon_inode:[timerfd]",
        "anon_inode:[pidfd]", "pidfd:", "pipe:", "/memfd:framemux-ring", "/memfd:framemux-dead"),
    "framemux-ingest": ("socket:", "/dev/null"),
    "framemux-decode": ("socket:",),
}
# What it may map besides libc: nothing that speaks with the network, decodes, or runs other programs.
NOT_MAPPED = {
    "framemux-broker": ("libav", "libsw", "libgnutls", "libcurl", "libjansson", "libyuv"),
    "framemux-ingest": ("libevent", "libyuv"),
    "framemux-decode": ("libevent", "libavformat"),
}


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)


def namespaces_of(pid):
    return {n: os.readlink(f"/proc/{pid}/ns/{n}") for n in PAIR_NAMESPACES}


def limits_of(pid):
    with open(f"/proc/{pid}/limits") as f:
        return {line[:25].strip(): line[26:].split()[:2] for line in f.read().splitlines()[1:]}


def libraries_of(pid):
    return {os.path.basename(m[5]) for m in maps_of(pid) if len(m) > 5 and ".so" in m[5]}


def own_files(pid, name):
    """Its descriptors above stderr that are not of the kinds it may hold."""
    odd = {}
    for fd, what in fds_of(pid).items():
        if fd <= 2 or what.startswith(DESCRIPTORS[name]):
            continue
        if name == "framemux-broker" and fd == 6 and what == f"/proc/{pid}/fd":
            continue  # where it reopens its own memory files
        odd[fd] = what
    return odd


def log_of(pid):
    """The pipe that it writes to as output and error; None when it has another."""
    out, error = (fds_of(pid)[n] for n in (1, 2))
    return out if out == error and out.startswith("pipe:") else None


def check_role(pid, outside):
    """Everything but the uid, which depends on who the others are."""
    name, status = command_of(pid), status_of(pid)
    who = f"{name} {pid}"
    ids = {*status["Uid"].split(), *status["Gid"].split()}
    check(len(ids) == 1, f"{who}: uids and gids {ids}")
    check(not status["Groups"].strip(), f"{who}: groups {status['Groups']}")
    for caps in CAP_SETS:
        check(int(status[caps], 16) == 0, f"{who}: {caps} {status[caps]}")
    check(status["NoNewPrivs"] == "1", f"{who}: may take new privileges")
    check(status["Seccomp"] == "2", f"{who}: Seccomp {status['Seccomp']}")
    check(int(status["Seccomp_filters"]) == 2, f"{who}: {status['Seccomp_filters']} filters")
    inside = namespaces_of(pid)
    wanted = NAMESPACES if name == "framemux-broker" else PAIR_NAMESPACES
    shared = [n for n in wanted if inside[n] == outside[n]]
    check(not shared, f"{who} shares the namespaces {shared} with framemuxd")
    left = os.listdir(f"/proc/{pid}/root")
    check(not left, f"{who} sees files: {left}")
    check(os.stat(f"/proc/{pid}/environ").st_uid == 0, f"{who} is dumpable")
    limits = limits_of(pid)
    for limit in ("Max core file size", "Max processes"):
        check(limits[limit] == ["0", "0"], f"{who}: {limit} {limits[limit]}")
    if name != "framemux-broker":
        check(log_of(pid), f"{who} writes to {fds_of(pid)[1]} and {fds_of(pid)[2]}")
    odd = own_files(pid, name)
    check(not odd, f"{who} holds {odd}")
    libraries = libraries_of(pid)
    foreign = [l for l in libraries if l.startswith(NOT_MAPPED[name])]
    check(not foreign, f"{who} maps {foreign}")
    print(f"      {name:16} uid {status['Uid'].split()[0]:10}  caps 0  NoNewPrivs 1  Seccomp 2  "
        f"own {','.join(n for n in PAIR_NAMESPACES if inside[n] != outside[n]):32}  "
        f"{len(fds_of(pid))} fds  {len(libraries)} libraries", flush=True)
    return int(status["Uid"].split()[0])


def needs_root():
    if os.getuid() != 0:
        raise Skipped("uids of their own can be given by root only")


def test_what_confines_each_role(s):
    needs_root()
    mux, _ = watching(s)
    reported = mux.status()
    print(f"      walls: {reported['walls']} {reported['missing_walls']}", flush=True)
    check((reported["walls"] == "full") == (not reported["missing_walls"]), f"{reported}")
    outside = namespaces_of(mux.pid)
    status = status_of(mux.pid)
    for caps in ("CapPrm", "CapEff", "CapBnd"):
        check(int(status[caps], 16) == DAEMON_CAPS, f"framemuxd: {caps} {status[caps]}")
    for caps in ("CapInh", "CapAmb"):
        check(int(status[caps], 16) == 0, f"framemuxd: {caps} {status[caps]}")
    check(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", f"framemuxd: {status}")
    broker, = mux.roles("framemux-broker")
    pairs = {n: mux.camera(n)["pids"] for n in ("porch", "garden")}
    uids = {"broker": check_role(broker, outside)}
    for name, pids in pairs.items():
        both = {check_role(p, outside) for p in pids}
        check(len(both) == 1, f"{name}'s pair has the uids {both}")
        uids[name] = both.pop()
    check(len(set(uids.values())) == 3, f"uids are shared: {uids}")
    check(not set(uids.values()) & {0, os.getuid(), UID_A, UID_B}, f"somebody else's uid: {uids}")
    everyone = [broker, *pairs["porch"], *pairs["garden"]]
    logs = {log_of(p) for p in everyone[1:]}
    check(len(logs) == 4 and fds_of(mux.pid)[2] not in logs, f"a log is shared: {logs}")
    for n in PAIR_NAMESPACES:
        own = [namespaces_of(p)[n] for p in everyone if namespaces_of(p)[n] != outside[n]]
        check(len(own) == len(set(own)), f"two roles share a {n} namespace")


def test_uids_are_not_used_again(s):
    """Neither by the next life of framemuxd nor, in one life, by a pair that is born again."""
    needs_root()
    mux = s.mux(TWO)
    seen = []
    for _ in range(2):
        client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=100000)
        client.await_frames(2)
        pids = mux.roles("framemux-broker") + mux.camera("porch")["pids"]
        seen.append({status_of(p)["Uid"].split()[0] for p in pids})
        mux.stop()
        client.wait()
        mux.start()
    check(not seen[0] & seen[1], f"used twice: {seen}")


def names_are_found(s, **how):
    """A camera by the name of its host: what the resolver may do is enough for that."""
    port = s.camserver("cam=live:size=320x240,fps=10")
    mux = s.mux(camera("cam", f"rtsp://localhost:{port}/cam"), **how)
    mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=2).expect(0)


def test_names_are_found(s):
    needs_root()
    names_are_found(s)


def test_names_are_found_unprivileged(s):
    names_are_found(s, uid=UID_A)


def test_unprivileged_walls(s):
    """Without root: the same filters, what namespaces are permitted, and the rest is named."""
    mux = s.mux(UNHURRIED, uid=UID_A)
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(2)
    reported = mux.status()
    check(reported["walls"] == "partial", f"{reported['walls']}")
    check("broker-namespaces" in reported["missing_walls"], f"{reported['missing_walls']}")
    if os.getuid() == 0:
        check("uids" in reported["missing_walls"], f"{reported['missing_walls']}")
    check("missing walls: " + " ".join(reported["missing_walls"]) in mux.process.err(),
        "the log does not say which walls are missing")
    for pid in children_of(mux.pid):
        status = status_of(pid)
        check(status["Seccomp"] == "2", f"{command_of(pid)}: Seccomp {status['Seccomp']}")
        check(int(status["CapEff"], 16) == 0, f"{command_of(pid)}: CapEff {status['CapEff']}")
        check(status["NoNewPrivs"] == "1", f"{command_of(pid)} may take new privileges")
