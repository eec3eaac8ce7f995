"""REDTEAM 7 to 11, 14, 19: a client that sends too much, or never reads, or asks for the impossible."""
import contextlib
import os
import resource
import select
import socket
import statistics
import struct
import time

import fuse
import harness
import pulse
import table
import wire
from attacker import Attacker, Stage, attack, cpu_ticks
from harness import UID_A, UID_B, Failed, Skipped, check, command_of, fds_of, until
from test_memory import maps_of
from wire import Connection, Token, message, hello, open_message

FULL = bool(os.environ.get("FRAMEMUX_FULL"))
QUICK_S = 0.1         # to be connected and have a lease, whatever others do
FLOOD_MESSAGES = 10000
NEVER_READ = 200
IDLE = 2000
LEASES = 10000 if FULL else 1000
LEASES_BEFORE = 100   # until memory is what it will be
SPIN_SHARE = 0.2      # of a core, of a broker that spins over nothing
SPIN_S = 2
MEMORY_WAVER_KIB = 1024
QUOTA_BYTES = 256 << 20  # uid_quota_mb's default


def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def serves_quickly(talk, path, token):
    """Seconds from connect to lease, several times; and a frame at the end."""
    token, times = Token.parse(token), []
    for _ in range(7):
        begun = time.monotonic()
        c = Connection(path)
        check(c.verdict("porch", token) == "leased", "another uid is refused")
        times.append(time.monotonic() - begun)
        c.close()
    c = Connection(path)
    c.attach("porch", token).take(1)
    return times


def check_others_are_served(stage, what):
    """UID_B gets connections, leases and frames of the attacked camera, at once."""
    begun = time.monotonic()
    times = attack(serves_quickly, stage.mux.socket, stage.grant("porch", UID_B), uid=stage.uid(UID_B))
    usual, stall = statistics.median(times), pulse.longest(begun, time.monotonic())
    if usual >= QUICK_S and stall >= QUICK_S / 2:
        print(f"      NOT JUDGED: {usual * 1000:.0f} ms; this machine gave no turn for {stall:.2f} s",
            flush=True)
    else:
        check(usual < QUICK_S, f"{what}: another uid waited {usual * 1000:.0f} ms")
    return f"{usual * 1000:.1f} ms"


# ---- 7, 8 ---------------------------------------------------------------------------------------

def sends_fds(talk, path):
    """FLOOD_MESSAGES, each a harmless one and full of descriptors. How many the kernel let go out."""
    fds = [os.open("/dev/null", os.O_RDONLY)] * wire.FDS_MAX
    sent = 0
    c = Connection(path, greet=False)
    try:
        wire.send_fds(c.sock, hello(), fds)
    except PermissionError:
        c.send(hello())
    c.expect(wire.WELCOME)
    talk.say()
    for i in range(FLOOD_MESSAGES):
        try:
            wire.send_fds(c.sock, message(wire.SHUT, struct.pack("<I", 1000000)), fds)
            sent += 1
        except PermissionError:  # SO_PASSRIGHTS is off at the other end
            continue
        except (BrokenPipeError, ConnectionResetError):
            raise Failed(f"dropped after {i} messages: nothing was tested") from None
    return sent


@table.row(7, "253 fds with each of 10,000 messages", "the mux's fd count does not move")
def test_floods_of_descriptors(s):
    with Stage(s) as stage:
        before = len(fds_of(stage.broker))
        with Attacker(sends_fds, stage.mux.socket, uid=stage.uid(UID_A)) as a:
            a.hear()
            most = 0
            while not select.select([a.talk.reader], [], [], 0.01)[0]:
                most = max(most, len(fds_of(stage.broker)))
            sent = a.end()
        check(most <= before + 2, f"{before} descriptors before, {most} meanwhile")  # socket, pidfd
        until(lambda: len(fds_of(stage.broker)) <= before, f"{before} descriptors again")
    return f"{before} before, {most} meanwhile; {sent} messages left, the others got EPERM"


def sends_an_endless_fd(talk, path, folder):
    """Root first, for the mount; then UID_A sends a descriptor that only its own closing can close."""
    with fuse.Endless(folder) as f:
        def sender(talk):
            c = Connection(path)
            fd = os.open(os.path.join(folder, "endless"), os.O_RDONLY)
            f.answer_flushes_of(os.getpid())
            sent = 0
            for _ in range(50):
                try:
                    wire.send_fds(c.sock, message(wire.SHUT, struct.pack("<I", 1000000)), [fd] * 4)
                    sent += 1
                except PermissionError:
                    break
            os.close(fd)
            talk.say(sent)
            talk.hear()

        check(f.hangs(receives_and_closes), "the test's own descriptor can be closed")
        with Attacker(sender, uid=UID_A) as a:
            talk.say(a.hear())
            talk.hear()


def receives_and_closes(talk, folder):
    """What a mux would do that took descriptors."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    fd = os.open(os.path.join(folder, "endless"), os.O_RDONLY)
    wire.send_fds(ours, b"x", [fd])
    got = socket.recv_fds(theirs, 1, 1)[1][0]
    talk.say()
    os.close(got)
    talk.say()


@table.row(8, "an fd whose close() never returns (FUSE)", "others served in 100 ms; the mux can be killed")
def test_endless_close(s):
    fuse.needed()
    with Stage(s) as stage:
        folder = s.folder("fuse")
        os.chmod(folder, 0o755)
        with Attacker(sends_an_endless_fd, stage.mux.socket, folder, uid=None) as a:
            sent = a.hear()
            took = check_others_are_served(stage, "an endless fd was sent")
            kinds = [x for x in fds_of(stage.broker).values() if folder in x]
            check(not kinds, f"the broker holds {kinds}")
            stage.other.await_frames(len(stage.other.meta()) + 1)
            a.say()
            a.end()
    return f"{took}; {sent} were sent" + (" (EPERM: SO_PASSRIGHTS)" if not sent else "")


# ---- 9 ------------------------------------------------------------------------------------------

def rubbish(token):
    """name: messages. The good hello comes first where it is needed."""
    good = hello()
    proven = open_message("porch", token)
    return {
        "wrong magic": (hello(magic=1),),
        "wrong version": (hello(version=0),),
        "open before hello": (proven,),
        "hello twice": (good, good),
        "an empty message": (b"",),
        "an empty message later": (good, b""),
        "one byte": (b"x",),
        "three bytes": (good, b"\5\0\4"),
        "a wrong length": (struct.pack("<HHII", wire.HELLO, 400, wire.MAGIC, wire.VERSION),),
        "a length of 0": (struct.pack("<HHII", wire.HELLO, 0, wire.MAGIC, wire.VERSION),),
        "a hello cut short": (good[:-1],),
        "a hello too long": (good + b"\0",),
        "an open cut short": (good, proven[:-1]),
        "an open whose token is longer than it": (good, proven[:128] + b"\xff\xff" + proven[130:]),
        "an open whose token is shorter than it": (good, proven[:128] + b"\1\0" + proven[130:]),
        "an unknown message": (good, message(0x7777)),
        "a message of the broker's": (good, message(wire.WELCOME, bytes(36))),
        "a message of the control socket": (good, message(0x201, bytes(4))),
        "a credit on the client socket": (good, message(wire.CREDIT, bytes(16))),
        "attached without an attach": (good, message(wire.ATTACHED, bytes(16))),
        "4096 bytes of nothing": (good, bytes(4096)),
        "4097 bytes": (good, message(wire.OPEN, bytes(4093))),
        "65,537 bytes": (bytes(65537),),
        "a name without end": (good, open_message("x" * wire.NAME_BYTES, token)),
        "a name with something behind its end": (good, open_message("porch\0x", token)),
        "control characters in a name": (good, open_message("porch\n", token)),
    }


def send_rubbish(talk, path, text):
    """What did not end in a closed connection; then half-closed and silent ones are kept."""
    wrong = []
    for name, messages in rubbish(Token.parse(text)).items():
        c = Connection(path, greet=False)
        for m in messages:
            c.send(m)
        try:
            came = c.is_closed()
        except TimeoutError:
            wrong.append(f"{name}: the connection goes on")
            continue
        if [m for m in came if m.kind != wire.WELCOME or m.fds]:
            wrong.append(f"{name}: answered {came}")
        c.close()
    kept = [Connection(path) for _ in range(30)]
    for i, c in enumerate(kept):
        with contextlib.suppress(OSError):
            c.sock.shutdown((socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR)[i % 3])
    unread = [Connection(path) for _ in range(10)]
    for c in unread:  # answers that it never reads, then half of it closed
        c.request("porch", wire.NO_TOKEN)
        c.sock.shutdown(socket.SHUT_RD)
    talk.say(wrong)
    talk.hear()


@table.row(9, "empty, tiny, huge, truncated messages; wrong state or version; half-closed",
    "an error or a closed connection; no spinning")
def test_rubbish_drops_its_sender_only(s):
    with Stage(s) as stage:
        before = len(fds_of(stage.broker))
        with Attacker(send_rubbish, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A)) as a:
            wrong = a.hear()
            check(not wrong, f"{wrong}")
            ticks, begun = cpu_ticks(stage.broker), time.monotonic()
            time.sleep(SPIN_S)  # what is measured is doing nothing
            share = (cpu_ticks(stage.broker) - ticks) / os.sysconf("SC_CLK_TCK") \
                / (time.monotonic() - begun)
            check(share < SPIN_SHARE, f"the broker spins: {100 * share:.0f} % of a core")
            a.say()
            a.end()
        until(lambda: len(fds_of(stage.broker)) <= before, f"the broker's {before} descriptors again")
    return f"{len(rubbish(wire.NO_TOKEN))} kinds: closed; {100 * share:.1f} % of a core beside 40 half-closed"


# ---- 10, 11 -------------------------------------------------------------------------------------

def never_reads(talk, path, text):
    """Asks on each connection for as long as it is there. The number still there at the end."""
    many_files()
    token, connections = Token.parse(text), []
    for _ in range(NEVER_READ):
        c = Connection(path)
        c.sock.setblocking(False)
        connections.append(c)
    talk.say()
    alive, rounds = connections, 0
    while alive and rounds < 2000:
        left = []
        for c in alive:
            try:
                c.request("porch", token, width=160, height=120, slots=2)
                left.append(c)
            except BlockingIOError:
                left.append(c)
            if select.select([c.sock], [], [], 0)[0] and hung_up(c.sock):
                left.pop()
        alive, rounds = left, rounds + 1
    return len(alive), rounds


def hung_up(sock):
    p = select.poll()
    p.register(sock, select.POLLHUP)
    return bool(p.poll(0))


@table.row(10, "200 clients that ask for leases and never read", "dropped; others still get leases")
def test_never_reads(s):
    with Stage(s, porch="test:porch?size=160x120&fps=30") as stage:
        with Attacker(never_reads, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A)) as a:
            a.hear()
            took = check_others_are_served(stage, "200 ask and never read") if os.getuid() == 0 else "-"
            left, rounds = a.end(120)
        check(left == 0, f"{left} of {NEVER_READ} are still there after {rounds} requests of each")
        stage.says("it does not read")
        until(lambda: not stage.lease(), "the end of their leases")
    return f"all dropped within {rounds} requests; another uid waited {took}"


def idles(talk, path, text):
    """IDLE connections, all greeted, as far as they are accepted; and a lease on the first."""
    many_files()
    kept, turned_away = [], 0
    for _ in range(IDLE):
        c = Connection(path, greet=False)
        c.send(hello())
        kept.append(c)
    alive = []
    for c in kept:
        if c.expect(wire.WELCOME):
            alive.append(c)
        else:
            turned_away += 1
    talk.say([len(alive), turned_away])
    talk.hear()


@table.row(11, "2,000 idle connections from one uid", "another uid connects and leases within 100 ms")
def test_idles(s):
    if os.getuid():
        raise Skipped("needs two uids: run as root")
    with Stage(s) as stage:
        with Attacker(idles, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A)) as a:
            alive, turned_away = a.hear()
            check(alive > 100, f"only {alive} were accepted: nothing was tested")
            took = check_others_are_served(stage, f"beside {alive} idle connections")
            a.say()
            a.end()
    return f"{took}; {alive} idle, {turned_away} turned away"


# ---- 14 -----------------------------------------------------------------------------------------

def opens_and_closes(talk, path, text):
    token = Token.parse(text)
    c = Connection(path)
    for i in range(LEASES_BEFORE + LEASES):
        a = c.attach("porch", token, width=160, height=120, slots=2)
        if i % 10 == 0:
            a.frame()
        c.shut(a.view)
        a.close()
        if i + 1 == LEASES_BEFORE:
            talk.say()
            talk.hear()
            begun = time.monotonic()
    talk.say(time.monotonic() - begun)
    talk.hear()


def sizes(stage):
    """{role: (KiB of its own memory, descriptors, maps)}"""
    def of(pid):
        with open(f"/proc/{pid}/status") as f:
            kib = sum(int(l.split()[1]) for l in f if l.startswith(("RssAnon:", "VmSwap:", "VmPTE:")))
        return kib, len(fds_of(pid)), len(maps_of(pid))
    pids = [stage.mux.pid, *harness.children_of(stage.mux.pid)]
    return {f"{command_of(p)} {p}": of(p) for p in pids}


def is_flat(before, after):
    if before.keys() != after.keys():
        return False
    return all(a[0] <= b[0] + MEMORY_WAVER_KIB and a[1] <= b[1] and a[2] <= b[2] + 1
        for a, b in ((after[k], before[k]) for k in before))


@table.row(14, f"{LEASES:,} leases opened and closed", "memory, fds and maps of every role flat")
def test_leases_come_and_go(s):
    with Stage(s, porch="test:porch?size=160x120&fps=30") as stage:
        with Attacker(opens_and_closes, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A)) as a:
            a.hear()
            until(lambda: not stage.lease(), "none open")
            before = sizes(stage)
            a.say()
            seconds = a.hear(600)
            until(lambda: not stage.lease(), "none open")
            until(lambda: is_flat(before, sizes(stage)), f"flat: {before}, {sizes(stage)}")
            a.say()
            a.end()
        until(lambda: os.getuid() or not [u for u in stage.mux.status()["uids"]
            if u["uid"] == stage.uid(UID_A) and u["bytes"]], "its memory to be charged no more")
    return f"{LEASES / seconds:.0f} a second; flat"


# ---- 19 -----------------------------------------------------------------------------------------

BIG = (0, 1, 8192, 8193, 4353, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10001)


def impossible():
    """Terms that there can be no ring for."""
    for w in BIG:
        for h in BIG:
            if (w, h) != (0, 0) and (w == 0 or h == 0 or w > 8192 or h > 8192 or w * h > 8192 * 4352):
                yield {"width": w, "height": h}
    for slots in (1, 17, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        yield {"width": 64, "height": 64, "slots": slots}
    for fourcc in (1, 0xFFFFFFFF, 0x32315659):
        yield {"width": 64, "height": 64, "fourcc": fourcc}
    for flags in (8, 0x80000000, 0xFFFFFFFF):
        yield {"width": 64, "height": 64, "flags": flags}
    yield {"width": 8192, "height": 4352, "slots": 16, "fourcc": wire.XRGB8888}  # 2.1 GiB


def asks_for_the_impossible(talk, path, text):
    token, wrong = Token.parse(text), []
    c = Connection(path)
    n = 0
    for terms in impossible():
        verdict = c.verdict("porch", token, **terms)
        n += 1
        if not verdict.startswith("refused"):
            wrong.append(f"{terms}: {verdict}")
    talk.say([n, wrong])
    talk.hear()
    # Everything at 4K, and views without end, by their greatest numbers too.
    leased = refused = 0
    for i in range(200):
        verdict = c.verdict("porch", token, view=0xFFFFFFFF - i, width=3840, height=2160)
        leased, refused = leased + (verdict == "leased"), refused + verdict.startswith("refused")
    talk.say([leased, refused])
    talk.hear()
    views = 0
    c = Connection(path)
    for i in range(300):
        if c.verdict("porch", token) == "leased":
            views += 1
    talk.say(views)
    talk.hear()


def rings_of(broker):
    return sum(len(m) > 5 and "framemux-ring" in m[5] for m in maps_of(broker))


@table.row(19, "huge, zero, negative, overflowing geometry; endless leases; all at 4K",
    "refused before anything is allocated")
def test_asks_for_the_impossible(s):
    with Stage(s) as stage:
        rings = rings_of(stage.broker)
        with Attacker(asks_for_the_impossible, stage.mux.socket, stage.grant("porch"),
                uid=stage.uid(UID_A)) as a:
            n, wrong = a.hear()
            check(not wrong, f"not refused: {wrong}")
            check(rings_of(stage.broker) == rings, "rings were made")
            mine = stage.quota()
            check(os.getuid() or not mine or not mine["bytes"], f"charged for nothing: {mine}")
            a.say()
            leased, refused = a.hear()
            of_4k = 3840 * 2160 * 3 // 2 * 4
            check(leased <= QUOTA_BYTES // of_4k and leased + refused == 200,
                f"{leased} leases at 4K, {refused} refused")
            check(stage.quota()["bytes"] <= QUOTA_BYTES, f"charged {stage.quota()}")
            a.say()
            views = a.hear()
            check(views <= 64, f"{views} views on one connection")
            a.say()
            a.end()
    return f"{n} geometries refused, nothing charged; {leased} of 200 at 4K; {views} of 300 views"


# ---- what framemuxd is asked for clients ----------------------------------------------------------

ASKING = 32          # connections
ASKING_S = 4
OPENED_BY_OTHER = 20


def opens_and_shuts(talk, path, text, unit):
    """As fast as it can: the lease is shut while the mux still finds out whether it may begin."""
    token = Token.parse(text)
    if unit:
        token = token.narrowed(wire.UNIT, unit.encode())
    ends = []
    for _ in range(ASKING):
        c = Connection(path)
        c.sock.setblocking(False)
        ends.append([c, (open_message("porch", token, c.challenge),
            message(wire.SHUT, struct.pack("<I", 1))), 0])
    talk.say()
    talk.hear()  # that the others are connected, too
    until_s, sent = time.monotonic() + ASKING_S, 0
    while time.monotonic() < until_s and not select.select([talk.reader], [], [], 0)[0]:
        for end in ends:
            c, messages, turn = end
            with contextlib.suppress(OSError):  # full; or the mux is gone, which others see
                for _ in range(64):
                    c.sock.send(messages[turn])
                    end[2] = turn = turn ^ 1
                    sent += 1
            with contextlib.suppress(OSError):
                while c.sock.recv(4096):
                    pass
    return sent


def opens_beside(talk, path, text):
    """What another user is told that opens one lease after another."""
    token, c, said = Token.parse(text), Connection(path), []
    for _ in range(OPENED_BY_OTHER):
        said.append(c.verdict("porch", token, width=64, height=48))
        c.shut(c.view)
    c.close()
    return said


def flood_of_asks(s, unit):
    with Stage(s) as stage:
        token = stage.grant("porch", UID_B)
        with contextlib.ExitStack() as attackers:
            flooding = [attackers.enter_context(Attacker(opens_and_shuts, stage.mux.socket,
                stage.grant("porch"), unit, uid=stage.uid(UID_A))) for _ in range(2)]
            for a in flooding:
                a.hear()
            for a in flooding:
                a.say()
            with Attacker(opens_beside, stage.mux.socket, token, uid=stage.uid(UID_B)) as other:
                sent = sum(a.end() for a in flooding)
                check("the broker fell" not in stage.mux.log(), "the broker fell")
                said = other.end()
        wrong = [x for x in said if x != "leased"]
        check(os.getuid() or not wrong, f"another uid is told {wrong[:3]}, {len(wrong)} times")
        stage.other.await_frames(len(stage.other.meta()) + 1)
        began = [x for x in stage.mux.log().splitlines() if " ended: uid " in x and f"uid {UID_A} " in x]
        check(not unit or not began, f"leases end that never began: {began[:2]}")
    return f"{sent} messages; {len(said) - len(wrong)} of {len(said)} leases of another uid"


@table.row(14, "OPEN and SHUT without a pause, the token bound to a unit", "framemuxd's answers do not heap up")
def test_floods_of_asks_for_units(s):
    return flood_of_asks(s, "/nowhere.service")


@table.row(14, "OPEN and SHUT without a pause", "another uid's leases are recorded, and begin")
def test_floods_of_asks_for_records(s):
    return flood_of_asks(s, "")
