"""REDTEAM 13 and 34: clients that die between grant and map, decoders that keep what they were given."""
import json
import os
import resource
import signal
import time

import table
import takeover
import wire
from attacker import Attacker, Stage
from harness import UID_A, check, command_of, until
from shown import run_programs
from test_frames import camera
from test_peer import decoder_of
from test_revoke import is_blank, keep_ring, lease_of
from wire import Connection, Token

MREMAP_MAYMOVE = 1
EMFILE = 24
FORBIDDEN = "was killed for a forbidden system call"
# What would let a decoder keep a ring's file, or change it before the broker has sealed it.
KEEPERS = {"dup3": (6, 60, 0), "ftruncate": (6, 0), "fallocate": (6, 3, 0, 4096), "fcntl": (6, 1033, 2)}


# ---- 13 -----------------------------------------------------------------------------------------

def leaves_it_unread(c):
    """It knows its lease; ring and sockets are still in its socket."""
    check(c.expect(wire.LEASE), "no lease")
    return "unread"


def takes_and_does_not_map(c):
    m = c.expect(wire.ATTACH)
    return f"{len(m.fds)} descriptors"


def has_no_room(c):
    """Its table is full: the message comes, the descriptors do not. It says so, and goes on asking."""
    free = os.dup(0)
    os.close(free)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, most))
    m = c.expect(wire.ATTACH)
    check(m and not m.fds, f"descriptors came into a full table: {m}")
    c.acknowledge(m, EMFILE)
    end = c.expect(wire.STATE)
    check(end, "the mux closed the connection")
    return f"state {end.state}"


def stops_halfway(talk, path, text, how):
    c = Connection(path)
    c.request("porch", Token.parse(text))
    talk.say(how(c))
    talk.hear()


def is_reclaimed(stage):
    quota = stage.quota()
    return not stage.lease() and (not quota or not quota["leases"] and not quota["bytes"])


@table.row(13, "dies between grant and map; has a full fd table", "lease reclaimed within 1 s")
def test_dies_before_it_has_mapped(s):
    said, slowest = [], 0
    with Stage(s, top="linger = 0\n") as stage:
        for how in (leaves_it_unread, takes_and_does_not_map, has_no_room):
            with Attacker(stops_halfway, stage.mux.socket, stage.grant("porch"), how,
                    uid=stage.uid(UID_A)) as a:
                said.append(a.hear())
                if how is not has_no_room:
                    check(stage.lease(), "there is no lease that could be reclaimed")
                killed = time.monotonic()
                a.kill()
            until(lambda: is_reclaimed(stage), f"the lease of one that {how.__name__} to go")
            slowest = max(slowest, time.monotonic() - killed)
            until(lambda: not stage.mux.camera("porch")["pids"], "the end of what it alone wanted")
    return f"{', '.join(said)}: gone after {slowest * 1000:.0f} ms at most"


# ---- 34 -----------------------------------------------------------------------------------------

def ring_map_of(pid):
    """(address, bytes) of the ring that a decoder writes into."""
    with open(f"/proc/{pid}/maps") as f:
        line = next(l for l in f if "memfd:framemux-ring" in l and "rw-s" in l)
    first, _, last = line.split()[0].partition("-")
    return int(first, 16), int(last, 16) - int(first, 16)


def revoke_blindly(stage, client):
    """Revokes; whether anything is left in the ring when that returns."""
    ring = keep_ring(client)
    answer = json.loads(stage.mux.ctl("--json", "revoke", lease_of(stage.mux, client)["id"]))
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left")
    return answer["elapsed_us"]


def watched(stage):
    client = stage.mux.dump("porch", stage.grant("porch"), uid=UID_A, frames=100000)
    client.await_frames(2)
    return client


@table.row(34, "decoder keeps a second map of a ring, and says that it let go",
    "killed, erased again; other leases untouched")
def test_keeps_a_second_map(s):
    takeover.needed()
    with Stage(s) as stage:
        client = watched(stage)
        decoder = decoder_of(stage)
        address, size = ring_map_of(decoder)
        second = takeover.do(decoder, "mremap", address, 0, size, MREMAP_MAYMOVE)
        check(isinstance(second, int) and second > 0, f"mremap: {second}: it shows nothing")
        us = revoke_blindly(stage, client)
        client.expect(77)
        until(lambda: not command_of(decoder), "the end of one that did not let go")
        stage.says("did not let go of a ring in time")
    return f"killed; blank after {us} us"


@table.row(34, "decoder duplicates, cuts, punches or seals what it is given", "SIGSYS, logged")
def test_keeps_or_changes_a_descriptor(s):
    takeover.needed()
    more = "".join(camera(f"porch-{n}", f"test:{n}?size=64x64&fps=10") for n in KEEPERS)
    with Stage(s, more) as stage:
        for call, arguments in KEEPERS.items():
            name = f"porch-{call}"
            client = stage.mux.dump(name, stage.grant(name), uid=UID_A, frames=100000)
            client.await_frames(1)
            got = takeover.do(decoder_of(stage, name), call, *arguments)
            check(got == signal.SIGSYS, f"{call}: {got!r}")
            stage.says(f"camera {name}: decode {FORBIDDEN}")
            client.signal(signal.SIGKILL)
            client.wait()
    return f"{len(KEEPERS)} calls: SIGSYS"


@table.row(34, "decoder does not acknowledge a ring", "killed and born again; other leases untouched")
def test_does_not_acknowledge(s):
    with Stage(s, top="stale_after = 10000\n") as stage:  # else its silence is what ends it
        client = watched(stage)
        decoder = decoder_of(stage)
        os.kill(decoder, signal.SIGSTOP)
        late = stage.mux.dump("porch", stage.grant("porch"), "--timeout", "60", uid=UID_A, frames=2)
        stage.says("did not map a ring in time")
        until(lambda: not command_of(decoder), "the end of one that does not answer")
        late.expect(0)
        client.await_frames(len(client.meta()) + 2, 60)
        check(client.meta()[-1]["generation"] > client.meta()[0]["generation"], "the same generation")


@table.row(34, "decoder never lets go", "erased without it, killed; other leases untouched")
def test_never_lets_go(s):
    with Stage(s) as stage:
        client = watched(stage)
        decoder = decoder_of(stage)
        os.kill(decoder, signal.SIGSTOP)
        us = revoke_blindly(stage, client)
        client.expect(77)
        stage.says("did not let go of a ring in time")
        until(lambda: not command_of(decoder), "its end")
    return f"blank after {us} us"


@table.row(34, "decoder lies: slots, sizes, floods, strangers' attaches, seals first",
    "checked, killed; other leases untouched")
def test_decoder_lies(s):
    return run_programs(s, "unit/test_broker_revoke", "unit/test_broker_breach", "unit/test_broker_ring")
