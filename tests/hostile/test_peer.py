"""REDTEAM 22, 51, 52, 55, 59: between client and decoder, on the lease socket."""
import contextlib
import errno
import os
import signal
import socket
import struct
import time

import table
import wire
from attacker import Attacker, Stage, attack
from harness import UID_A, UID_B, UNHURRIED_FPS, check, command_of, fds_of, until
from shown import run_programs
from test_revoke import holder
from wire import Connection, Token, message

FULL = bool(os.environ.get("FRAMEMUX_FULL"))
STOPPED_S = 150 if FULL else 3
STALE_MS = 1000
SO_PASSRIGHTS = 83
SLOTS = 4
PORCH = f"test:porch?size=320x240&fps={UNHURRIED_FPS}"
IN_WAIT = {"x86_64": ("232", "281", "7", "271"), "aarch64": ("22", "73")}  # epoll and poll


def watcher(stage):
    """Another client of the attacked camera, who must lose no frame either."""
    c = stage.mux.dump("porch", stage.grant("porch", UID_B), uid=UID_B, frames=1000000)
    c.takes_turns_first().await_frames(2)
    return c


def check_unmoved(client):
    client.await_frames(len(client.meta()) + 5)
    check(len({m["generation"] for m in client.meta()}) == 1, "porch was born again")
    client.check_missed_none()


def decoder_of(stage, camera="porch"):
    return next(p for p in stage.mux.camera(camera)["pids"] if command_of(p) == "framemux-decode")


# ---- 22 -----------------------------------------------------------------------------------------

def holds_every_slot(talk, path, token):
    c = Connection(path)
    a = c.attach("porch", Token.parse(token), slots=SLOTS)
    slots, beats = [], 0
    while beats < 4 * SLOTS:  # four a second: enough of them for frames that will not come
        m = wire.receive(a.sock)
        slots += [m.slot] if m.kind == wire.FRAME else []
        beats += m.kind == wire.BEAT
    check(len(set(slots)) == len(slots), f"a slot that it holds was given it again: {slots}")
    talk.say([len(slots), a.m.lease])
    talk.hear()


@table.row(22, "stopped while it holds every slot, then killed", "others lose no frame; its ring reclaimed")
def test_stopped_with_every_slot(s):
    with Stage(s, porch=PORCH) as stage:
        beside = watcher(stage)
        with Attacker(holds_every_slot, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A)) as a:
            held, lease = a.hear()
            check(held == SLOTS, f"it was given {held} of {SLOTS} slots")
            a.signal(signal.SIGSTOP)
            check_unmoved(beside)
            ours = [x for x in stage.mux.status()["leases"] if x["id"] == f"{lease:016x}"]
            check(ours, "its lease has ended by itself: nothing was tested")
            a.kill()
            until(lambda: f"{lease:016x}" not in [x["id"] for x in stage.mux.status()["leases"]],
                "its lease to be reclaimed")
            until(lambda: os.getuid() or not (stage.quota() or {}).get("bytes"),
                "its ring to be reclaimed")
            check_unmoved(beside)


# ---- 55 -----------------------------------------------------------------------------------------

def credit(slot, seq, acquired=1):
    return message(wire.CREDIT, struct.pack("<IIQ", slot, acquired, seq))


def bad_credits(frame):
    """What to send while the client holds exactly this frame."""
    other = (frame.slot + 1) % SLOTS
    return {
        "double": [credit(frame.slot, frame.seq), credit(frame.slot, frame.seq)],
        "early": [credit(other, frame.seq + 1)],
        "early, of seq 0": [credit(other, 0)],
        "forged: another seq": [credit(frame.slot, frame.seq + 1)],
        "forged: another slot": [credit(other, frame.seq)],
        "forged: no such slot": [credit(SLOTS, frame.seq)],
        "forged: slot 2^32-1": [credit(0xFFFFFFFF, frame.seq)],
        "forged: acquired 2": [credit(frame.slot, frame.seq, 2)],
        "a frame, back to the decoder": [message(wire.FRAME, bytes(64))],
        "a beat": [message(wire.BEAT, bytes(8))],
        "cut short": [credit(frame.slot, frame.seq)[:-1]],
        "too long": [credit(frame.slot, frame.seq) + b"\0"],
        "empty": [b""],
        "5000 bytes": [bytes(5000)],
    }


def credits_badly(talk, path, text):
    token, wrong = Token.parse(text), []
    c = Connection(path)
    kinds = list(bad_credits(wire.Message(message(wire.FRAME, bytes(64)))))
    for kind in kinds:
        a = c.attach("porch", token, slots=SLOTS)
        for m in bad_credits(a.frame())[kind]:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                a.sock.send(m)
        if not wire.ended(a.sock, 5):
            wrong.append(f"{kind}: the attach goes on")
        else:
            news = c.expect(wire.STATE)
            if news.view != a.view or news.state != wire.STALE:
                wrong.append(f"{kind}: told {news}")
            if not wire.is_blank(a.map()):
                wrong.append(f"{kind}: the ring is not erased")
        c.shut(a.view)
        a.close()
    return len(kinds), wrong


def thrice_in_a_row(talk, path, text):
    """The faults of one lease. The last message about it."""
    c = Connection(path)
    c.request("porch", Token.parse(text), slots=SLOTS)
    for _ in range(3):
        a = c.next_attach()
        a.sock.send(credit(0, 0))
    while (m := c.expect(wire.STATE)) and m.state not in wire.FINAL:
        pass
    return m.state if m else None


@table.row(55, "double, early and forged credits on its own lease", "own attach ends; others unmoved")
def test_bad_credits(s):
    with Stage(s, porch=PORCH) as stage:
        beside = watcher(stage)
        n, wrong = attack(credits_badly, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A))
        check(not wrong, f"{wrong}")
        stage.says("credit for a slot that the client does not hold")
        stage.says("malformed message on the lease socket")
        end = attack(thrice_in_a_row, stage.mux.socket, stage.grant("porch"), uid=stage.uid(UID_A))
        check(end == wire.REVOKED, f"after three faults in a row the lease is in state {end}")
        check_unmoved(beside)
    return f"{n} kinds: the attach ended, erased; three in a row: the lease too"


# ---- 51, 52 -------------------------------------------------------------------------------------

@table.row(51, "hostile decoder against the library: slots, times, tags, floods, zeros",
    "refused; no read outside the ring; view ends")
def test_hostile_decoder(s):
    return run_programs(s, "unit/test_client_hostile", "unit/test_client_erased")


def sends_fds_to_the_decoder(talk, path, text):
    """Also its own ring, and what is not to be closed."""
    c = Connection(path)
    a = c.attach("porch", Token.parse(text))
    a.take(1)
    off = a.sock.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS) if os.uname().release >= "6.16" else 0
    m = a.frame()
    sent = 0
    for fds in ([a.ring_fd], [a.ring_fd, a.dead_fd, a.sock.fileno()], [0] * wire.FDS_MAX):
        for _ in range(100):
            try:
                wire.send_fds(a.sock, credit(m.slot, m.seq), fds)
                sent += 1
            except (PermissionError, BrokenPipeError, ConnectionResetError):
                break
    talk.say([sent, off])
    talk.hear()


@table.row(52, "fds over the lease socket, both ways, before and after the seal", "none arrives")
def test_descriptors_on_the_lease_socket(s):
    with Stage(s, porch=PORCH) as stage:
        beside = watcher(stage)
        decoder = decoder_of(stage)

        def odd_ones():
            return [x for x in fds_of(decoder).values() if "memfd" in x or "null" in x]
        before = sorted(odd_ones())
        with Attacker(sends_fds_to_the_decoder, stage.mux.socket, stage.grant("porch"),
                uid=stage.uid(UID_A)) as a:
            sent, passes = a.hear()
            check(not passes, "SO_PASSRIGHTS is on at the client's end")
            check_unmoved(beside)  # the decoder has read everything by now
            check(sorted(odd_ones()) == before, f"the decoder was given {odd_ones()}")
            a.say()
            a.end()
    shown = run_programs(s, "unit/test_client_hostile", "unit/test_attach", "unit/test_broker_ring")
    return f"none; {sent} messages left" + ("" if sent else " (EPERM)") + f"; {shown}"


# ---- 59 -----------------------------------------------------------------------------------------

def stop_in_wait(client):
    """Stopped while it waits: no frame is half way out."""
    def stopped():
        client.signal(signal.SIGSTOP)
        with contextlib.suppress(OSError):
            until(lambda: state_of(client.pid) == "T", "it is stopped")
            with open(f"/proc/{client.pid}/syscall") as f:
                if f.read().split()[0] not in IN_WAIT.get(os.uname().machine, ()):
                    client.signal(signal.SIGCONT)
                    return False
        return True
    until(stopped, "the client waits")


def state_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0]


def stopped_with_a_frame_at_hand(s, mux, token):
    """It has been told of a frame and is stopped before it acquires it: nothing is read in between
    that could tell it more. What acquire gives it then; one that is not stopped is given its frame."""
    def quick():
        with holder(s, mux, token, "ready") as look:
            return look()[1]
    until(lambda: quick() == 0, "a frame for one that was not stopped")
    with holder(s, mux, token, "ready") as look:
        os.kill(look.pid, signal.SIGSTOP)
        until(lambda: state_of(look.pid) == "T", "it is stopped")
        time.sleep(2 * STALE_MS / 1000)  # the attack itself
        os.kill(look.pid, signal.SIGCONT)
        return look()[1]


@table.row(59, f"SIGSTOP for {STOPPED_S} s, then SIGCONT, with frames queued",
    "nothing older than the limit is acquired")
def test_stopped_and_continued(s):
    with Stage(s, top=f"stale_after = {STALE_MS}\n") as stage:
        client = stage.mux.dump("porch", stage.grant("porch"), "--timeout", "30", uid=UID_A,
            frames=100000)
        client.await_frames(5)
        stop_in_wait(client)
        stopped = time.monotonic_ns()
        time.sleep(STOPPED_S)  # the attack itself
        seen = len(client.meta())
        continued = time.monotonic_ns()
        client.signal(signal.SIGCONT)
        client.await_frames(seen + 5)
        after = client.meta()[seen:]
        queued = [m for m in after if m["publish_ns"] < continued]
        old = [(continued - m["publish_ns"]) // 1000000 for m in after
            if m["publish_ns"] < continued - STALE_MS * 1000000]
        check(not old, f"frames {old} ms old were acquired")
        check(stopped < continued - STALE_MS * 1000000, "it was not stopped for long enough")
        late = stopped_with_a_frame_at_hand(s, stage.mux, stage.mux.grant("porch"))
        check(late == -errno.ESTALE, f"acquired after {2 * STALE_MS} ms: {late}")
    return f"{len(after)} frames since, {len(queued)} from before, none older than {STALE_MS} ms"
