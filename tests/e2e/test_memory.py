"""The ring is its client's alone: sealed, read-only, mode 0400, in no other process but the two that
made it; and only a camera's own pair touches what the camera sent."""
import fcntl
import os

import harness
from harness import UID_A, UID_B, UNHURRIED_FPS, Skipped, check, children_of, command_of, fds_of, until
from test_frames import camera
from test_refusals import TWO

F_GET_SEALS = 1034
RING = "/memfd:framemux-ring (deleted)"
SEALS = (0x37, 0x17)  # with and without exec seals
SEALS_WANTED = SEALS[0]
LIB_AV = ("libav", "libsw")


def maps_of(pid):
    try:
        f = open(f"/proc/{pid}/maps")
    except PermissionError:
        raise harness.not_to_be_seen(pid) from None
    with f:
        return [line.split(None, 5) for line in f.read().splitlines()]


def ring_fd(client):
    rings = [fd for fd, what in fds_of(client.pid).items() if what == RING]
    check(len(rings) == 1, f"{client.name} holds {len(rings)} rings: {fds_of(client.pid)}")
    return rings[0]


def ring_identity(pid, fd):
    info = os.stat(f"/proc/{pid}/fd/{fd}")
    return info.st_dev, info.st_ino


UNHURRIED = TWO.replace("fps=30", f"fps={UNHURRIED_FPS}")


def watching(s, n=2, cameras=("porch", "garden"), config=TWO):
    """A mux with endless clients, each past its first frames."""
    mux = s.mux(config)
    clients = []
    for i in range(n):
        name, uid = cameras[i % len(cameras)], (UID_A, UID_B)[i % 2]
        clients.append(mux.dump(name, mux.grant(name, uid=uid), uid=uid,
            frames=100000).takes_turns_first())
    for client in clients:
        client.await_frames(3)
    return mux, clients


def test_ring_is_sealed_and_read_only(s):
    _, clients = watching(s)
    wanted = SEALS if not kernel_has_exec_seals() else (SEALS_WANTED,)
    for client in clients:
        fd = ring_fd(client)
        path = f"/proc/{client.pid}/fd/{fd}"
        own = os.open(path, os.O_RDONLY)
        try:
            seals = fcntl.fcntl(own, F_GET_SEALS)
        finally:
            os.close(own)
        check(seals in wanted, f"seals {seals:#x}")
        mode = os.stat(path).st_mode & 0o7777
        check(mode == 0o400, f"mode {mode:o}")
        with open(f"/proc/{client.pid}/fdinfo/{fd}") as f:
            flags = int(next(l.split()[1] for l in f if l.startswith("flags:")), 8)
        check(flags & os.O_ACCMODE == os.O_RDONLY, f"descriptor flags {flags:o}")
        mapped = [m for m in maps_of(client.pid) if len(m) > 5 and m[5] == RING]
        check(mapped, "the ring is not mapped")
        check(all(m[1] == "r--s" for m in mapped), f"mapped as {[m[1] for m in mapped]}")


def kernel_has_exec_seals():
    release = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])
    return release >= (6, 3)


def test_no_two_clients_share_a_ring(s):
    """Four clients, four rings; each ring is open in its client and the broker alone."""
    mux, clients = watching(s, 4)
    rings = {}
    for client in clients:
        rings.setdefault(ring_identity(client.pid, ring_fd(client)), []).append(client)
    check(len(rings) == 4, f"{len(rings)} rings for 4 clients")
    broker = mux.roles("framemux-broker")
    check(len(broker) == 1, f"brokers: {broker}")
    for client in clients:
        mine = ring_identity(client.pid, ring_fd(client))
        for pid in [mux.pid, *children_of(mux.pid)]:
            holds = [fd for fd, what in fds_of(pid).items()
                if what == RING and ring_identity(pid, fd) == mine]
            allowed = command_of(pid) == "framemux-broker"
            check(allowed or not holds, f"{command_of(pid)} holds a client's ring at {holds}")
            for fd in holds:
                with open(f"/proc/{pid}/fdinfo/{fd}") as f:
                    flags = int(next(l.split()[1] for l in f if l.startswith("flags:")), 8)
                check(flags & os.O_ACCMODE == os.O_RDONLY, "the broker keeps a writable ring")


def test_a_decoder_maps_only_its_own_cameras_rings(s):
    mux, clients = watching(s, 4)
    inode_of = {}
    for client, name in zip(clients, ("porch", "garden") * 2):
        inode_of[ring_identity(client.pid, ring_fd(client))[1]] = name
    for name in ("porch", "garden"):
        decode = next(p for p in mux.camera(name)["pids"] if command_of(p) == "framemux-decode")
        seen = {int(m[4]) for m in maps_of(decode) if len(m) > 5 and m[5] == RING}
        check(len(seen) == 2, f"{name}'s decoder maps {len(seen)} rings")
        check(all(inode_of.get(i) == name for i in seen), f"{name}'s decoder maps another's ring")


def test_processes_are_cut_by_role(s):
    """Ingest and decode of their own for each camera, and FFmpeg in them alone."""
    mux, _ = watching(s)
    pids = {name: mux.camera(name)["pids"] for name in ("porch", "garden")}
    for name, pair in pids.items():
        check(sorted(command_of(p) for p in pair) == ["framemux-decode", "framemux-ingest"],
            f"{name}: {[command_of(p) for p in pair]}")
    everyone = [mux.pid, *children_of(mux.pid)]
    check(len(set(pids["porch"] + pids["garden"])) == 4, f"pairs share a process: {pids}")
    check(set(everyone) == {mux.pid, *mux.roles("framemux-broker"), *pids["porch"],
        *pids["garden"]}, f"processes: {[command_of(p) for p in everyone]}")
    for pid in everyone:
        name = command_of(pid)
        libraries = {os.path.basename(m[5]) for m in maps_of(pid) if len(m) > 5 and ".so" in m[5]}
        foreign = [l for l in libraries if l.startswith(LIB_AV)]
        if name in ("framemuxd", "framemux-broker"):
            check(not foreign, f"{name} maps {foreign}")
        if name == "framemux-decode":
            check(foreign, "framemux-decode maps no libavcodec: the test would see nothing")
        with open(f"/proc/{pid}/status") as f:
            status = dict(l.split(":\t", 1) for l in f.read().splitlines())
        if name != "framemuxd":
            check(status["NoNewPrivs"] == "1", f"{name} may take new privileges")


def test_roles_cannot_be_looked_into(s):
    """A mux without root: whoever has its uid can trace none of its roles, nor read their memory."""
    mux = s.mux(TWO, uid=UID_A)
    status = mux.status()
    check(status["walls"] == "partial" and status["missing_walls"], f"walls: {status['walls']}")
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(3)
    roles = children_of(mux.pid)
    check(len(roles) == 3, f"a broker and a pair, not {[command_of(p) for p in roles]}")
    for pid in roles:
        # The kernel gives the files of a process that is not dumpable to root.
        check(os.stat(f"/proc/{pid}/environ").st_uid == 0, f"{command_of(pid)} is dumpable")
        for name in ("environ", "maps", "mem"):
            reader = harness.Process(s, "reader", ["head", "-c", "1", f"/proc/{pid}/{name}"],
                uid=UID_A, env=s.env())
            check(reader.wait() != 0, f"{name} of {command_of(pid)} can be read")


def test_descriptors_and_children_return(s):
    """After leases have come and gone every process has as many descriptors as before."""
    mux = s.mux("linger = 60\n" + TWO)
    tokens = {n: mux.grant(n, uid=UID_A) for n in ("porch", "garden")}

    def counts():
        return {f"{command_of(p)} {p}": len(fds_of(p)) for p in [mux.pid, *children_of(mux.pid)]}

    def round_of_clients():
        for name, token in tokens.items():
            mux.dump(name, token, uid=UID_A, frames=2).expect(0)
        until(lambda: not mux.status()["leases"], "no lease left")

    round_of_clients()
    before = counts()
    for _ in range(5):
        round_of_clients()

    # Not "as many": framemuxctl's last connection may not have been closed yet in the first count.
    def is_as_before():
        now = counts()
        return now.keys() == before.keys() and all(now[p] <= before[p] for p in now)

    until(is_as_before, f"no more descriptors and the same children as before: {before}")


def test_pairs_end_after_linger(s):
    mux = s.mux("linger = 0\n" + TWO)
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A).expect(0)
    until(lambda: len(children_of(mux.pid)) == 1, "the pair's end")
    check(mux.camera("porch")["state"] == "idle", f"state {mux.camera('porch')['state']}")
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A).expect(0)


def test_memory_of_a_pair_is_limited(s):
    """The kernel ends what ingest or decode would take beyond their limits."""
    with open(s.program("framemux-decode"), "rb") as f:
        if b"__asan_init" in f.read():
            raise Skipped("a sanitizer's memory is not limited")
    mux = s.mux(camera("porch", "test:porch?size=320x240&fps=30", "\tmemory_mb = 200\n"))
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A).expect(0)
    limits = {}
    for pid in mux.camera("porch")["pids"]:
        with open(f"/proc/{pid}/limits") as f:
            line = next(l for l in f if l.startswith("Max data size"))
        limits[command_of(pid)] = line.split()[3:5]
    wanted = {"framemux-ingest": [str(96 << 20)] * 2, "framemux-decode": [str(200 << 20)] * 2}
    check(limits == wanted, f"limits {limits}")
