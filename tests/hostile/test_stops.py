"""Rights that have ended, and who may end them: the kill switch and the revoked, at bad moments."""
import os
import signal

import table
import test_switch
from harness import UID_A, UID_B, Process, Skipped, check, until
from test_memory import watching
from test_moment import role_of
from test_refusals import TWO, refused
from test_revoke import is_blank, keep_ring
from test_switch import pair_of, switch

CHANGING = (
    ("grant", "--camera", "porch"),
    ("revoke", "00112233445566778899aabbccddeeff"),
    ("revoke", "--camera", "porch"),
    ("revoke", "--uid", str(UID_B)),
    ("revoke", "--all"),
    ("key", "rotate"),
    ("key", "retire"),
    ("accept", "--camera", "porch"),
    ("reload",),
    ("disable", "--camera", "porch"),
    ("disable", "--vendor", "acme"),
    ("disable", "--uid", str(UID_B)),
    ("enable", "--camera", "porch"),
)


@table.row(54, "disable while the broker is stopped, and while there is none", "pair killed, stays so")
def test_disable_without_the_broker(s):
    test_switch.test_without_the_broker(s)


@table.row(54, "disable while the decoder is stopped", "erased when it returns")
def test_disable_a_stopped_decoder(s):
    mux, (client,) = watching(s, 1, ("porch",))
    ring, decode = keep_ring(client), role_of(mux, "porch", "framemux-decode")
    os.kill(decode, signal.SIGSTOP)
    answer = switch(mux, "disable", "--camera", "porch")
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left after disable returned")
    check(not pair_of(mux), "the pair lives")
    client.expect(69)
    return f"erased, {answer['elapsed_us']} us"


@table.row(54, "disable while framemuxd was busy with a reload", "in force when both have returned")
def test_disable_in_a_reload(s):
    mux, clients = watching(s, 2, ("porch", "garden"))
    with open(mux.config_path) as f:
        config = f.read()
    with open(mux.config_path, "w") as f:
        f.write(config.replace("test:garden", "test:lawn") + "\n")
    argv = [s.program("framemuxctl"), "-s", mux.control, "reload"]
    reload = Process(s, "reload", argv, env=s.env())
    mux.ctl("disable", "--camera", "garden")
    mux.ctl("disable", "--camera", "porch")
    reload.expect(0)
    for name, client in zip(("porch", "garden"), clients):
        client.wait()
        check(mux.camera(name)["state"] == "disabled", f"{mux.camera(name)}")
    check(not pair_of(mux), "a pair lives")
    refused(mux.dump("garden", mux.grant("garden", uid=UID_A), uid=UID_A), 69)


@table.row(56, "opens again after a revoke: same, narrowed before and after, after a restart", "refused")
def test_opens_again(s):
    mux = s.mux(TWO)
    whole = mux.grant("porch", uid=UID_A)
    key = s.write("token", whole)

    def narrowed():
        return mux.ctl("attenuate", "-k", key, "--max-fps", "5").strip()
    before = narrowed()
    client = mux.dump("porch", before, uid=UID_A, frames=1000)
    client.await_frames(1)
    lease = mux.status()["leases"][0]["id"]
    mux.ctl("revoke", lease)
    client.expect(77)
    tokens = (whole, before, narrowed())
    for token in tokens:
        refused(mux.dump("porch", token, uid=UID_A))
    os.kill(mux.roles("framemux-broker")[0], signal.SIGKILL)
    until(lambda: mux.roles("framemux-broker"), "the next broker")
    for token in tokens:
        refused(mux.dump("porch", token, uid=UID_A))
    mux.stop()
    mux.start()
    for token in tokens:
        refused(mux.dump("porch", token, uid=UID_A))


@table.row(64, "one who may only read tries every changing verb", "refused, logged; nothing changed")
def test_reader_changes_nothing(s):
    if os.getuid():
        raise Skipped("needs another uid: run as root")
    mux = s.mux(TWO)
    token = mux.grant("porch", uid=UID_B)
    for path in (mux.control, mux.control + ".kill"):
        os.chmod(path, 0o666)
    for n, verb in enumerate((("status",),) + CHANGING):
        asker = Process(s, f"asker{n}", [s.program("framemuxctl"), "-s", mux.control, *verb], uid=UID_A,
            env=s.env())
        asker.expect(77 if n else 0)
        check(not n or (not asker.out() and asker.err()), f"{verb}: {asker.out()}")
    # The log may leave refusals out, when many come in a second; not the first of a kind.
    for word in ("grant", "revoke", "kill switch"):
        check(f"refused: {word}" in mux.log() or f"refused: the {word}" in mux.log(),
            f"{word} was not logged")
    mux.dump("porch", token, uid=UID_B).expect(0)
    return f"{len(CHANGING)} verbs refused"
