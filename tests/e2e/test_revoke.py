"""Revoked means blind: when revoke returns, the pixels are gone, whatever the clients do."""
import contextlib
import errno
import json
import mmap
import os
import re
import signal
import subprocess

from harness import UID_A, UID_B, Skipped, check, until
from test_memory import UNHURRIED, ring_fd, watching
from test_refusals import TWO, refused

REVOKE_LIMIT_US = 250000  # generous: a noisy machine; the measured figure is printed


def keep_ring(client):
    """A map of the client's ring, as a client keeps it that does not let go."""
    fd = os.open(f"/proc/{client.pid}/fd/{ring_fd(client)}", os.O_RDONLY)
    try:
        return mmap.mmap(fd, 0, prot=mmap.PROT_READ)
    finally:
        os.close(fd)


def keep_dead_page(client):
    """Its descriptor is closed once it is mapped: found by its mapping, which only root may open."""
    with open(f"/proc/{client.pid}/maps") as f:
        at = next(l.split()[0] for l in f if "/memfd:framemux-dead" in l)
    try:
        fd = os.open(f"/proc/{client.pid}/map_files/{at}", os.O_RDONLY)
    except PermissionError:
        return None
    try:
        return mmap.mmap(fd, 4096, prot=mmap.PROT_READ)
    finally:
        os.close(fd)


def is_blank(ring):
    return not ring[:].strip(b"\0")


def lease_of(mux, client):
    return next(l for l in mux.status()["leases"] if l["pid"] == client.pid)


def test_revoke_while_four_watch(s):
    mux, clients = watching(s, 4, ("porch",), UNHURRIED)
    one, others = clients[0], clients[1:]
    lease = lease_of(mux, one)
    ring, dead_page = keep_ring(one), keep_dead_page(one)
    bytes_of_ring = len(ring)
    check(not dead_page or is_blank(dead_page), "the dead mark is set before it is revoked")
    check(not is_blank(ring), "the ring is empty before it is revoked")
    answer = json.loads(mux.ctl("--json", "revoke", lease["id"]))
    blind, marked = is_blank(ring), not dead_page or not is_blank(dead_page)
    ring.close()
    if dead_page:
        dead_page.close()
    check(blind, "pixels are left after revoke returned")
    check(marked, "the attach is not marked dead")
    check(answer["ended"] == [lease["id"]], f"ended {answer['ended']}, not {lease['id']}")
    check(0 < answer["elapsed_us"] < REVOKE_LIMIT_US, f"revoke took {answer['elapsed_us']} us")
    one.expect(77)
    print(f"      {answer['elapsed_us']} us for {bytes_of_ring} bytes", flush=True)
    for other in others:
        seen = len(other.meta())
        other.await_frames(seen + 5)
        other.check_missed_none()
    totals = mux.status()["totals"]
    check(totals["revokes"] == 1 and totals["erased_bytes"] >= bytes_of_ring, f"{totals}")


def test_revoke_of_a_stopped_client(s):
    """A client that does not run cannot delay the erasing."""
    mux, (client,) = watching(s, 1)
    ring = keep_ring(client)
    client.signal(signal.SIGSTOP)
    answer = json.loads(mux.ctl("--json", "revoke", lease_of(mux, client)["id"]))
    blind = is_blank(ring)
    ring.close()
    client.signal(signal.SIGCONT)
    check(blind, "pixels are left")
    check(answer["elapsed_us"] < REVOKE_LIMIT_US, f"{answer}")
    client.expect(77)


@contextlib.contextmanager
def holder(s, mux, token, *more):
    """A client that holds a frame and hears of nothing; calls return [check, acquire] of its frame,
    and whether anything is in the upper and in the lower half of its copy. Calls have its pid."""
    program = os.path.join(s.build, "tests/e2e/holder")
    if not os.path.exists(program):
        raise Skipped("no holder: make check TESTS= builds it")
    env = s.env(FRAMEMUX_SOCKET=mux.socket, FRAMEMUX_TOKEN=token)
    if s.client_breakage:
        env["FRAMEMUX_BREAKAGE"] = s.client_breakage
    with subprocess.Popen([program, "porch", *more], env=env, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE) as process:
        check(process.stdout.readline() == "HELD\n", "no frame to hold")

        def look():
            process.stdin.write("\n")
            process.stdin.flush()
            return [int(n) for n in re.findall("-?[0-9]+", process.stdout.readline())]
        look.pid = process.pid
        try:
            yield look
        finally:
            process.stdin.close()


def test_a_held_frame_is_dead_at_once(s):
    """The dead mark: a client that has heard of nothing yet is told by its next look at the frame."""
    mux = s.mux(TWO)
    token = json.loads(mux.ctl("--json", "grant", "--camera", "porch"))
    with holder(s, mux, token["token"]) as look:
        alive = look()
        mux.ctl("revoke", token["id"])
        dead = look()
    check(alive[0] == 0, f"before it is revoked the frame is refused: {alive}")
    check(dead[:2] == [-errno.ESTALE] * 2, f"alive after revoke returned: {dead}")


def test_a_held_frame_grows_too_old(s):
    """The camera is live and the frame untouched: its age alone ends it."""
    mux = s.mux("stale_after = 500\n" + TWO)
    with holder(s, mux, mux.grant("porch")) as look:
        check(look()[0] == 0, "a fresh frame is refused")
        until(lambda: look()[0] == -errno.ESTALE, "a held frame to be too old", 5)


def test_revoke_under_a_decoder_that_writes_on(s):
    """It says that it let go: the kernel is asked, it is killed, and what it wrote is erased, too."""
    mux, (client,) = watching(s, 1, ("porch",))
    ring = keep_ring(client)
    answer = json.loads(mux.ctl("--json", "revoke", lease_of(mux, client)["id"]))
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left")
    check(answer["elapsed_us"] < REVOKE_LIMIT_US, f"{answer}")
    client.expect(77)
    if "decode-keeps-writing" in s.breakage:
        until(lambda: "let go" in mux.log() and "killed by signal 9" in mux.log(), "its end")
    mux.dump("porch", mux.grant("porch", uid=UID_B), uid=UID_B).expect(0)


def test_revoke_under_a_stopped_decoder(s):
    """A decoder that does not let go is killed; the revoke does not wait for it for long."""
    mux, (client,) = watching(s, 1, ("porch",))
    ring = keep_ring(client)
    pids = mux.camera("porch")["pids"]
    decode = mux.roles("framemux-decode")
    check(len(decode) == 1 and decode[0] in pids, f"decoders {decode}, pair {pids}")
    os.kill(decode[0], signal.SIGSTOP)
    answer = json.loads(mux.ctl("--json", "revoke", lease_of(mux, client)["id"]))
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left")
    check(answer["elapsed_us"] < REVOKE_LIMIT_US, f"{answer}")
    client.expect(77)
    until(lambda: decode[0] not in mux.roles("framemux-decode"), "the stopped decoder's end")
    mux.dump("porch", mux.grant("porch", uid=UID_B), uid=UID_B).expect(0)


def test_revoked_token_stays_dead(s):
    """A token's id ends its leases, and everything narrowed from it, over restarts too."""
    mux = s.mux(TWO)
    answer = json.loads(mux.ctl("--json", "grant", "--camera", "porch", "--dump",
        *(["--uid", str(UID_A)] if os.getuid() == 0 else [])))
    narrow = mux.ctl("attenuate", "-k", s.write("token", answer["token"]), "--max-fps",
        "5").strip()
    client = mux.dump("porch", narrow, uid=UID_A, frames=1000)
    client.await_frames(2)
    ended = json.loads(mux.ctl("--json", "revoke", answer["id"]))["ended"]
    check(len(ended) == 1, f"ended {ended}")
    client.expect(77)
    refused(mux.dump("porch", narrow, uid=UID_A))
    mux.stop()
    mux.start()
    refused(mux.dump("porch", answer["token"], uid=UID_A))
    mux.ctl("revoke", "nonsense", code=64)


def wide(mux, *what):
    """Ids of the leases that ended."""
    answer = json.loads(mux.ctl("--json", "revoke", *what))
    check(answer["elapsed_us"] < REVOKE_LIMIT_US, f"{answer}")
    return answer["ended"]


def test_revoke_of_a_camera(s):
    """Every token for it, and none but these; what is granted afterwards is good; over a restart."""
    mux, (porch, garden) = watching(s, 2, ("porch", "garden"), UNHURRIED)
    uid = UID_B
    old, narrow = mux.grant("porch", uid=uid), mux.grant("porch", "--max-fps", "5", uid=uid)
    other = mux.grant("garden", uid=uid)
    ring, lease = keep_ring(porch), lease_of(mux, porch)
    ended = wide(mux, "--camera", "porch")
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left after revoke returned")
    check(ended == [lease["id"]], f"ended {ended}, not {lease['id']}")
    porch.expect(77)
    seen = len(garden.meta())
    garden.await_frames(seen + 5)
    garden.check_missed_none()
    new = mux.grant("porch", uid=uid)
    for restarted in (False, True):
        if restarted:
            mux.stop()
            mux.start()
        refused(mux.dump("porch", old, uid=uid))
        refused(mux.dump("porch", narrow, uid=uid))
        mux.dump("porch", new, uid=uid).expect(0)
        mux.dump("garden", other, uid=uid).expect(0)
    (r,) = mux.recorded("revoke")
    check(r["what"] == "camera" and r["camera"] == "porch" and r["by_uid"] == os.getuid() and
        r["count"] == 1 and "token" not in r, f"{r}")
    mux.ctl("revoke", "--camera", "nowhere", code=77)
    mux.ctl("revoke", "--camera", "porch", "--all", code=64)
    mux.ctl("revoke", code=64)


def test_revoke_of_a_user(s):
    if os.getuid():
        raise Skipped("needs two uids: run as root")
    mux = s.mux(TWO)
    tokens = {uid: mux.grant("porch", uid=uid) for uid in (UID_A, UID_B)}
    client = mux.dump("porch", tokens[UID_A], uid=UID_A, frames=1000)
    client.await_frames(2)
    lease = lease_of(mux, client)["id"]
    check(wide(mux, "--uid", str(UID_A)) == [lease], "not exactly its lease has ended")
    client.expect(77)
    refused(mux.dump("porch", tokens[UID_A], uid=UID_A))
    mux.dump("porch", tokens[UID_B], uid=UID_B).expect(0)
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A).expect(0)


def test_revoke_of_all(s):
    """A standing grant's token, too; it gets the next one at a reload, and keeps that."""
    path, uid = s.path("token"), UID_A if os.getuid() == 0 else os.getuid()
    mux = s.mux(TWO + f'grant "wall" {{\n\tuid = {uid}\n\tcameras = {{ "porch" }}\n\tdump = true\n'
        f'\ttoken_file = "{path}"\n}}\n')

    def standing():
        with open(path) as f:
            return f.read().split()[1]
    first, other = standing(), mux.grant("garden", uid=UID_A)
    mux.dump("porch", first, uid=UID_A).expect(0)
    check(wide(mux, "--all") == [], "a lease ended that was none")
    refused(mux.dump("porch", first, uid=UID_A))
    refused(mux.dump("garden", other, uid=UID_A))
    mux.ctl("reload")
    second = standing()
    check(second != first, "the dead token is still in its file")
    mux.dump("porch", second, uid=UID_A).expect(0)
    mux.stop()
    mux.start()
    check(standing() == second, "an unchanged grant has another token")
    mux.dump("porch", second, uid=UID_A).expect(0)
    refused(mux.dump("porch", first, uid=UID_A))
    refused(mux.dump("garden", other, uid=UID_A))


def test_stop_erases_and_tells(s):
    """SIGTERM: every ring is erased, every client told, exit 0."""
    mux, (client,) = watching(s, 1)
    ring = keep_ring(client)
    mux.stop()
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left after framemuxd ended")
    client.expect(69)
