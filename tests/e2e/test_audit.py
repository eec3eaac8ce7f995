"""The audit log from outside: who saw what is in it, nothing happens without it, and what was done
to it is found. The chain is checked by an implementation of its own, too."""
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess

import harness
import table
from harness import UID_A, UID_B, Failed, Skipped, check, until
from test_refusals import TWO

ZERO = "0" * 64
MS_TREE = "size=512k"  # a disk that is soon full


def log_of(s, name="state"):
    """The records, and that each follows from the one before it."""
    folder = s.path(os.path.join(name, "audit"))
    records, chain = [], None
    for file in sorted(f for f in os.listdir(folder) if f.endswith(".log")):
        with open(os.path.join(folder, file), "rb") as f:
            for line in f.read().split(b"\n")[:-1]:
                record = json.loads(line)
                before = bytes.fromhex(chain or record.get("before", ZERO))
                head = line[:line.rindex(b',"chain":"')]
                chain = hashlib.blake2b(before + head, digest_size=32, person=b"framemux chain 1").hexdigest()
                check(record["chain"] == chain, f"record {record['n']} does not follow")
                check(not records or record["n"] == records[-1]["n"] + 1, f"a gap at {record['n']}")
                records.append(record)
    return records


def events(records, name):
    return [r for r in records if r["event"] == name]


def one(records, name):
    found = events(records, name)
    check(len(found) == 1, f"{len(found)} records of {name}: {found}")
    return found[0]


def wait_for(s, name, n=1):
    return until(lambda: (lambda r: r if len(r) >= n else None)(events(log_of(s), name)), f"{n} records of {name}")


def verify(mux, *args, code=0):
    return mux.ctl("audit", "verify", *args, code=code)


def test_who_saw_what(s):
    mux = s.mux(TWO)
    token = mux.grant("porch", "--label", "the \"wall\"", uid=UID_A)
    client = mux.dump("porch", token, uid=UID_A, frames=5)
    client.expect(0)
    close = wait_for(s, "close")[0]
    records = log_of(s)
    grant, opened = one(records, "grant"), one(records, "open")
    uid = UID_A if os.getuid() == 0 else os.getuid()
    check(grant["camera"] == "porch" and grant["uid"] == uid and grant["by_uid"] == os.getuid(), grant)
    check(opened["token"] == grant["token"] and opened["uid"] == uid and opened["pid"] == client.pid and
        opened["dump"] and opened["label"] == 'the "wall"', opened)
    check(close["lease"] == opened["lease"] and close["first_generation"] == 1, close)
    check(close["published"] == close["delivered"] + close["dropped"] + close["withheld"], f"does not add up: {close}")
    check(close["delivered"] >= 5, f"it was shown 5: {close}")
    check(grant["n"] < opened["n"] < one(records, "erase")["n"] < close["n"], "out of order")
    check(records[0]["event"] == "segment" and one(records, "start")["n"] == 2, "it begins with its start")
    mux.stop()
    records = log_of(s)
    check(records[-1]["event"] == "seal" and one(records, "stop"), "the stop is the last, and sealed")


def test_queries(s):
    mux = s.mux(TWO)
    for name, uid in (("porch", UID_A), ("garden", UID_B)):
        mux.dump(name, mux.grant(name, uid=uid), uid=uid, frames=2).expect(0)
    wait_for(s, "close", 2)
    rows = [json.loads(line) for line in mux.ctl("--json", "audit", "--camera", "porch").splitlines()]
    check(rows and all(r["camera"] == "porch" for r in rows), rows)
    check({"grant", "open", "close"} <= {r["event"] for r in rows}, rows)
    if os.getuid() == 0:
        rows = [json.loads(line) for line in mux.ctl("--json", "audit", "--uid", str(UID_B)).splitlines()]
        check({r["camera"] for r in rows} == {"garden"}, rows)
    check(mux.ctl("audit", "--until", "1h") == "", "nothing is an hour old")
    check("porch" in mux.ctl("audit", "--since", "1h"), "all of it is younger")
    close = events(log_of(s), "open")[0]
    text = mux.ctl("audit", "report", "--camera", "porch", "--at", close["time"])
    for words in ("Who could see it", f"user {close['uid']}", close["lease"], "the log is whole", "not anchored"):
        check(words in text, f"no «{words}» in the report:\n{text}")
    begins = log_of(s)[1]["time"]
    check("Nobody: no lease" in mux.ctl("audit", "report", "--camera", "porch", "--at", begins), "before all leases")
    for at, words, is_it in (("1h", "is not known from this log", False), ("2099-01-01T00:00:00Z", "stood at its end", False),
            (begins, "Nobody", True)):
        text = mux.ctl("audit", "report", "--camera", "porch", "--at", at)
        check(words in text, f"at {at}: {text}")
        check("Nobody" not in text or at != "1h", "it says that nobody could, and does not know")
        check(json.loads(mux.ctl("--json", "audit", "report", "--camera", "porch", "--at", at))["is_in_log"] == is_it, at)
    report = json.loads(mux.ctl("--json", "audit", "report", "--camera", "porch", "--at", close["time"]))
    check(report["log_is_whole"] and report["saw"][0]["record"]["lease"] == close["lease"], report)
    for wrong in (("report",), ("report", "--camera", "porch"), ("verify", "--at", "1h"), ("x",), ("--at", "1h"),
            ("--since", "yesterday")):
        mux.ctl("audit", *wrong, code=64)


def test_emptied_copy(s):
    """No record at all is no whole log, and neither is one whose newest segment has none."""
    mux = s.mux(TWO)
    whole = s.path("state/audit")
    mux.stop()
    for name, segment in (("all", "000001.log"), ("newest", "000002.log")):
        copy = shutil.copytree(whole, s.path(name))
        open(os.path.join(copy, segment), "w").close()
        said = mux.ctl("audit", "verify", copy, code=65)
        check("cut" in said and segment in said, said)


def test_report_of_what_no_record_ends(s):
    """A revocation that names no token ends none; a grant that went while framemuxd was away is gone."""
    grant = 'grant "wall" {\n uid = 4711\n cameras = { "porch" }\n}\n'
    mux = s.mux(TWO + grant)

    def could_see(at="0s"):
        report = json.loads(mux.ctl("--json", "audit", "report", "--camera", "porch", "--at", at))
        return {x["record"]["token"] for x in report["could_see"]}
    standing = mux.recorded("grant")[0]
    made = json.loads(mux.ctl("--json", "grant", "--camera", "porch"))["id"]
    mux.ctl("revoke", "0" * 32, code=65)
    mux.ctl("revoke", "1" * 32)
    check(could_see() == {standing["token"], made}, could_see())
    mux.stop()
    mux.start()
    check(could_see() == {standing["token"], made}, "the standing grant is there anew")
    check(could_see(standing["time"]) == {standing["token"]}, "and was before")
    text = mux.ctl("audit", "report", "--camera", "porch", "--at", standing["time"])
    check("; later" not in text, f"it was said anew, and did not end: {text}")
    mux.stop()
    with open(mux.config_path) as f:
        without = f.read().replace(grant, "")
    s.write(os.path.basename(mux.config_path), without)
    mux.start()
    check(could_see() == {made}, could_see())
    check(could_see(standing["time"]) == {standing["token"]}, "it was there then")
    text = mux.ctl("audit", "report", "--camera", "porch", "--at", standing["time"])
    check("had no such grant any more" in text, text)


def test_report_knows_epochs(s):
    """A camera that became another one, or went, by a reload or while framemuxd was away: its tokens are dead."""
    mux = s.mux(TWO)

    def could_see():
        report = json.loads(mux.ctl("--json", "audit", "report", "--camera", "porch", "--at", "0s"))
        return {x["record"]["token"] for x in report["could_see"]}

    def grant():
        return json.loads(mux.ctl("--json", "grant", "--camera", "porch"))["id"]

    def rewrite(old, new):
        with open(mux.config_path) as f:
            text = f.read()
        check(old in text, text)
        s.write(os.path.basename(mux.config_path), text.replace(old, new))
    token = grant()
    check(could_see() == {token}, "it is good")
    rewrite("test:porch?size=320x240", "test:porch?size=320x242")
    mux.ctl("reload")
    until(lambda: could_see() == set(), "the token of the camera that was is dead")  # written behind the answer
    token = grant()
    check(could_see() == {token}, "of the camera that is")
    mux.stop()
    rewrite("test:porch?size=320x242", "test:porch?size=320x244")
    mux.start()
    until(lambda: could_see() == set(), "it changed while framemuxd was away")
    token = grant()
    rewrite('camera "porch"', 'camera "patio"')
    mux.ctl("reload")
    until(lambda: could_see() == set(), "the token of a camera that went is dead")
    rewrite('camera "patio"', 'camera "porch"')
    mux.ctl("reload")
    until(lambda: len(mux.recorded("change")) >= 6, "it is recorded that it came back")
    check(could_see() == set(), "it came back, as another one")
    token = grant()
    check(could_see() == {token}, "of the one that came back")


def test_refusals_in_sums(s):
    mux = s.mux(TWO)
    token = mux.grant("porch", uid=UID_A)
    for _ in range(3):
        mux.dump("garden", token, uid=UID_A).wait()
    mux.stop()
    refused = one(log_of(s), "refused")
    check(refused["camera"] == "garden" and refused["count"] == 3, refused)


def test_revoked(s):
    mux = s.mux(TWO)
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=1000)
    client.await_frames(2)
    mux.ctl("revoke", mux.status()["leases"][0]["token"])
    revoke = wait_for(s, "revoke")[0]
    records = log_of(s)
    check(revoke["count"] == 1 and revoke["token"] == one(records, "open")["token"], revoke)
    check(one(records, "erase")["n"] < one(records, "close")["n"] < revoke["n"], "out of order")
    check(one(records, "close")["reason"] == "revoked", one(records, "close"))
    client.wait()


class Grants:
    """One token for porch after the other, for a uid of its own, on one control connection."""

    def __init__(self, mux):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(20)
        self.sock.connect(mux.control)
        self.sock.send(struct.pack("<HHII", 0x0001, 12, 0x31584D46, 1))
        self.request = 0

    def one(self):
        self.request += 1
        body = struct.pack("<I64sII256sIIIIQI64sH", self.request, b"porch", 1, 4711, b"", 0, 0, 0, 0, 3600, 0, b"", 0)
        self.sock.send(struct.pack("<HH", 0x0202, 4 + len(body)) + body)
        while struct.unpack_from("<H", self.sock.recv(4096))[0] != 0x0287:
            pass

    def close(self):
        self.sock.close()


def test_granted_while_a_cutoff_is_under_way(s):
    """Such a token stands before the revocation in the log, and is good: the report knows by its number."""
    mux = s.mux(TWO)
    grants = Grants(mux)
    for _ in range(10):
        client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=1000)
        client.await_frames(1)
        os.kill(mux.roles("framemux-decode")[0], signal.SIGSTOP)  # it has to be killed, which takes a moment
        argv = [s.program("framemuxctl"), "-s", mux.control, "revoke", "--camera", "porch"]
        s.processes.append(harness.Process(s, f"revoke{len(s.processes)}", argv, env=s.env()))
        while s.processes[-1].running():
            grants.one()
        s.processes[-1].expect(0)
        client.wait()
        revoke = wait_for(s, "revoke")[-1]
        records = [r for r in events(log_of(s), "grant") if r["n"] < revoke["n"]]
        good = [r["token"] for r in records if r["issue"] > revoke["issue"]]
        if good:
            break
    grants.close()
    if not good:
        raise Skipped("no token was granted in that moment")
    report = json.loads(mux.ctl("--json", "audit", "report", "--camera", "porch", "--at", revoke["time"]))
    could = [x["record"]["token"] for x in report["could_see"]]
    check(set(good) <= set(could), f"named as revoked, and it is not: {set(good) - set(could)}")
    dead = {r["token"] for r in records} - set(good)
    check(dead and not dead & set(could), f"dead, and named as good: {dead & set(could)}")


def test_restart_and_crash(s):
    mux = s.mux(TWO)
    token = mux.grant("porch", uid=UID_A)
    client = mux.dump("porch", token, uid=UID_A, frames=1000)
    client.await_frames(2)
    mux.process.signal(signal.SIGKILL)
    mux.process.wait()
    client.wait()
    until(lambda: not any(harness.command_of(p) in harness.ROLES for p in harness.children_of(os.getpid())), "all gone")
    mux.start()
    check("the log is whole" in verify(mux), "whole over a crash")
    opened = one(log_of(s), "open")
    text = mux.ctl("audit", "report", "--camera", "porch", "--at", opened["time"])
    check("framemuxd started anew" in text, text)
    check(mux.status()["audit"]["state"] == "ok", mux.status()["audit"])


def test_accounting_when_a_decoder_is_killed(s):
    mux = s.mux(TWO)
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=1000)
    for i in range(3):
        client.await_frames(5 * (i + 1))
        os.kill(mux.roles("framemux-decode")[0], signal.SIGKILL)
        until(lambda: mux.camera("porch")["generation"] == i + 2 and mux.camera("porch")["state"] == "live", "born again")
    client.await_frames(len(client.meta()) + 2)
    client.signal(signal.SIGTERM)
    client.wait()
    close = wait_for(s, "close")[0]
    check(close["published"] == close["delivered"] + close["dropped"] + close["withheld"], close)
    check((close["first_generation"], close["last_generation"], close["count"]) == (1, 4, 4), close)
    deaths = [r for r in events(log_of(s), "role_death") if r["name"] == "pair"]
    check(len(deaths) == 3 and all(r["reason"] for r in deaths), deaths)


# ---- what is done to the log -----------------------------------------------------------------


def damaged(s, change):
    """A copy of the folder, with change(lines) of its first segment."""
    folder = s.path("copy")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    with open(s.path("state/audit/000001.log")) as f:
        lines = f.read().splitlines(keepends=True)
    lines = change(lines) or lines
    with open(os.path.join(folder, "000001.log"), "w") as f:
        f.write("".join(lines))
    return folder


@table.row(40, "audit log: flip, delete, renumber, cut", "verify says so, and where")
def test_damage_is_found(s):
    mux = s.mux(TWO)
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=2).expect(0)
    wait_for(s, "close")
    n = next(i for i, r in enumerate(log_of(s)) if r["event"] == "open")

    def flip(lines):
        lines[n] = lines[n].replace("porch", "patio")

    def delete(lines):
        del lines[n]

    def renumber(lines):
        lines[n] = lines[n].replace(f'"n":{n + 1},', f'"n":{n + 7},')

    check("the log is whole" in verify(mux, damaged(s, lambda lines: None)), "a copy")
    for change, words in ((flip, f"record {n + 1} in 000001.log was altered"),
            (delete, f"cut after record {n}, written until 2"), (renumber, f"cut after record {n},"),
            (lambda lines: lines[:n + 1], f"cut after record {n + 1}, written until 2")):
        text = verify(mux, damaged(s, change), code=65)
        check(words in text, f"no «{words}» in: {text}")
    check("not anchored" in verify(mux, damaged(s, lambda lines: lines[:n + 2])), "cut behind a seal: nobody can know")
    check(json.loads(mux.ctl("--json", "audit", "verify"))["whole"], "as JSON")
    # The mux knows how far its own log had got.
    with open(s.path("state/audit/000001.log"), "r+") as f:
        f.truncate(sum(map(len, f.read().splitlines(keepends=True)[:n + 2])))
    text = verify(mux, code=65)
    check(f"cut after record {n + 2}" in text, text)


def test_cut_is_noticed_at_the_start(s):
    mux = s.mux(TWO)
    mux.grant("porch")
    mux.stop()
    path = s.path("state/audit/000001.log")
    with open(path) as f:
        lines = f.read().splitlines(keepends=True)
    with open(path, "w") as f:
        f.write("".join(lines[:3]))
    mux.start()
    check(mux.status()["audit"]["state"] == "cut" and "AUDIT:" in mux.log(), mux.log())
    check("RECORDS WERE MISSING" in mux.ctl("status"), mux.ctl("status"))
    check("cut after record 3, written until" in verify(mux, code=65), "verify finds it, too")
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A).expect(0)  # and it goes on


@table.row(42, "old copy of the state folder put back, with a state_anchor", "noticed, nothing granted until accepted")
def test_rolled_back_with_an_anchor(s):
    os.mkdir(s.path("elsewhere"), 0o755)
    mux = s.mux(f'state_anchor = "{s.path("elsewhere/anchor")}"\n' + TWO)
    mux.stop()
    shutil.copytree(s.path("state"), s.path("old"))
    mux.start()
    token = mux.grant("porch", uid=UID_A)
    mux.dump("porch", token, uid=UID_A).expect(0)
    wait_for(s, "close")
    check("; anchored: record" in verify(mux), verify(mux))
    mux.stop()
    shutil.rmtree(s.path("state"))
    shutil.copytree(s.path("old"), s.path("state"))
    for _ in range(2):  # it outlasts a restart
        mux.start()
        check(mux.status()["audit"]["state"] == "rolled-back", mux.status()["audit"])
        mux.dump("porch", token, uid=UID_A).expect(77)
        mux.ctl("grant", "--camera", "porch", code=70)
        check("NOTHING IS GRANTED" in mux.ctl("status"), mux.ctl("status"))
        mux.stop()
    mux.start()
    verify(mux, code=65)
    mux.ctl("accept", "--state")
    check(mux.status()["audit"]["state"] == "ok", mux.status()["audit"])
    mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A).expect(0)
    mux.stop()
    mux.start()
    check(mux.status()["audit"]["state"] == "ok", mux.status()["audit"])
    check(events(log_of_segments(s), "rolled_back"), "the log says so")


def test_anchors_out_of_a_journal(s):
    """Of many lines the furthest counts; a single segment is called by its own name."""
    os.mkdir(s.path("elsewhere"), 0o755)
    mux = s.mux(f'state_anchor = "{s.path("elsewhere/anchor")}"\n' + TWO)

    def noted():
        with open(s.path("elsewhere/anchor")) as f:
            return f.read().strip()
    mux.grant("porch")
    verify(mux)
    old = until(noted, "an anchor")
    mux.stop()
    shutil.copytree(s.path("state/audit"), s.path("copy"))
    mux.start()
    mux.grant("porch")
    until(lambda: noted() != old, "another anchor")
    lines = s.write("lines", f"Nov 29 framemuxd[1]: {noted()}\nNov 28 framemuxd[1]: {old}\nelse\n")
    one = s.write("one", old + "\n")
    check("; anchored" in mux.ctl("audit", "verify", s.path("copy"), "--anchor", one), "the older alone")
    said = mux.ctl("audit", "verify", s.path("copy"), "--anchor", lines, code=65)
    check("cut" in said, said)
    begin, chain, rest = old.partition("chain=")
    other = f"{begin}{chain}{'1' if rest[0] == '0' else '0'}{rest[1:]}"
    other = s.write("other", f"{noted()}\n{other}\n")
    said = verify(mux, "--anchor", other, code=65)
    check("written anew" in said, said)
    second = s.path("copy/000002.log")
    with open(second, "a") as f:
        f.write("{}\n")
    check("000002.log" in mux.ctl("audit", "verify", second, code=65), "another segment is blamed")


def log_of_segments(s):
    """The records of all segments, without their chain: there is a gap."""
    folder = s.path("state/audit")
    return [json.loads(line) for f in sorted(os.listdir(folder)) if f.endswith(".log")
        for line in open(os.path.join(folder, f))]


# ---- a disk that takes nothing ---------------------------------------------------------------


class SmallDisk:
    """A file system of its own for the state folder."""

    def __init__(self, s):
        if os.getuid() != 0:
            raise Skipped("mounting takes root")
        self.path = s.path("state")
        os.mkdir(self.path, 0o700)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", MS_TREE + ",mode=0700", "tmpfs", self.path],
            capture_output=True, text=True)
        if done.returncode:
            raise Skipped("nothing can be mounted here: " + done.stderr.strip())

    def fill(self):
        with open(os.path.join(self.path, "rubbish"), "wb", buffering=0) as f:
            for size in (4096, 1):
                try:
                    while f.write(b"x" * size):
                        pass
                except OSError:
                    pass

    def empty(self):
        os.unlink(os.path.join(self.path, "rubbish"))

    def __enter__(self):
        return self

    def __exit__(self, *args):
        subprocess.run(["umount", "-l", self.path], check=False)


@table.row(48, "disk full", "no grant without its record; running leases go on")
def test_disk_full(s):
    """REDTEAM 48: no grant without its record; who sees goes on seeing; what ends is recorded."""
    with SmallDisk(s) as disk:
        mux = s.mux(TWO)
        token, other = mux.grant("porch", uid=UID_A), mux.grant("garden", uid=UID_B)
        client = mux.dump("porch", token, uid=UID_A, frames=100000)
        client.await_frames(2)
        disk.fill()
        # Up to the end of a block that the log has already there is room.
        until(lambda: mux.dump("garden", other, uid=UID_B, frames=1).wait() == 77, "a lease is refused")
        check(mux.status()["audit"]["state"] == "full", mux.status()["audit"])
        check("CANNOT BE WRITTEN" in mux.ctl("status"), mux.ctl("status"))
        mux.ctl("grant", "--camera", "porch", code=74)
        client.await_frames(len(client.meta()) + 5)
        client.signal(signal.SIGTERM)  # its end is recorded all the same
        client.wait()
        lease = events(log_of(s), "open")[0]["lease"]
        until(lambda: [r for r in events(log_of(s), "close") if r["lease"] == lease], "its close record")
        check(not os.path.exists(s.path("state/audit/reserve")), "that took the space kept back")
        disk.empty()
        until(lambda: mux.dump("garden", other, uid=UID_B, frames=1).wait() == 0, "it goes on")
        check(mux.status()["audit"]["state"] == "ok", mux.status()["audit"])
        check(os.path.exists(s.path("state/audit/reserve")), "space is kept back again")
        check("the log is whole" in verify(mux), "whole")
        opens, served = events(log_of(s), "open"), mux.status()["totals"]["leases_opened"]
        check(len(opens) == served, f"{served} leases began, {len(opens)} are recorded")
        mux.stop()


def test_no_lease_without_its_record(s):
    """As many leases as records of their opening; the log is looked at while they live."""
    mux = s.mux(TWO)
    clients = [mux.dump(name, mux.grant(name, uid=uid), uid=uid, frames=1000)
        for name, uid in (("porch", UID_A), ("garden", UID_B))]
    for client in clients:
        client.await_frames(1)
    opened = {r["lease"] for r in events(log_of(s), "open")}
    live = {lease["id"] for lease in mux.status()["leases"]}
    check(live and live <= opened, f"leases {live}, of which are recorded {live & opened}")


def alive_each_minute(s):
    """For a build in which a minute is a second long: what a crash can lose."""
    mux = s.mux(TWO)
    client = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=1000)
    client.await_frames(3)
    alive = wait_for(s, "alive", 2)
    opened = one(log_of(s), "open")
    check({r["lease"] for r in alive} == {opened["lease"]}, alive)
    check(alive[0]["published"] <= alive[-1]["published"] and alive[-1]["delivered"] > 0, alive)
    mux.dump("garden", mux.grant("porch", uid=UID_A), uid=UID_A).wait()
    refused = wait_for(s, "refused")[0]
    check(refused["count"] == 1 and refused["camera"] == "garden", refused)


def test_only_readers_read(s):
    """REDTEAM 64: reading is for who may use the control socket; nobody writes through what he gets."""
    mux = s.mux(TWO)
    mode = os.stat(s.path("state/audit/000001.log")).st_mode & 0o777
    check(mode == 0o600 and os.stat(s.path("state/audit")).st_mode & 0o777 == 0o700, f"mode {mode:o}")
    with harness_reader(mux) as fds:
        check(fds, "no segment came")
        for fd in fds:
            try:
                os.write(fd, b"x")
            except OSError:
                continue
            raise Failed("a reader can write")


def test_removed_while_framemuxd_was_away(s):
    """A camera that was taken out of the configuration meanwhile: its tokens are valid no more; said once."""
    mux = s.mux(TWO)
    token = json.loads(mux.ctl("--json", "grant", "--camera", "porch"))["id"]

    def could_see():
        report = json.loads(mux.ctl("--json", "audit", "report", "--camera", "porch", "--at", "0s"))
        return {x["record"]["token"] for x in report["could_see"]}

    def removed():
        return [r for r in mux.recorded("change") if r["what"] == "camera removed"]

    check(could_see() == {token}, "it is good")
    mux.stop()
    with open(mux.config_path) as f:
        text = f.read()
    s.write(os.path.basename(mux.config_path), text.replace('camera "porch"', 'camera "patio"'))
    mux.start()
    record = one(mux.recorded("change"), "change")
    check((record["camera"], record["what"], record["epoch"]) == ("porch", "camera removed", 1), record)
    check(could_see() == set(), "the token of a camera that went is dead")
    mux.stop()
    mux.start()
    check(len(removed()) == 1, f"once: {removed()}")
    mux.stop()
    s.write(os.path.basename(mux.config_path), text)
    mux.start()
    check([r["camera"] for r in removed()] == ["porch", "patio"], removed())
    check(could_see() == set(), "it came back, as another one")


def harness_reader(mux):
    import contextlib
    import array

    @contextlib.contextmanager
    def reader():
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.settimeout(20)
        sock.connect(mux.control)
        got = []
        try:
            sock.send(struct.pack("<HHII", 0x0001, 12, 0x31584D46, 1))
            sock.send(struct.pack("<HHI", 0x0211, 8, 7))
            while True:
                data, anc, _, _ = sock.recvmsg(4096, socket.CMSG_SPACE(16))
                for level, kind, raw in anc:
                    if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                        fds = array.array("i")
                        fds.frombytes(raw[:len(raw) // 4 * 4])
                        got += fds
                if struct.unpack_from("<H", data)[0] == 0x0287:
                    break
            yield got
        finally:
            for fd in got:
                os.close(fd)
            sock.close()
    return reader()
