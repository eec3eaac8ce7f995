"""REDTEAM 44 and 54: several deaths at one moment, and a framemuxd that does not answer."""
import json
import os
import signal
import subprocess

import harness
import table
from harness import UID_A, check, command_of, until
from test_memory import watching
from test_revoke import is_blank, keep_ring, lease_of


def role_of(mux, name, role):
    return next(p for p in mux.camera(name)["pids"] if command_of(p) == role)


def serves(mux):
    try:
        return mux.status()["pid"] == mux.pid
    except harness.Failed:
        return False


@table.row(44, "SIGKILL of broker and decoder together", "library dark, a new broker serves")
def test_broker_and_decoder_killed_together(s):
    """44: nobody is left to erase; the library is dark all the same, and a new broker serves."""
    mux, (client,) = watching(s, 1)
    broker, = mux.roles("framemux-broker")
    decode = role_of(mux, "porch", "framemux-decode")
    token = mux.grant("porch", uid=UID_A)
    os.kill(mux.pid, signal.SIGSTOP)  # so that it mends nothing in between
    for pid in (broker, decode):
        os.kill(pid, signal.SIGKILL)
    client.expect(69)
    shown = len(client.meta())
    os.kill(mux.pid, signal.SIGCONT)
    until(lambda: serves(mux), "a new broker")
    check(len(client.meta()) == shown, "frames after the broker's death")
    check(not mux.status()["leases"], "an old lease lives")
    mux.dump("porch", token, uid=UID_A, frames=2).expect(0)


@table.row(44, "SIGKILL of framemuxd and broker", "erased, told, tokens good after a restart")
def test_framemuxd_killed_with_its_broker(s):
    """44: the decoders erase and go, the clients are told, and a restart takes the same tokens."""
    mux, clients = watching(s)
    token = mux.grant("porch", uid=UID_A)
    rings = [keep_ring(c) for c in clients]
    family = harness.children_of(mux.pid)
    broker, = mux.roles("framemux-broker")
    for pid in (mux.pid, broker):
        os.kill(pid, signal.SIGKILL)
    mux.process.wait()
    for client in clients:
        client.expect(69)
    until(lambda: not any(command_of(p) for p in family), "the roles' end")
    blind = [is_blank(r) for r in rings]
    for ring in rings:
        ring.close()
    check(all(blind), f"pixels are left: {blind}")
    mux.start()
    mux.dump("porch", token, uid=UID_A, frames=2).expect(0)


@table.row(54, "revoke while framemuxd is stopped", "erased at once")
def test_revoke_while_framemuxd_is_stopped(s):
    """54: the pixels go at once; only the word that the revocation is on disk has to wait."""
    mux, (one, other) = watching(s, 2, ("porch", "porch"))
    ring = keep_ring(one)
    lease = lease_of(mux, one)["id"]
    os.kill(mux.pid, signal.SIGSTOP)
    try:
        asked = subprocess.Popen([s.program("framemuxctl"), "-s", mux.control, "--json", "revoke", lease],
            stdout=subprocess.PIPE, env=s.env(), text=True)
        until(lambda: is_blank(ring), "the ring to be erased")
        one.expect(77)
    finally:
        os.kill(mux.pid, signal.SIGCONT)
        ring.close()
    said, _ = asked.communicate(timeout=30)
    check(asked.returncode == 0 and json.loads(said)["ended"] == [lease], f"revoke: {said}")
    other.await_frames(len(other.meta()) + 3)


@table.row(54, "revoke while framemuxd and decode are stopped", "erased at once, decode killed")
def test_revoke_while_framemuxd_and_the_decoder_are_stopped(s):
    """54: a decoder that cannot let go is not waited for before its ring is erased."""
    mux, (client,) = watching(s, 1)
    ring = keep_ring(client)
    lease = lease_of(mux, client)["id"]
    decode = role_of(mux, "porch", "framemux-decode")
    os.kill(decode, signal.SIGSTOP)
    os.kill(mux.pid, signal.SIGSTOP)
    try:
        asked = subprocess.Popen([s.program("framemuxctl"), "-s", mux.control, "--json", "revoke", lease],
            stdout=subprocess.PIPE, env=s.env(), text=True)
        until(lambda: is_blank(ring), "the ring to be erased")
    finally:
        os.kill(mux.pid, signal.SIGCONT)
    said, _ = asked.communicate(timeout=30)
    blind = is_blank(ring)
    ring.close()
    check(asked.returncode == 0 and json.loads(said)["ended"] == [lease], f"revoke: {said}")
    check(blind, "pixels are left")
    client.expect(77)
    until(lambda: not command_of(decode), "the stopped decoder's end")
