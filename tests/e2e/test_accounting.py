"""published = delivered + dropped + withheld in the close record of each lease, however it ended; and
delivered is what the client counted, where it came to its own end."""
import os
import signal

from harness import UID_A, UID_B, check, until
from test_frames import camera
from test_refusals import TWO

ORDERLY, ROUNDS = 6, 4
FAST = camera("fast", "test:fast?size=64x48&fps=100")


def closes(mux, n):
    """Of each lease, when n have ended: {its process: its close record}; each of them adds up."""
    records = until(lambda: (lambda r: r if len(r) >= n else None)(mux.recorded("close")), f"{n} close records")
    check(len(records) == n, f"{len(records)} leases, not {n}")
    for r in records:
        check(r["published"] == r["delivered"] + r["dropped"] + r["withheld"],
            f"published {r['published']} is not delivered {r['delivered']} + dropped {r['dropped']} + withheld "
            f"{r['withheld']}: {r['reason']}")
    return {r["pid"]: r for r in records}


def test_orderly_ends(s):
    """Clients that come and go while frames are under way to them."""
    mux = s.mux(FAST)
    token, clients = mux.grant("fast", uid=UID_A), []
    for _ in range(ROUNDS):
        now = [mux.dump("fast", token, uid=UID_A, frames=3 + i) for i in range(ORDERLY)]
        for client in now:
            client.expect(0)
        clients += now
    records = closes(mux, len(clients))
    for client in clients:
        r, n = records[client.pid], len(client.meta())
        check(r["delivered"] == n, f"delivered {r['delivered']}, the client counted {n}: {r}")
        check(r["published"] >= max(m["seq"] for m in client.meta()), f"it saw more than was published: {r}")


def test_each_other_end(s):
    """Killed, stopped, revoked, disabled, removed by a reload, the pair killed, dark for a while, the mux stops."""
    mux = s.mux(TWO + FAST)
    uids = {"porch": UID_A, "garden": UID_B}
    clients = {}

    def begin(name, camera_name="porch"):
        uid = uids.get(camera_name, UID_A)
        c = clients[name] = mux.dump(camera_name, mux.grant(camera_name, uid=uid), uid=uid, frames=100000)
        c.await_frames(3)
        return c

    def pair(role):
        """fast's: the other cameras rest."""
        return next(p for p in mux.camera("fast")["pids"] if p in mux.roles(role))

    slow = begin("stopped, then killed")
    slow.signal(signal.SIGSTOP)
    begin("terminated").signal(signal.SIGTERM)
    begin("killed").signal(signal.SIGKILL)
    begin("revoked")
    lease = next(x for x in mux.status()["leases"] if x["pid"] == clients["revoked"].pid)
    mux.ctl("revoke", lease["id"])
    begin("disabled", "garden")
    mux.ctl("disable", "--camera", "garden")
    mux.ctl("enable", "--camera", "garden")
    long = begin("its pair was killed", "fast")
    for i, role in enumerate(("framemux-decode", "framemux-ingest")):
        os.kill(pair(role), signal.SIGKILL)
        until(lambda i=i: mux.camera("fast")["generation"] == i + 2, "born again")
        long.await_frames(len(long.meta()) + 3)
    os.kill(pair("framemux-ingest"), signal.SIGSTOP)
    until(lambda: mux.camera("fast")["state"] == "stale", "dark")
    os.kill(pair("framemux-ingest"), signal.SIGCONT)
    long.await_frames(len(long.meta()) + 3)
    slow.signal(signal.SIGKILL)
    begin("removed", "garden")
    with open(mux.config_path) as f:
        text = f.read()
    s.write("framemux.conf", text.replace('"garden"', '"yard"'))
    mux.ctl("reload")
    last = begin("the mux stops")
    long.signal(signal.SIGTERM)
    closes(mux, len(clients) - 1)
    mux.stop()
    mux.start()
    records = closes(mux, len(clients))
    check(set(records) == {c.pid for c in clients.values()}, "a lease for each client")
    check(records[slow.pid]["dropped"] > 0, "one that was stopped drops nothing")
    check(records[long.pid]["last_generation"] == 3, records[long.pid])
    check(records[last.pid]["delivered"] > 0, records[last.pid])
    # What a dead decoder could not tell any more is missing in all of them, so only this is certain.
    for name, client in clients.items():
        r = records[client.pid]
        check(0 < r["delivered"] <= r["published"] and (name == "terminated") <= (r["withheld"] < r["published"]),
            f"{name}: {r}")
