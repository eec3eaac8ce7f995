"""REDTEAM 1 to 3, 12, 15, 16, 63: what a client does with its own ring."""
import ctypes
import errno
import mmap
import os
import socket
import time

import refusals
import table
import test_revoke
import wire
from attacker import Attacker, Stage, attack, needs_two_uids
from harness import UID_A, Skipped, check, until
from refusals import libc, map_fd, tried
from test_refusals import TWO

HUGE = 2 << 20
MAP_FIXED = 0x10


def state_of(fd):
    """All that must stay as it was. The time changes with the decoder's first byte in each page."""
    st = os.fstat(fd)
    return {"seals": refusals.fcntl.fcntl(fd, refusals.F_GET_SEALS), "mode": st.st_mode, "uid": st.st_uid,
        "size": st.st_size, "blocks": st.st_blocks, "is recent": st.st_mtime > 1, "xattr": os.listxattr(fd)}


def walls_missing(fd):
    """Of what each keeps its attacks out: one wall stands behind another, and alone is not missed."""
    seals = refusals.fcntl.fcntl(fd, refusals.F_GET_SEALS)
    walls = {name: seals & bit for name, bit in refusals.SEALS.items()}
    walls["read-only"] = refusals.fcntl.fcntl(fd, refusals.fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    walls["mode 0400"] = os.fstat(fd).st_mode & 0o7777 == 0o400
    return [name for name, stands in walls.items() if not stands]


def attached(path, token, **terms):
    """A client like any other, past its first frames."""
    c = wire.Connection(path)
    a = c.attach("porch", wire.Token.parse(token), **terms)
    for name, fd in (("ring", a.ring_fd), ("dead page", a.dead_fd)):
        check(not walls_missing(fd), f"the {name} lacks {walls_missing(fd)}")
    a.take(2)
    return c, a


def every_way(files, tries):
    """What was let happen that must not be; both files are as they were."""
    done = []
    for name, fd in files.items():
        before = state_of(fd)
        done += [f"{what} on the {name}" for what, function in tries.items()
            if tried(function, fd) is None]
        after = state_of(fd)
        done += [f"{key} of the {name}: {before[key]} to {after[key]}" for key in before
            if before[key] != after[key]]
    return done


# ---- 1 ------------------------------------------------------------------------------------------

def can_be_done_elsewhere():
    """The attacks are real ones: on memory of one's own they work."""
    own = map_fd(-1, 4096, mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    for name in refusals.TO_ADDRESS:
        check(tried(refusals.WRITES[name], -1, own) is None, f"the test's own {name} does not work")
    fd = os.memfd_create("own")
    os.ftruncate(fd, 8192)
    address = map_fd(fd, 8192, mmap.PROT_READ | mmap.PROT_WRITE)
    for name, function in refusals.WRITES.items():
        if name in ("write", "splice", "sendfile", "copy_file_range", "map writable", "punch a hole",
                "MADV_REMOVE", "ftruncate longer"):
            check(tried(function, fd, address) is None, f"the test's own {name} does not work")
    os.close(fd)


def dirty_pipe(fd):
    """A page of it in a pipe, then a byte that could be merged into it."""
    r, w = os.pipe()
    os.splice(fd, w, 1, offset_src=4096 - 1)
    os.write(w, b"x" * 8)
    seen = os.read(r, 9)
    refusals.close_all(r, w)
    return os.pread(fd, 8, 4096) == b"x" * 8 or len(seen) != 9


def writes(talk, path, token):
    c, a = attached(path, token)
    can_be_done_elsewhere()
    done = []
    for name, fd in (("ring", a.ring_fd), ("dead page", a.dead_fd)):
        address = map_fd(fd, 4096)
        done += every_way({name: fd}, {what: lambda fd, f=function: f(fd, address)
            for what, function in refusals.WRITES.items()})
    if dirty_pipe(a.ring_fd):
        done.append("a write into a pipe that has its page")
    a.take(3)  # the lease has come to no harm either
    return done


@table.row(1, "22 ways to write to or resize its ring and dead page", "all refused")
def test_writes_to_its_ring(s):
    with Stage(s) as stage:
        done = attack(writes, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A))
        check(not done, f"let happen: {done}")
    return f"{len(refusals.WRITES) + 1} ways, on both files: all refused"


# ---- 2, 3 ---------------------------------------------------------------------------------------

def reopen(fd, flags):
    os.close(os.open(f"/proc/self/fd/{fd}", flags))


def by_path_fd(fd):
    at = os.open(f"/proc/self/fd/{fd}", os.O_PATH)
    try:
        reopen(at, os.O_RDONLY)
    finally:
        os.close(at)


def by_map(fd):
    map_fd(fd, 4096)
    with open("/proc/self/maps") as f:
        at = [l.split()[0] for l in f if f" {os.fstat(fd).st_ino} " in l][-1]
    os.close(os.open(f"/proc/self/map_files/{at}", os.O_RDONLY))


def reopens(talk, path, token):
    c, a = attached(path, token)
    own = os.memfd_create("own")
    check(tried(reopen, own, os.O_RDWR) is None, "the test's own file cannot be reopened either")
    ways = {how: lambda fd, flags=flags: reopen(fd, flags) for how, flags in refusals.REOPENS.items()}
    ways["O_PATH first"] = by_path_fd
    wrong = []
    for name, fd in (("ring", a.ring_fd), ("dead page", a.dead_fd)):
        before = state_of(fd)
        wrong += [f"{how} of the {name}: {errno.errorcode.get(e, e)}" for how, function in ways.items()
            if (e := tried(function, fd)) != errno.EACCES]
        if (e := tried(by_map, fd)) not in (errno.EACCES, errno.EPERM):
            wrong.append(f"map_files of the {name}: {e}")
        check(state_of(fd) == before, f"the {name} is not as it was")
    a.take(2)
    ids = os.getuid(), os.getgid()
    # The same as "root" of a user namespace of its own; the last, for it cannot be left.
    if tried(lambda: refusals.call(libc.unshare(refusals.CLONE_NEWUSER))) is None:
        map_ids(*ids)
        wrong += [f"{how}, as root of its namespace: {e}" for how, function in ways.items()
            if (e := tried(function, a.ring_fd)) != errno.EACCES]
    return wrong


def map_ids(uid, gid):
    """Root of the user namespace that this process has just made; the ids are those outside."""
    for name, text in (("setgroups", "deny"), ("gid_map", f"0 {gid} 1"), ("uid_map", f"0 {uid} 1")):
        with open(f"/proc/self/{name}", "w") as f:
            f.write(text)
    check((os.getuid(), os.getgid()) == (0, 0), "it is not root, not even in its own namespace")


@table.row(2, "reopens /proc/self/fd/N in 7 ways, also as root of its own namespace", "EACCES")
def test_reopens_its_ring(s):
    needs_two_uids()
    with Stage(s) as stage:
        wrong = attack(reopens, stage.mux.socket, stage.grant("porch"))
        check(not wrong, f"{wrong}")


def attributes(talk, path, token):
    c, a = attached(path, token)
    done = every_way({"ring": a.ring_fd, "dead page": a.dead_fd}, refusals.ATTRIBUTES)
    a.take(2)
    return done


@table.row(3, "seals, leases, chmod, chown, xattr, utimes, flags on it", "refused; seals as they were")
def test_changes_its_rings_attributes(s):
    needs_two_uids()
    with Stage(s) as stage:
        done = attack(attributes, stage.mux.socket, stage.grant("porch"))
        check(not done, f"let happen: {done}")
    return f"{len(refusals.ATTRIBUTES)} ways on both files refused; seals, mode, times as they were"


# ---- 12 -----------------------------------------------------------------------------------------

def keep_in_pipes(a, size):
    """Pages of the ring in one pipe by vmsplice from the mapping, in another by splice from the file."""
    pipes = []
    address = map_fd(a.ring_fd, size)
    for kind in ("vmsplice", "splice"):
        r, w = os.pipe()
        length = min(size, refusals.fcntl.fcntl(w, 1032))  # F_GETPIPE_SZ
        if kind == "vmsplice":
            n = refusals.call(libc.vmsplice(w, ctypes.byref(refusals.IoVec(address, length)), 1,
                refusals.SPLICE_F_GIFT))
        else:
            n = os.splice(a.ring_fd, w, length, offset_src=0)
        check(n > 0, f"{kind}: nothing is in the pipe")
        pipes.append((kind, r, w, n))
    return pipes


def keep(talk, path, token):
    """Holds on to its ring in one way after another; told when the revoke has returned."""
    c, a = attached(path, token)
    size = a.m.ring_bytes
    kept, queue = a.map(), socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    socket.send_fds(queue[0], [b"x"], [a.ring_fd])
    pipes = keep_in_pipes(a, size)
    check(not wire.is_blank(kept), "the ring is empty before it is revoked")
    talk.say(a.m.lease)
    talk.hear()
    bad = [] if wire.is_blank(kept) else ["the mapping"]
    if os.pread(a.ring_fd, size, 0).strip(b"\0"):
        bad.append("the descriptor")
    queued = socket.recv_fds(queue[1], 1, 1)[1][0]
    if os.pread(queued, size, 0).strip(b"\0"):
        bad.append("the queued descriptor")
    for kind, r, w, n in pipes:
        if os.read(r, n).strip(b"\0"):
            bad.append(f"the pipe ({kind})")
        refusals.close_all(r, w)
    talk.say(bad)
    # Let go step by step: descriptors first, mappings last (the second is keep_in_pipes's).
    for step in (lambda: a.close(), lambda: os.close(queued), kept.close):
        step()
        talk.say()
        talk.hear()
    unmap_rings()
    talk.say()
    talk.hear()


def unmap_rings():
    with open("/proc/self/maps") as f:
        ranges = [l.split()[0].split("-") for l in f if "/memfd:framemux" in l]
    for start, end in ranges:
        start, end = int(start, 16), int(end, 16)
        refusals.call(libc.munmap(start, end - start))


def held_bytes(stage):
    mine = stage.quota()
    return mine["held_after_revoke_bytes"] if mine else 0


@table.row(12, "keeps fd, mapping, queued fd, pages in pipes after revoke",
    "zeros at once; charged until it lets go")
def test_keeps_its_ring_after_revoke(s):
    with Stage(s) as stage:
        with Attacker(keep, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A)) as a:
            lease = a.hear()
            stage.mux.ctl("revoke", f"{lease:016x}")
            a.say()
            bad = a.hear()
            check(not bad, f"pixels are left in {bad}")
            until(lambda: held_bytes(stage), "the kept ring to be charged")
            charged = held_bytes(stage)
            for what in ("descriptors", "the queued descriptor", "one mapping of two"):
                a.hear()
                # Held rings are looked at once a second; what is to be seen is that nothing happens.
                time.sleep(1.5 if what != "descriptors" else 0)
                check(held_bytes(stage) == charged, f"not charged any more after it let go of {what}")
                a.say()
            a.hear()
            until(lambda: not held_bytes(stage), "the memory to be free after the last mapping")
            a.say()
            a.end()
    return f"zeros by every way; {charged} bytes charged until the last mapping went"


# ---- 15, 16 -------------------------------------------------------------------------------------

def collapse(fd):
    """Maps beyond its end, aligned as huge pages are, and has the kernel collapse, read and lock it.
    The blocks of the file before and after, and how many huge pages came about."""
    size, before = os.fstat(fd).st_size, os.fstat(fd).st_blocks
    length = (size + HUGE - 1) // HUGE * HUGE
    room = map_fd(-1, length + HUGE, 0, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = map_fd(fd, length, mmap.PROT_READ, (room + HUGE - 1) // HUGE * HUGE,
        mmap.MAP_SHARED | MAP_FIXED)
    made = 0
    for at in range(0, length, HUGE):
        for _ in range(20):  # while a page is in use, which frames in the making see to, it fails
            made += tried(lambda: refusals.call(libc.madvise(address + at, HUGE,
                refusals.MADV_COLLAPSE))) is None
    tried(lambda: refusals.call(libc.mlock(address, size)))
    ctypes.string_at(address, size)
    return before, os.fstat(fd).st_blocks, made


def inflate(talk, path, token):
    own = os.memfd_create("own")
    os.posix_fallocate(own, 0, 8192)
    possible = collapse(own)
    got = {}
    for width in (160, 320, 1920):
        c, a = attached(path, token, width=width, height=width * 3 // 4)
        got[f"ring of {a.m.ring_bytes} bytes"], got["dead page"] = collapse(a.ring_fd), collapse(a.dead_fd)
        a.take(2)
        c.close()
    return got, possible[1] > possible[0]


@table.row(15, "collapses, reads, locks maps that reach beyond ring and dead page",
    "the ring's blocks do not change")
def test_inflates_its_ring(s):
    with Stage(s) as stage:
        got, possible = attack(inflate, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A))
        grown = {what: (before, after) for what, (before, after, _) in got.items() if after != before}
        check(not grown, f"grew from, to blocks: {grown}")
    if not possible:
        return "blocks as before; but this kernel collapses nothing"
    return f"blocks as before, of {len(got)} files; an own file grows"


@table.row(16, "MADV_PAGEOUT", "nothing swapped")
def test_pages_out_its_ring(s):
    raise Skipped("needs a machine with swap")


# ---- 63 -----------------------------------------------------------------------------------------

@table.row(63, "frames erased while the application copies", "framemux_check says so")
def test_erased_while_it_copies(s):
    mux = s.mux(TWO)
    token = test_revoke.json.loads(mux.ctl("--json", "grant", "--camera", "porch"))
    with test_revoke.holder(s, mux, token["token"]) as look:
        whole = look()
        check(whole[0] == 0 and whole[2:] == [1, 1], f"before it is erased: {whole}")
        mux.ctl("revoke", token["id"])
        torn = look()
    check(torn[2:] == [1, 0], f"it was not erased while it was copied: {torn}")
    check(torn[0] == -errno.ESTALE, f"framemux_check says {torn[0]} of an erased frame")
    return "half copied, erased, the other half copied: -ESTALE"
