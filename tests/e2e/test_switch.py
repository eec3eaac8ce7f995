"""The kill switch: cut off at once, without the broker's help, and over restarts."""
import contextlib
import json
import os
import signal
import socket
import struct

import dialogues
import harness
import wire
from harness import UID_A, UID_B, Process, Skipped, check, children_of, until
from test_memory import UNHURRIED, watching
from test_refusals import TWO, refused
from test_reload import configure
from test_revoke import is_blank, keep_ring

REASON = "the kill switch is on"
CTL_SWITCH, CTL_DONE = 0x0240, 0x0287
UID_C = UID_B + 1  # no admin
ETH_P_ALL, SOL_PACKET, PACKET_STATISTICS = 3, 263, 6


def switch(mux, verb, *what):
    return json.loads(mux.ctl("--json", verb, *what))


def pair_of(mux):
    return mux.roles("framemux-ingest") + mux.roles("framemux-decode")


def test_camera_is_cut_off(s):
    """Blind and gone when it returns; others miss nothing; over a restart; and then lifted."""
    mux, (porch, garden) = watching(s, 2, ("porch", "garden"), UNHURRIED)
    ring, pids = keep_ring(porch), mux.camera("porch")["pids"]
    token, other = (mux.grant(n, uid=UID_B) for n in ("porch", "garden"))
    answer = switch(mux, "disable", "--camera", "porch")
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left after disable returned")
    check(answer["disabled"] == ["porch"], f"{answer}")
    print(f"      {answer['elapsed_us']} us", flush=True)
    left = [p for p in pids if p in pair_of(mux)]
    check(not left, f"the pair lives: {left}")
    porch.expect(69)
    check(REASON in porch.err(), porch.err())
    seen = len(garden.meta())
    garden.await_frames(seen + 5)
    garden.check_missed_none()
    camera = mux.camera("porch")
    check(camera["state"] == "disabled" and REASON in camera["reason"], f"{camera}")
    for restarted in (False, True):
        if restarted:
            os.kill(mux.pid, signal.SIGKILL)
            mux.process.wait()
            garden.wait()
            mux.start()
            check(mux.camera("porch")["state"] == "disabled", "a restart has lifted it")
        refused(mux.dump("porch", token, uid=UID_B), 69)
        mux.dump("garden", other, uid=UID_B).expect(0)
    check(switch(mux, "enable", "--camera", "porch")["enabled"] == ["porch"], "not enabled")
    mux.dump("porch", token, uid=UID_B).expect(0)
    mux.stop()
    mux.start()
    mux.dump("porch", token, uid=UID_B).expect(0)
    for event in ("disable", "enable"):
        (r,) = (r for r in mux.recorded(event) if "by_uid" in r)
        check(r["camera"] == "porch" and r["by_uid"] == os.getuid() and r["by_pid"] and "uid" not in r,
            f"{r}")


def test_vendor_is_cut_off(s):
    """Those in the configuration, those that a reload brings, and nobody else's."""
    def camera(name, vendor):
        return f'camera "{name}" {{\n\turl = "test:{name}?size=64x64&fps=5"\n' \
            f'\tvendor = "{vendor}"\n}}\n'
    old = camera("a", "Acme Eyes") + camera("b", "Acme Eyes") + camera("c", "other")
    mux = s.mux(old)
    tokens = {n: mux.grant(n, uid=UID_A) for n in "abc"}
    clients = {n: mux.dump(n, tokens[n], uid=UID_A, frames=1000) for n in "abc"}
    for client in clients.values():
        client.await_frames(1)
    answer = switch(mux, "disable", "--vendor", "acme eyes")
    check(answer["disabled"] == ["a", "b"], f"{answer}")
    for name in "ab":
        clients[name].expect(69)
        check(mux.camera(name)["state"] == "disabled", f"{mux.camera(name)}")
    check(clients["c"].running(), "another vendor's camera was cut off")
    # Each side lifts only what it set.
    switch(mux, "disable", "--camera", "a")
    said = mux.ctl("enable", "--vendor", "Acme Eyes")
    check("2 cameras" in said, said)
    check(mux.camera("a")["state"] == "disabled" and mux.camera("b")["state"] == "idle",
        f"{mux.camera('a')} {mux.camera('b')}")
    switch(mux, "disable", "--vendor", "Acme Eyes")
    switch(mux, "enable", "--camera", "a")
    check(mux.camera("a")["state"] == "disabled", "its vendor is cut off, and it is not")
    with open(mux.config_path) as f:
        config = f.read()
    with open(mux.config_path, "w") as f:
        f.write(config.replace("\tvendor = \"other\"", "\tvendor = \"Acme Eyes\"") +
            camera("d", "Acme Eyes"))
    mux.ctl("reload")
    clients["c"].expect(69)
    check({n: mux.camera(n)["state"] for n in "abcd"} == dict.fromkeys("abcd", "disabled"),
        "a reload let one live")
    switch(mux, "enable", "--vendor", "Acme Eyes")
    mux.dump("d", mux.grant("d", uid=UID_A), uid=UID_A).expect(0)
    mux.dump("c", tokens["c"], uid=UID_A).expect(0)


def test_report_knows(s):
    """Who could see it then: nobody whose token or camera or who himself was cut off."""
    def could_see(at, camera="porch"):
        return json.loads(mux.ctl("--json", "audit", "report", "--camera", camera, "--at", at))

    def newest(event, **what):
        return [r for r in mux.recorded(event) if what.items() <= r.items()][-1]["time"]
    mux = s.mux(TWO)
    mux.grant("porch", uid=UID_A)
    granted = newest("grant")
    mux.ctl("revoke", "--camera", "garden")
    mux.ctl("disable", "--camera", "porch")
    off = newest("disable", what="in force")
    mux.stop()
    mux.start()
    still_off = newest("disable", what="in force")
    mux.ctl("enable", "--camera", "porch")
    on = newest("enable", what="lifted")
    uid = UID_A if os.getuid() == 0 else os.getuid()
    mux.ctl("disable", "--uid", str(uid))
    user = newest("disable", what="uid")
    mux.ctl("enable", "--uid", str(uid))
    back = newest("enable", what="uid")
    mux.ctl("revoke", "--camera", "porch")
    gone = newest("revoke", camera="porch")
    seen = [len(could_see(at)["could_see"]) for at in (granted, off, still_off, on, user, back, gone)]
    check(seen == [1, 0, 0, 1, 0, 1, 0], f"{seen}")
    check("kill switch" in could_see(off)["disabled"] and could_see(on)["disabled"] is None, "why")
    check("kill switch" in mux.ctl("audit", "report", "--camera", "porch", "--at", off), "in words")


def test_user_is_cut_off(s):
    if os.getuid():
        raise Skipped("needs two uids: run as root")
    mux = s.mux(TWO)
    tokens = {uid: mux.grant("porch", uid=uid) for uid in (UID_A, UID_B)}
    clients = {uid: mux.dump("porch", tokens[uid], uid=uid, frames=1000) for uid in tokens}
    for client in clients.values():
        client.await_frames(2)
    ring = keep_ring(clients[UID_A])
    switch(mux, "disable", "--uid", str(UID_A))
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left after disable returned")
    clients[UID_A].expect(77)
    check(clients[UID_B].running(), "another user was cut off")
    refused(mux.dump("porch", tokens[UID_A], uid=UID_A))
    mux.stop()
    mux.start()
    refused(mux.dump("porch", tokens[UID_A], uid=UID_A))
    refused(mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A))
    mux.dump("porch", tokens[UID_B], uid=UID_B).expect(0)
    switch(mux, "enable", "--uid", str(UID_A))
    mux.dump("porch", tokens[UID_A], uid=UID_A).expect(0)


def test_without_the_broker(s):
    """A broker that does not answer: the pair is killed and it stays so; said as it is."""
    mux, (client,) = watching(s, 1, ("porch",))
    (broker,) = mux.roles("framemux-broker")
    os.kill(broker, signal.SIGSTOP)
    try:
        check(pair_of(mux), "there is no pair to kill")
        mux.ctl("disable", "--camera", "porch")
        check(not pair_of(mux), "the pair lives")
    finally:
        os.kill(broker, signal.SIGCONT)
    client.expect(69)
    until(lambda: mux.camera("porch")["state"] == "disabled", "the broker to hear of it")
    # While there is none at all, and for the next.
    mux.ctl("enable", "--camera", "porch")
    os.kill(mux.roles("framemux-broker")[0], signal.SIGKILL)
    mux.ctl("disable", "--camera", "porch")
    until(lambda: mux.roles("framemux-broker") not in ([], [broker]), "the next broker")
    until(lambda: mux.camera("porch")["state"] == "disabled", "the next broker to hear of it")


def test_nothing_on_the_wire(s):
    """A warm camera that is cut off is not connected to, at the start either."""
    with dialogues.Camera(lambda connection: connection.rest(5)) as camera:
        mux = s.mux(f'camera "porch" {{\n\turl = "rtsp://127.0.0.1:{camera.port}/"\n'
            f'\tstandby = "warm"\n}}\n')
        until(lambda: camera.connections, "a warm camera to be connected to")
        mux.ctl("disable", "--camera", "porch")
        before = len(camera.connections)
        mux.stop()
        mux.start()
        refused(mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A), 69)
        check(len(camera.connections) == before, "it was connected to")
        mux.ctl("enable", "--camera", "porch")
        until(lambda: len(camera.connections) > before, "it to be connected to again")


class Capture:
    """Every packet from or to this port on the loopback interface, from here on."""

    def __init__(self, port):
        self.port = struct.pack("!H", port)
        try:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        except PermissionError:
            raise Skipped("a capture needs CAP_NET_RAW: run as root") from None
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("lo", 0))
        self.socket.setblocking(False)
        self.packets = 0

    def count(self):
        """IPv4 with TCP or UDP, as the cameras of these tests have."""
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self.socket.recv(64)
                ports = packet[(packet[0] & 15) * 4:][:4] if packet and packet[0] >> 4 == 4 else b""
                self.packets += self.port in (ports[:2], ports[2:4])
        lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        check(not lost, f"the capture has lost {lost} packets")
        return self.packets

    def close(self):
        self.socket.close()


def test_vendor_on_the_wire(s):
    """Four live cameras of one vendor: all blind when it returns, and not a packet to any of them,
    nor after everything was killed and started again; another vendor's is served all the while."""
    clip = harness.make_clip(s.path("clip.h264"), "-c:v", "libx264", "-preset", "ultrafast", "-tune",
        "zerolatency", "-g", "15", size="320x240", frames=60)
    vendors, others = (s.camserver(*(f"{n}=file:path={clip},fps=15" for n in names))
        for names in ("abcd", "e"))

    def section(name, port, vendor):
        return f'camera "{name}" {{\n\turl = "rtsp://127.0.0.1:{port}/{name}"\n' \
            f'\tvendor = "{vendor}"\n\tstandby = "warm"\n}}\n'
    mux = s.mux("".join(section(n, vendors, "Acme Eyes") for n in "abcd") + section("e", others, "B"))
    tokens = {n: mux.grant(n, uid=UID_A) for n in "abcde"}
    clients = {n: mux.dump(n, tokens[n], uid=UID_A, frames=0, out_name="/dev/null") for n in "abcde"}
    for client in clients.values():
        client.await_frames(3)
    wire = Capture(vendors)
    with contextlib.closing(wire):
        until(wire.count, "live cameras on the wire")
        rings = [keep_ring(clients[n]) for n in "abcd"]
        answer = switch(mux, "disable", "--vendor", "Acme Eyes")
        blind = [is_blank(ring) for ring in rings]
        for ring in rings:
            ring.close()
        check(all(blind), f"pixels are left after disable returned: {blind}")
        check(answer["disabled"] == list("abcd"), f"{answer}")
        print(f"      {answer['elapsed_us']} us for four cameras", flush=True)
        for name in "abcd":
            clients[name].expect(69)
        clients["e"].await_frames(len(clients["e"].meta()) + 3)
        wire.count()  # their goodbyes
        wire.packets = 0
        for pid in (mux.pid, *children_of(mux.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        mux.process.wait()
        clients["e"].wait()
        mux.start()
        seen = mux.dump("e", tokens["e"], uid=UID_A, frames=15)
        for name in "abcd":
            refused(mux.dump(name, tokens[name], uid=UID_A), 69)
        seen.expect(0)
        check(not wire.count(), f"{wire.packets} packets to or from cameras that are cut off")
        switch(mux, "enable", "--vendor", "Acme Eyes")
        until(wire.count, "the cameras to be connected to again")


def test_a_disk_that_refuses(s):
    """It is in force all the same, and said not to be recorded; nothing is lifted unrecorded."""
    mux = s.mux(TWO)
    token = mux.grant("porch", uid=UID_A)
    in_the_way = os.path.join(s.dir, "state", "disabled")
    os.mkdir(in_the_way)  # a file cannot take its name
    mux.ctl("disable", "--camera", "porch", code=70)
    check(mux.camera("porch")["state"] == "disabled", "not in force")
    mux.ctl("enable", "--camera", "porch", code=70)
    check(mux.camera("porch")["state"] == "disabled", "lifted, and not recorded")
    refused(mux.dump("porch", token, uid=UID_A), 69)
    os.rmdir(in_the_way)
    mux.ctl("disable", "--camera", "garden")  # with it the other is recorded, too
    mux.stop()
    mux.start()
    check([mux.camera(n)["state"] for n in ("porch", "garden")] == ["disabled"] * 2, "one was lost")
    mux.ctl("enable", "--camera", "porch")
    mux.dump("porch", token, uid=UID_A).expect(0)


def test_who_may(s):
    """Whoever may only read is refused what changes something; nonsense is wrong usage."""
    mux = s.mux(TWO)
    mux.ctl("disable", code=64)
    mux.ctl("disable", "--camera", "porch", "--uid", "5", code=64)
    mux.ctl("disable", "--camera", "nowhere", code=77)
    mux.ctl("enable", "--vendor", "nobody's")
    if os.getuid():
        return
    os.chmod(mux.control + ".kill", 0o666)
    argv = [s.program("framemuxctl"), "-s", mux.control, "disable", "--camera", "porch"]
    asker = Process(s, "asker", argv, uid=UID_A, env=s.env())
    asker.expect(77)
    check("admins" in asker.err(), asker.err())
    check(mux.camera("porch")["state"] == "idle", f"{mux.camera('porch')}")
    (r,) = mux.recorded("denied")
    check(r["uid"] == UID_A and r["what"] == "kill switch" and r["count"] == 1, f"{r}")
    argv[3:] = ["policy", "show"]
    looker = Process(s, "looker", argv, uid=UID_A, env=s.env())
    looker.expect(0)
    for _ in range(2):
        argv[3:] = ["disable", "--camera", "porch"]
        Process(s, "asker", argv, uid=UID_A, env=s.env()).expect(77)
    mux.stop()
    mux.start()
    check([r["count"] for r in mux.recorded("denied")] == [1, 2], f"{mux.recorded('denied')}")


class KillTalk:
    """One who has connected to the kill switch's socket, and keeps to it."""

    def __init__(self, mux, uid):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(10)
        before = os.geteuid()
        if before == 0:
            os.seteuid(uid)
        try:
            self.sock.connect(mux.control + ".kill")
        finally:
            os.seteuid(before)
        with contextlib.suppress(OSError):  # it was turned away
            self.sock.send(wire.hello())

    def switch(self, camera, on):
        """The status and reason of its end."""
        self.sock.send(wire.message(CTL_SWITCH,
            struct.pack("<III", 1, on, 1) + camera.encode().ljust(64, b"\0") + struct.pack("<I", 0)))
        while True:
            answer = self.sock.recv(4096)
            if not answer or struct.unpack_from("<H", answer)[0] == CTL_DONE:
                return answer

    def first_word(self):
        try:
            return self.sock.recv(4096)
        except ConnectionResetError:  # that our hello was not read comes before what was said
            return self.sock.recv(4096)

    def close(self):
        self.sock.close()


def test_refusals_are_counted_for_each(s):
    """Whoever was refused often is not charged to whoever came last."""
    if os.getuid():
        raise Skipped("needs two uids: run as root")
    mux = s.mux(TWO)
    os.chmod(mux.control + ".kill", 0o666)
    argv = [s.program("framemuxctl"), "-s", mux.control, "disable", "--camera", "porch"]
    for n, uid in enumerate((UID_A, UID_A, UID_A, UID_B)):
        Process(s, f"asker{n}", argv, uid=uid, env=s.env()).expect(77)
    mux.stop()
    mux.start()
    counts = {uid: sum(r["count"] for r in mux.recorded("denied") if r["uid"] == uid)
        for uid in (UID_A, UID_B)}
    check(counts == {UID_A: 3, UID_B: 1}, f"{counts}")


def test_no_admin_any_more(s):
    """Whoever was one when he connected is refused after the reload that took it from him, and recorded."""
    if os.getuid():
        return
    mux = s.mux(f"admins = {{ {UID_A} }}\n" + TWO)
    os.chmod(mux.control + ".kill", 0o666)
    talk = KillTalk(mux, UID_A)
    try:
        check(b"admins" not in talk.switch("porch", 1), "an admin is refused")
        check(mux.camera("porch")["state"] == "disabled", f"{mux.camera('porch')}")
        configure(mux, TWO)
        mux.ctl("reload")
        check(b"admins" in talk.switch("porch", 0), "he still works the kill switch")
    finally:
        talk.close()
    check(mux.camera("porch")["state"] == "disabled", f"{mux.camera('porch')}")
    (r,) = mux.recorded("denied")
    check(r["uid"] == UID_A and r["what"] == "kill switch", f"{r}")


def test_many_talks_of_one(s):
    """As many as one admin may keep open: another one and root still get through."""
    if os.getuid():
        return
    mux = s.mux(f"admins = {{ {UID_A}, {UID_B} }}\n" + TWO)
    os.chmod(mux.control + ".kill", 0o666)
    talks = []
    try:
        for uid in (UID_A, UID_C):
            talks += [KillTalk(mux, uid) for _ in range(40)]
        check(b"end one of them" in talks[39].first_word(), "he is not told what to do")
        other = KillTalk(mux, UID_B)
        talks.append(other)
        check(b"too many" not in other.switch("garden", 1), "another admin is kept out")
        mux.ctl("disable", "--camera", "porch")
    finally:
        for talk in talks:
            talk.close()
    check(mux.camera("porch")["state"] == mux.camera("garden")["state"] == "disabled", "not disabled")
