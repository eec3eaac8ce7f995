"""REDTEAM 48, 54, 60: the audit log's disk hangs, or takes nothing, or somebody tries to fill it."""
import contextlib
import os
import signal
import subprocess

import fuse
import harness
import table
import takeover
import wire
from attacker import Attacker
from harness import UID_A, UID_B, Failed, Process, Skipped, check, until
from test_audit import log_of, verify, wait_for
from test_key import keys
from test_policy import CAMERAS, Fleet
from test_refusals import TWO, refused
from test_revoke import REVOKE_LIMIT_US, is_blank, keep_ring
from wire import Connection

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
UID_C = UID_B + 1
FIRST_UID, UIDS = 100000, 2000
REFUSALS_OF_ONE = 500
SUM_ROWS = 17       # a minute: 16 rows and one for the rest
GROWTH_BYTES = 32768


# ---- 48 -------------------------------------------------------------------------------------


@contextlib.contextmanager
def read_only(path):
    """While nobody has it open: the kernel takes no file away from whoever may write it."""
    if os.getuid():
        raise Skipped("mounting takes root")
    for argv in (["--bind", path, path], ["-o", "remount,bind,ro", path]):
        done = subprocess.run(["mount", *argv], capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["umount", "-l", path], capture_output=True, check=False)
            raise Skipped("nothing can be mounted here: " + done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@table.row(48, "read-only state folder", "it does not start, and says so: no grant without its record")
def test_read_only_folder(s):
    mux = s.mux(TWO)
    token = mux.grant("porch", uid=UID_A)
    mux.stop()
    with read_only(s.path("state")):
        try:
            mux.start()
        except Failed as e:
            check("state" in str(e) and "Read-only file system" in str(e), f"it does not say why: {e}")
        else:
            raise Failed("it serves, and can record nothing")
        check(mux.process.wait() not in (0, None), "as if all were well")
    mux.start()
    mux.dump("porch", token, uid=UID_A).expect(0)
    check("the log is whole" in verify(mux), "not whole")


# ---- 54 -------------------------------------------------------------------------------------


@contextlib.contextmanager
def hanging_disk(mux):
    """framemuxd's threads stand still, as in a write that does not return; its loop goes on."""
    tids = [int(t) for t in os.listdir(f"/proc/{mux.pid}/task") if int(t) != mux.pid]
    check(tids, "which thread writes?")
    for tid in tids:
        takeover.ptrace(PTRACE_SEIZE, tid)
        takeover.ptrace(PTRACE_INTERRUPT, tid)
        os.waitpid(tid, takeover.WALL)
    try:
        yield
    finally:
        for tid in tids if harness.command_of(mux.pid) else ():
            takeover.ptrace(takeover.PTRACE_DETACH, tid)


def ctl(mux, *args):
    """A framemuxctl that is not waited for."""
    s = mux.scene
    argv = [s.program("framemuxctl"), "-s", mux.control, *args]
    s.processes.append(Process(s, f"ctl{len(s.processes)}", argv, env=s.env()))
    return s.processes[-1]


def test_ends_while_the_disk_lags(s):
    """What changed behind a write that still ran is on disk when it has ended, as what was written."""
    takeover.needed()
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    bundles = [fleet.bundle(1, "block vendor nobody"), fleet.bundle(2, 'block model "acme eyes" two')]
    with hanging_disk(mux):
        for name in ("a", "c"):
            ctl(mux, "disable", "--camera", name)
            until(lambda name=name: f"camera {name} is disabled by" in mux.log(), "the kill switch")
        for version, bundle in enumerate(bundles, 1):
            ctl(mux, "policy", "apply", bundle)
            until(lambda version=version: f"policy {version} is in force" in mux.log(), "the policy")
        mux.process.signal(signal.SIGTERM)
        until(lambda: "ending: signal" in mux.log(), "its end to begin")
    mux.process.expect(0)
    mux.start()
    states = {c["name"]: c["state"] for c in mux.status()["cameras"]}
    check(states == {"a": "disabled", "b": "blocked", "c": "disabled"}, f"after a restart: {states}")


@table.row(54, "revoke, disable, grant while the audit disk hangs", "bound kept; disable works; nothing new is granted")
def test_the_audit_disk_hangs(s):
    takeover.needed()
    mux = s.mux(TWO)
    begin = lambda name, uid: mux.dump(name, mux.grant(name, uid=uid), uid=uid, frames=1000000)
    was_revoked = mux.grant("porch", uid=UID_A)
    revoked = mux.dump("porch", was_revoked, uid=UID_A, frames=1000000)
    stays, disabled = begin("porch", UID_B), begin("garden", UID_A)
    late = mux.grant("porch", uid=UID_A)
    for client in (revoked, stays, disabled):
        client.await_frames(2)
    lease = next(x for x in mux.status()["leases"] if x["pid"] == revoked.pid)
    rings = [keep_ring(c) for c in (revoked, disabled)]
    broker = mux.roles("framemux-broker")
    with hanging_disk(mux):
        grant, opened = ctl(mux, "grant", "--camera", "porch"), mux.dump("porch", late, uid=UID_A)
        revoke, of_user = ctl(mux, "revoke", lease["id"]), ctl(mux, "revoke", "--uid", str(UID_C))
        # Blind while the command still waits for the disk: the order is the proof.
        revoked.expect(77)
        check(revoke.running() and is_blank(rings[0]), "the revocation waited for the disk")
        disable = ctl(mux, "disable", "--camera", "garden")
        disabled.expect(69)
        check(disable.running() and is_blank(rings[1]), "the kill switch waited for the disk")
        check(mux.camera("garden")["state"] == "disabled" and not mux.camera("garden")["pids"], "garden's pair lives")
        seen = len(stays.meta())
        stays.await_frames(seen + 5)
        for process in (revoke, of_user, disable):
            process.expect(75)
        check("did not record it in time" in revoke.err() and "in force" in disable.err(),
            revoke.err() + disable.err())
        took = mux.status()["totals"]["revoke_us_max"]
        check(0 < took < REVOKE_LIMIT_US, f"revoke took {took} us")
        grant.expect(75)
        check(not grant.out() and "does not answer" in grant.err(), grant.err())
        opened.expect(77)
        check("does not answer" in opened.err() and not opened.meta(), opened.err())
        seen = len(stays.meta())
        stays.await_frames(seen + 5)
    for ring in rings:
        ring.close()
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A).expect(0)
    # The disk's answers have come to nobody who waits: what was cut off stays so, what is granted since is good.
    mux.dump("porch", mux.grant("porch", uid=UID_C), uid=UID_C).expect(0)
    refused(mux.dump("porch", was_revoked, uid=UID_A))
    check(mux.roles("framemux-broker") == broker, "the broker fell")
    check(len(mux.recorded("revoke")) == 2, f"{mux.recorded('revoke')}")
    check("the log is whole" in verify(mux), "not whole")
    wait_for(s, "disable")
    mux.stop()
    mux.start()
    check(mux.camera("garden")["state"] == "disabled", "not kept, once the disk went on")
    refused(mux.dump("porch", was_revoked, uid=UID_A))
    return f"blind after {took} us"


@table.row(54, "the policy folder's disk hangs", "all else is served; the disk's end is no end of the mux")
def test_the_policy_folder_hangs(s):
    fuse.needed()
    fleet, folder = Fleet(s), s.folder("drop")
    os.chmod(folder, 0o755)
    with fuse.SilentFolder(folder) as silent:
        mux = fleet.mux(CAMERAS, f'policy_folder = "{folder}"\n')
        until(silent.is_asked, "the folder to be listed")
        client = mux.dump("b", mux.grant("b", uid=UID_A), uid=UID_A, frames=1000000)
        client.await_frames(2)
        mux.ctl("disable", "--camera", "a")
        mux.ctl("policy", "apply", fleet.bundle(1, "block vendor other"))
        states = {c["name"]: c["state"] for c in mux.status()["cameras"]}
        check(states["a"] == "disabled" and states["c"] == "blocked", f"{states}")
        mux.ctl("reload")
        seen = len(client.meta())
        client.await_frames(seen + 2)
    until(lambda: "the policy folder cannot be listed" in mux.log(), "the folder's end to be noticed")
    client.await_frames(len(client.meta()) + 2)
    mux.stop()


@table.row(54, "the broker dies while a revocation or a key's end waits for the disk", "the next broker knows of both")
def test_the_next_broker_knows(s):
    takeover.needed()
    mux = s.mux(TWO)
    old = mux.grant("porch", uid=UID_A)
    mux.ctl("key", "rotate")
    revoked, good = mux.grant("porch", uid=UID_A), mux.grant("porch", uid=UID_A)
    watchers = [mux.dump("porch", token, uid=UID_A, frames=1000000) for token in (old, revoked)]
    for client in watchers:
        client.await_frames(2)
    lease = next(x for x in mux.status()["leases"] if x["pid"] == watchers[1].pid)
    broker, = mux.roles("framemux-broker")
    with hanging_disk(mux):
        asked = [ctl(mux, "revoke", lease["id"]), ctl(mux, "key", "retire")]
        for client in watchers:
            client.expect(77)
        mux.status()  # framemuxd's word, which comes after it has heard of both
        check(all(a.running() for a in asked), "it was not waited for the disk: " + asked[1].err())
        os.kill(broker, signal.SIGKILL)
        for a in asked:
            a.wait()
        harness.until(lambda: mux.roles("framemux-broker") not in ([], [broker]), "another broker")
        check(keys(mux) == [2], f"the next broker has keys {keys(mux)}")
    for token in (old, revoked):
        refused(mux.dump("porch", token, uid=UID_A))
    mux.dump("porch", good, uid=UID_A).expect(0)
    check(keys(mux) == [2], f"the next broker has keys {keys(mux)}")
    mux.stop()
    mux.start()
    for token in (old, revoked):
        refused(mux.dump("porch", token, uid=UID_A))


# ---- 60 -------------------------------------------------------------------------------------


def refused_as(uid, path, n):
    """n refusals of this user; which of them the mux answered as such."""
    os.setresgid(uid, uid, 0)
    os.setresuid(uid, uid, 0)
    try:
        c = Connection(path)
        said = [c.verdict("porch", wire.NO_TOKEN) for _ in range(n)]
        c.close()
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
    return sum(x.startswith("refused") for x in said)


def flood(talk, path):
    os.setgroups([])
    refused = sum(refused_as(UID_B, path, 1) for _ in range(REFUSALS_OF_ONE))
    for i in range(UIDS):
        if i == UIDS // 2:
            talk.say(refused)
            talk.hear()
        refused += refused_as(FIRST_UID + i, path, 1)
    return refused


def log_bytes(s):
    folder = s.path("state/audit")
    return sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder) if f.endswith(".log"))


@table.row(60, "audit flood by refusals from one and from 2,000 uids", "sums only; grants recorded; disk bounded")
def test_flood_of_refusals(s):
    if os.getuid():
        raise Skipped("2,000 users: run as root")
    mux = s.mux(TWO)
    mux.grant("garden")
    before = log_bytes(s)
    with Attacker(flood, mux.socket, uid=None) as a:
        a.hear()
        mux.grant("porch", "--label", "amidst")  # and its record is there when it has returned
        granted = [r for r in log_of(s) if r["event"] == "grant" and r.get("label") == "amidst"]
        check(len(granted) == 1, "a grant is not in the log")
        a.say()
        refused = a.end()
    check(refused == REFUSALS_OF_ONE + UIDS, f"{refused} were refused as they should be")
    mux.stop()  # with the minute's sums
    records = [r for r in log_of(s) if r["event"] == "refused"]
    check(sum(r["count"] for r in records) == refused, f"{refused} refusals, recorded: {records}")
    check(len(records) <= 2 * SUM_ROWS, f"{len(records)} records")
    of_one = sum(r["count"] for r in records if r.get("uid") == UID_B)
    check(of_one == REFUSALS_OF_ONE, f"{of_one} of the one who began")
    grown = log_bytes(s) - before
    check(grown < GROWTH_BYTES, f"the log has grown by {grown} bytes")
    return f"{refused} refusals in {len(records)} records, {grown} bytes"
