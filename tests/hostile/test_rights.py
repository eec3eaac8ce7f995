"""REDTEAM 4 to 6, 17, 18, 20, 58: a client that wants more than its token gives, or is somebody else."""
import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import struct
import sys

import attacker
import refusals
import table
import wire
from attacker import Attacker, Stage, attack, needs_two_uids
from harness import UID_A, UID_B, Skipped, check, until
from refusals import libc, tried
from test_ring import map_ids
from wire import Connection, Token

FULL = bool(os.environ.get("FRAMEMUX_FULL"))
BLOBS = 300000 if FULL else 3000  # test_verify tries 300,000 in any case
A_DAY = 86400
NR_CLONE3 = 435


# ---- 4 ------------------------------------------------------------------------------------------

def meddle(talk, path, control, token, lease, attach):
    """Names another client's view, attach and lease in every message that can."""
    mine = Connection(path)
    a = mine.attach("porch", Token.parse(token))
    a.take(1)
    for view in (1, 2, 3):  # views are each connection's own numbers
        if view != a.view:
            mine.shut(view)
            mine.send(wire.message(wire.REPORT, struct.pack("<IQQ", view, attach, 1)))
    mine.send(wire.message(wire.REPORT, struct.pack("<IQQ", a.view, attach, 1)))
    a.take(2)
    # There is no message with which to ask for a lease by its number; as a view it is a new open.
    check(mine.verdict("garden", Token.parse(token), view=lease & 0xFFFFFFFF) != "leased",
        "a lease by its number")
    mine.send(wire.message(wire.ATTACHED, struct.pack("<IQI", 1, attach, 5)))
    mine.is_closed()
    end = tried(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(control))
    check(os.getuid() == 0 or end is not None or talk.hear(), "the control socket is open to all")


@table.row(4, "asks for, releases, reports another client's lease", "refused, audited (log)")
def test_anothers_lease(s):
    needs_two_uids()
    with Stage(s) as stage:
        theirs = stage.mux.status()["leases"][0]
        failures = stage.mux.status()["totals"]["provenance_failures"]
        attack(meddle, stage.mux.socket, stage.mux.control, stage.grant("porch"), int(theirs["id"], 16), 1)
        stage.says("broke the protocol")
        check(stage.lease("garden")["id"] == theirs["id"], "the other's lease has ended")
        check(stage.mux.status()["totals"]["provenance_failures"] == failures, "a report that counts")
    return "ignored, but for the acknowledgement: closed, logged; control socket: EACCES"


# ---- 5, 58 --------------------------------------------------------------------------------------

def others_tokens(talk, path, mine, theirs):
    mine, theirs = Token.parse(mine), Token.parse(theirs)
    wrong = []

    def expect(what, verdict):
        if not verdict.startswith("refused"):
            wrong.append(f"{what}: {verdict}")

    expect("another's token, secret and all", Connection(path).verdict("porch", theirs))
    for what, proof in (("zeros", bytes(32)), ("its tag", theirs.tag), ("a hash of its body",
            wire.blake(b"", theirs.body)), ("a proof with the tag of mine", None)):
        c = Connection(path)
        expect(f"another's token, for a proof {what}",
            c.verdict("porch", Token(theirs.body, mine.tag), proof=proof))
    # Replayed: what was good on one connection, on the next; and again on the same for another view.
    first, second = Connection(path), Connection(path)
    good = wire.open_message("porch", mine, first.challenge)
    second.send(good)
    expect("a replayed proof", second.answer())
    first.send(good)
    check(first.answer() == "leased", "the test's own proof is not good")
    first.send(good[:4] + struct.pack("<I", 2) + good[8:])
    expect("the proof of another view", answer_of(first, 2))
    # A fake mux hands the real one's challenge to the victim and the victim's answer to the mux.
    relay = Connection(path)
    relay.send(wire.open_message("porch", theirs, relay.challenge))
    expect("a relayed proof", relay.answer())
    return wrong


def answer_of(c, view):
    while True:
        m = c.receive()
        if m is None:
            return "closed"
        if m.view == view:
            return "leased" if m.kind == wire.LEASE else f"refused: {m.reason}" \
                if m.kind == wire.STATE else f"{m.kind}"


@table.row(5, "another's token; a replayed proof; one relayed from a fake mux", "refused")
def test_anothers_token(s):
    needs_two_uids()
    with Stage(s) as stage:
        wrong = attack(others_tokens, stage.mux.socket, stage.grant("porch"), stage.grant("porch", UID_B))
        check(not wrong, f"{wrong}")
        stage.says("the token is another user's")
        stage.says("the proof of possession is wrong")


def secretless(talk, path, token):
    """Who has only what was on the wire can prove nothing: the same uid's token, without its tag."""
    theirs, wrong = Token.parse(token), []
    for proof in (bytes(32), theirs.tag, wire.blake(b"", theirs.body)):
        verdict = Connection(path).verdict("porch", theirs, proof=proof)
        if not verdict.startswith("refused"):
            wrong.append(verdict)
    return wrong


@table.row(5, "its own uid's token without the secret", "refused")
def test_token_without_its_secret(s):
    with Stage(s) as stage:
        wrong = attack(secretless, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A))
        check(not wrong, f"without the secret: {wrong}")


def other_camera(talk, path, token):
    porch, wrong = Token.parse(token), []
    for what, t in (("as it is", porch), ("narrowed to garden too",
            porch.narrowed(wire.CAMERA, struct.pack("<I", 1) + b"garden"))):
        for camera in ("garden", "porch" if t is not porch else "nowhere", ""):
            verdict = Connection(path).verdict(camera, t)
            if not verdict.startswith("refused"):
                wrong.append(f"{what}, camera {camera}: {verdict}")
    check(Connection(path).verdict("porch", porch) == "leased", "the test's own token is not good")
    return wrong


@table.row(58, "token for A presented with camera = B", "refused; the token decides")
def test_token_for_another_camera(s):
    with Stage(s) as stage:
        wrong = attack(other_camera, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A))
        check(not wrong, f"{wrong}")
        stage.says("the token is for another camera")


# ---- 6 ------------------------------------------------------------------------------------------

def forgeries(token):
    """(what, token) of everything that the holder of a narrow token may try."""
    caveats = token.caveats()
    for i in range(len(caveats)):
        yield f"without caveat {i}", token.with_caveats(caveats[:i] + caveats[i + 1:])
        yield f"cut after caveat {i}", token.with_caveats(caveats[:i])
        for j in range(i):
            swapped = list(caveats)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            if swapped != caveats:
                yield f"caveats {j} and {i} exchanged", token.with_caveats(swapped)
    yield "nothing but the head", token.with_caveats([])
    yield "caveats turned round", token.with_caveats(caveats[::-1])
    wide = {wire.FPS: struct.pack("<I", 1000), wire.SIZE: struct.pack("<II", 8192, 8192),
        wire.EXPIRY: b"\xff" * 8, wire.LABEL: b"root"}
    for i, c in enumerate(caveats):
        if c[0] in wide:
            value = bytes((c[0], len(wide[c[0]]))) + wide[c[0]]
            yield f"caveat {i} widened", token.with_caveats(caveats[:i] + [value] + caveats[i + 1:])
    for kind in (0, 10, 11, 127, 255):  # the chain is right, the meaning unknown
        yield f"unknown caveat {kind}", token.narrowed(kind, b"x")
    for what, kind, value in (("another uid", wire.UID, bytes(4)), ("a uid of 3 bytes", wire.UID, bytes(3)),
            ("uid -1", wire.UID, b"\xff" * 4), ("a mask of nothing", wire.MASK, bytes(16)),
            ("17 bytes of mask", wire.MASK, b"\1" * 17), ("size 0x0", wire.SIZE, bytes(8)),
            ("fps 0", wire.FPS, bytes(4)), ("an empty label", wire.LABEL, b""),
            ("no_dump with a value", wire.NO_DUMP, b"x"), ("a bound unit", wire.UNIT, b"any.service"),
            ("an expired expiry", wire.EXPIRY, struct.pack("<Q", 1))):
        yield what, token.narrowed(kind, value)
    many = token
    for _ in range(17):
        many = many.narrowed(wire.MASK, struct.pack("<4I", 0, 0, 1, 1))
    yield "17 masks", many
    for n in (1, 2, 3, 40):
        yield f"{n} trailing bytes", Token(token.body + bytes(n), token.tag)
    for n in range(1, len(token.body)):
        yield f"{n} bytes cut off", Token(token.body[:-n], token.tag)
    for bit in range(8 * len(token.body)):
        body = bytearray(token.body)
        body[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit} flipped", Token(bytes(body), token.tag)
    for bit in range(256):
        tag = bytearray(token.tag)
        tag[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit} of the secret flipped", Token(token.body, bytes(tag))


def blobs(n):
    rnd = random.Random(6)
    for i in range(n):
        body = rnd.randbytes(rnd.choice((0, 1, 20, 21, 22, 23, 60, 100, 1471, 1472, rnd.randrange(1472))))
        if i % 2 and len(body) >= 5:
            body = b"\1" + struct.pack("<I", 1) + body[5:]  # with a good version and key id
        yield f"blob {i}", Token(body, rnd.randbytes(32))


def forge(talk, path, text):
    token, tried_n, accepted = Token.parse(text), 0, []
    c = Connection(path)
    for source in (forgeries(token), blobs(BLOBS)):
        for what, t in source:
            verdict = c.verdict("porch", t)
            tried_n += 1
            if not verdict.startswith("refused"):
                accepted.append(f"{what}: {verdict}")
                c = Connection(path)
    check(Connection(path).verdict("porch", token) == "leased", "the test's own token is not good")
    return tried_n, accepted


@table.row(6, "caveats stripped, reordered, widened, unknown; bits flipped; blobs", "none accepted")
def test_forged_tokens(s):
    with Stage(s) as stage:
        narrow = stage.grant("porch", UID_A, "--max-fps", "5", "--max-size", "160x120", "--mask",
            "0,0,10x10", "--label", "x", "--expires", "1h")
        n, accepted = attack(forge, stage.mux.socket, narrow, uid=stage.uid(UID_A))
        check(not accepted, f"accepted: {accepted[:10]}")
        refused = stage.mux.status()["totals"]["leases_refused"]
        check(refused >= n, f"{refused} refusals counted of {n}")
    return f"{n} forgeries, {BLOBS} of them blobs: none"


# ---- 17 -----------------------------------------------------------------------------------------

def sends_for_another(talk, sock_fd, request):
    """On a connection that is not its own; what comes."""
    sock = socket.socket(fileno=os.dup(sock_fd))
    sock.settimeout(wire.ANSWER_S)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        sock.send(bytes.fromhex(request))
    came = []
    while (m := wire.receive(sock)) is not None:
        came.append(m.kind)
    return came


def hands_on(talk, path, token, to_uid):
    """Connects, and has a child send its good request: under to_uid when that is another."""
    c = Connection(path)
    request = wire.open_message("porch", Token.parse(token), c.challenge).hex()
    return attacker.attack(sends_for_another, c.sock.fileno(), request, uid=to_uid)


def hands_on_as_root(talk, path, token, uid, to_uid):
    """The same with a process of another uid: both are children of one that may become either."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def connects(talk):
        c = Connection(path)
        socket.send_fds(theirs, [wire.open_message("porch", Token.parse(token), c.challenge)],
            [c.sock.fileno()])
        talk.hear()

    with Attacker(connects, uid=uid):
        request, fds, _, _ = socket.recv_fds(ours, 4096, 1)
        return attacker.attack(sends_for_another, fds[0], request.hex(), uid=to_uid)


GOES_ON = """
import os, socket, struct, sys
s = socket.socket(fileno=int(sys.argv[1]))
s.settimeout(15)
s.send(bytes.fromhex(sys.argv[3]))
kind = 0
while kind != 0x82:
    data = s.recv(4096)
    if not data:
        break
    kind = struct.unpack("<H", data[:2])[0]
os.write(int(sys.argv[2]), b'["end", "%s"]\\n' % (b"leased" if kind == 0x82 else b"closed"))
"""


def goes_on_after_exec(talk, path, token):
    c = Connection(path)
    request = wire.open_message("porch", Token.parse(token), c.challenge).hex()
    for fd in (c.sock.fileno(), talk.writer):
        os.set_inheritable(fd, True)
    python = shutil.which("python3", path="/usr/bin:/bin")  # ours may be where no other uid can go
    if not python:
        raise Skipped("no python3 for everybody")
    os.execv(python, [python, "-c", GOES_ON, str(c.sock.fileno()), str(talk.writer),
        request])


def leaves_a_child(talk, path, token, pipe):
    """Exits; its child, which nobody knows, goes on looking and answering."""
    c = Connection(path)
    a = c.attach("porch", Token.parse(token))
    a.take(2)
    kept = a.map()
    if os.fork():
        return None
    talk = attacker.Talk(talk.reader, pipe)
    check(wire.ended(c.sock), "the connection goes on")
    check(wire.ended(a.sock), "the lease socket goes on")
    talk.say("blank" if wire.is_blank(kept) and not os.pread(a.ring_fd, len(kept), 0).strip(b"\0")
        else "pixels")
    os._exit(0)


def answer_of_orphan(stage):
    """What the child says that is left behind."""
    r, w = os.pipe()
    with Attacker(leaves_a_child, stage.mux.socket, stage.grant("porch"), w,
            uid=stage.uid(UID_A)) as a:
        a.end()
        os.close(w)
        talk = attacker.Talk(r, os.dup(r))
        try:
            return talk.hear()
        except EOFError:
            return "it died"
        finally:
            talk.close()


@table.row(17, "hands its socket to another process or uid; leaves a child with it; execs",
    "closed, no frame flows on; exec: same holder")
def test_hands_its_socket_on(s):
    with Stage(s) as stage:
        path, token = stage.mux.socket, stage.grant("porch")
        cases = {"a child": (hands_on, path, token, None)}
        if os.getuid() == 0:
            cases["another uid"] = (hands_on_as_root, path, token, UID_A, UID_B)
        for what, (function, *args) in cases.items():
            came = attack(function, *args, uid=UID_A if function is hands_on else None)
            check(not came, f"{what} was answered on another's socket: {[hex(k) for k in came]}")
        stage.says("sent on the socket of uid")
        got = answer_of_orphan(stage)
        check(got == "blank", f"a child that is left behind sees: {got}")
        until(lambda: not stage.lease(), "the lease's end")
        check(attack(goes_on_after_exec, path, token, uid=stage.uid(UID_A)) == "leased",
            "exec under the same uid is not the same holder any more")
    return "child, other uid: closed, logged; left child: blank; exec: goes on"


# ---- 18 -----------------------------------------------------------------------------------------

def born_as(pid):
    """fork with that process id; 0 in the child."""
    tid = (ctypes.c_int * 1)(pid)
    args = (ctypes.c_uint64 * 11)(0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(tid), 1, 0)
    return refusals.call(libc.syscall(NR_CLONE3, args, ctypes.sizeof(args)))


def passes_it_and_dies(talk, path, token, through):
    c = Connection(path)
    socket.send_fds(through, [wire.open_message("porch", Token.parse(token), c.challenge)],
        [c.sock.fileno()])
    talk.hear()
    c.shut(99)  # last words, which the broker has to read first


def reused(stage, broker_sees_both):
    """A process with the dead holder's pid and uid sends its good request. What comes back."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with Attacker(passes_it_and_dies, stage.mux.socket, stage.grant("porch"), theirs, uid=UID_A) as first:
        request, fds, _, _ = socket.recv_fds(ours, 4096, 1)
        if broker_sees_both:  # the end of the one and the message of the other
            os.kill(stage.broker, signal.SIGSTOP)
        first.say()
        first.end()
        pid = first.pid
    ours.close()
    theirs.close()
    r, w = os.pipe()
    back_r, back_w = os.pipe()
    sys.stdout.flush()
    try:
        child = born_as(pid)
    except OSError as e:
        if broker_sees_both:
            os.kill(stage.broker, signal.SIGCONT)
        raise Skipped(f"no process can be given a used id here: {e.strerror}") from None
    if child == 0:
        attacker.run_child(lambda t: (t.say("born"), sends_for_another(t, fds[0], request.hex()))[1], (),
            UID_A, attacker.Talk(r, back_w))
    os.close(w)
    os.close(back_w)
    os.close(r)
    talk = attacker.Talk(back_r, os.dup(back_r))
    try:
        check(child == pid, f"it is {child}, not {pid}")
        check(talk.hear() == "born", "the reborn one says nothing")
        if broker_sees_both:
            until(lambda: has_sent(child), "the reborn one's request to be sent")
            os.kill(stage.broker, signal.SIGCONT)
        word, came = talk.hear()
        check(word == "end", f"{came}")
        return came
    finally:
        os.kill(stage.broker, signal.SIGCONT)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(fds[0])
        talk.close()


def has_sent(pid):
    """It waits for an answer."""
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0] == "S"


@table.row(18, "a process with the dead holder's id and uid sends on its socket", "no rights")
def test_process_id_is_used_again(s):
    needs_two_uids()
    with Stage(s, porch="test:porch?size=320x240&fps=30") as stage:
        for both in (False, True):
            came = reused(stage, both)
            check(not came, f"answered with {[hex(k) for k in came]}, "
                f"{'at once' if both else 'after the end was seen'}")
        until(lambda: not stage.lease(), "no lease of it")
    return "nothing, also when end and message are seen at once"


# ---- 20 -----------------------------------------------------------------------------------------

def as_own_root(talk, path, roots, mine):
    ids = os.getuid(), os.getgid()
    if tried(lambda: refusals.call(libc.unshare(refusals.CLONE_NEWUSER))) is not None:
        raise Skipped("no user namespaces for everybody here")
    map_ids(*ids)
    verdicts = {"root's token": Connection(path).verdict("porch", Token.parse(roots))}
    c = Connection(path, greet=False)
    forged = struct.pack("<3i", os.getpid(), 0, 0)
    c.sock.sendmsg([wire.hello()], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, forged)])
    c.challenge = c.expect(wire.WELCOME).challenge
    request = wire.open_message("porch", Token.parse(roots), c.challenge)
    c.sock.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, forged)])
    verdicts["root's token, with root's credentials"] = c.answer()
    verdicts["its own"] = Connection(path).verdict("porch", Token.parse(mine))
    return verdicts


@table.row(20, "\"root\" in its own user namespace", "counts as its outer uid")
def test_root_of_its_own_namespace(s):
    needs_two_uids()
    with Stage(s) as stage:
        got = attack(as_own_root, stage.mux.socket, stage.grant("porch", 0), stage.grant("porch"))
        for what in ("root's token", "root's token, with root's credentials"):
            check(got[what].startswith("refused"), f"{what}: {got[what]}")
        check(got["its own"] == "leased", f"as its outer uid: {got['its own']}")
    return "root's token refused, its own leased"
