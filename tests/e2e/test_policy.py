"""A fleet's signed policy: in force when it is applied, over restarts, and not to be talked out of it."""
import json
import os
import signal
import subprocess
import sys
import time

import dialogues
import table
from harness import UID_A, UID_B, Failed, check, until
from test_memory import UNHURRIED, watching
from test_refusals import TWO, refused
from test_reload import configure
from test_revoke import is_blank, keep_ring

SIGN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/policy-sign")
VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../unit/policy")
DAY = 86400
OWNERS = ("anna", "ben", "clara")
CAMERAS = "".join(f'camera "{name}" {{\n\turl = "test:{name}?size=64x64&fps=5"\n\tvendor = "{vendor}"\n'
    f'\tmodel = "{model}"\n}}\n' for name, vendor, model in
    (("a", "Acme Eyes", "one"), ("b", "acme eyes", "two"), ("c", "other", "one")))


def at(seconds):
    """That many seconds from now."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def tool(s, *args, code=0):
    done = subprocess.run([sys.executable, SIGN, *args], capture_output=True, text=True, timeout=30)
    check(done.returncode == code, f"policy-sign {args}: {done.returncode}\n{done.stderr}")
    return done.stdout


class Fleet:
    """Owners with their keys, and what they sign."""

    def __init__(self, s):
        self.s, self.count = s, 0
        for name in OWNERS:
            tool(s, "keygen", s.path(name))

    def keys(self, *names):
        listed = ", ".join('"' + open(self.s.path(n + ".pub")).read().strip() + '"' for n in names)
        return f"policy_keys = {{ {listed} }}\n"

    def bundle(self, version, *statements, by=OWNERS[:2], issued=0, expires=30 * DAY):
        self.count += 1
        path = self.s.write(f"bundle{self.count}", "\n".join(("framemux-policy 1", f"version {version}",
            f"issued {at(issued)}", f"expires {at(expires) if expires else 'never'}",
            *statements)) + "\n", 0o644)
        for name in by:
            tool(self.s, "sign", self.s.path(name), path)
        return path

    def mux(self, config, more=""):
        return self.s.mux(self.keys(*OWNERS) + more + config)


def apply(mux, path, code=0, word=None):
    answer = json.loads(mux.ctl("--json", "policy", "apply", path, code=code))
    check(code == 0 or answer["refused"] == word, f"{answer}")
    return answer


def blocked(mux):
    return {c["name"]: c["reason"] for c in mux.status()["cameras"] if c["state"] == "blocked"}


def crash(mux):
    os.kill(mux.pid, signal.SIGKILL)
    mux.process.wait()


def test_blind_when_it_returns(s):
    """Of live cameras; others miss nothing; over a crash; and nobody sees the blocked one again."""
    fleet = Fleet(s)
    config = fleet.keys(*OWNERS) + UNHURRIED.replace('camera "porch" {', 'camera "porch" {\n\tvendor = "acme"')
    mux, (porch, garden) = watching(s, 2, ("porch", "garden"), config)
    ring, pids = keep_ring(porch), mux.camera("porch")["pids"]
    token, other = (mux.grant(n, uid=UID_B) for n in ("porch", "garden"))
    answer = apply(mux, fleet.bundle(7, "block vendor acme"))
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left after policy apply returned")
    left = [p for p in pids if p in mux.roles("framemux-ingest") + mux.roles("framemux-decode")]
    check(not left, f"the pair lives: {left}")
    check(answer["version"] == 7 and [c["camera"] for c in answer["blocked"]] == ["porch"], f"{answer}")
    print(f"      {answer['elapsed_us']} us", flush=True)
    porch.expect(69)
    check('policy 7 blocks vendor "acme"' in porch.err(), porch.err())
    seen = len(garden.meta())
    garden.await_frames(seen + 5)
    garden.check_missed_none()
    crash(mux)
    garden.wait()
    mux.start()
    check(blocked(mux) == {"porch": 'policy 7 blocks vendor "acme"'}, f"{blocked(mux)}")
    refused(mux.dump("porch", token, uid=UID_B), 69)
    mux.dump("garden", other, uid=UID_B).expect(0)
    records = mux.recorded("policy")
    (applied,) = (r for r in records if r["what"] == "applied")
    check(applied["by_uid"] == os.getuid() and applied["version"] == 7 and
        answer["hash"] in applied["reason"], f"{applied}")
    check([r["what"] for r in records if r.get("camera") == "porch"] == ["in force"] * 2, f"{records}")
    apply(mux, fleet.bundle(8))
    mux.dump("porch", token, uid=UID_B).expect(0)
    report = json.loads(mux.ctl("--json", "audit", "report", "--camera", "porch", "--at",
        [r for r in mux.recorded("policy") if r.get("camera") == "porch"][1]["time"]))
    check(report["could_see"] == [] and "policy 7" in report["blocked"], f"{report}")


@table.row(41, "old, expired, under-signed, same-signer-twice policy", "refused; what is cut off stays so")
def test_refusals(s):
    """Rollback, equivocation, too few or the same signer twice, expired, no policy: nothing changes."""
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    first = fleet.bundle(7, 'block vendor "Acme Eyes"')
    apply(mux, first)
    check(set(blocked(mux)) == {"a", "b"}, f"{blocked(mux)}")
    apply(mux, first)  # once more is nothing new
    mux.ctl("disable", "--camera", "c")
    apply(mux, fleet.bundle(6), 77, "rollback")
    apply(mux, fleet.bundle(7), 77, "equivocation")
    apply(mux, fleet.bundle(8, by=OWNERS[:1]), 77, "under-signed")
    apply(mux, fleet.bundle(8, by=()), 77, "under-signed")
    twice = fleet.bundle(8, by=OWNERS[:1])
    with open(twice) as f:
        text = f.read()
    s.write("twice", text + text[text.index("signature "):])
    apply(mux, s.path("twice"), 77, "under-signed")
    apply(mux, fleet.bundle(8, issued=-9, expires=-5), 77, "expired")
    apply(mux, fleet.bundle(8, "block everything"), 65, "no-policy")
    s.write("nonsense", "framemux-policy 2\n")
    apply(mux, s.path("nonsense"), 65, "no-policy")
    s.write("large", "framemux-policy 1\n" + "#\n" * 40000)
    apply(mux, s.path("large"), 65, "no-policy")
    tampered = fleet.bundle(8)
    with open(tampered) as f:
        text = f.read()
    s.write("tampered", text.replace("version 8", "version 9"))
    apply(mux, s.path("tampered"), 77, "under-signed")
    mux.ctl("policy", "apply", s.path("nowhere"), code=65)
    mux.ctl("policy", "apply", code=64)
    shown = json.loads(mux.ctl("--json", "policy", "show"))
    check(shown["version"] == 7 and set(blocked(mux)) == {"a", "b"}, f"{shown}")
    check(mux.camera("c")["state"] == "disabled", "the kill switch is off")
    refusals = [r for r in mux.recorded("policy") if r["what"] == "refused"]
    check(len(refusals) == 1 and "rollback" in refusals[0]["reason"], f"{refusals}")
    crash(mux)
    mux.start()
    apply(mux, fleet.bundle(6), 77, "rollback")
    apply(mux, fleet.bundle(8))
    check(blocked(mux) == {}, f"{blocked(mux)}")


@table.row(41, "expired policy, with the clock set back", "refused; its permits stay over")
def test_clock_set_back(s):
    """Its own issue says how late it is at least; the time that was believed says so over a restart."""
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    apply(mux, fleet.bundle(1, issued=10 * DAY, expires=20 * DAY))
    apply(mux, fleet.bundle(2, expires=5 * DAY), 77, "expired")
    crash(mux)
    mux.start()
    apply(mux, fleet.bundle(2, expires=5 * DAY), 77, "expired")
    permit = ('block vendor "Acme Eyes"', 'permit model "Acme Eyes" one')
    apply(mux, fleet.bundle(3, *permit, issued=10 * DAY, expires=20 * DAY))
    check(set(blocked(mux)) == {"b"}, f"{blocked(mux)}")
    mux.stop()
    s.write("state/clock", f"framemux clock 1\n{int(time.time()) + 21 * DAY}\n")
    mux.start()  # as if the clock had been set back since
    check(set(blocked(mux)) == {"a", "b"}, f"{blocked(mux)}")
    check(json.loads(mux.ctl("--json", "policy", "show"))["expired"] is True, "not expired")
    apply(mux, fleet.bundle(4, *permit, expires=20 * DAY), 77, "expired")


def test_expires_while_it_runs(s):
    """What is blocked and required stays; what was permitted is over, at once, and is recorded."""
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    client = mux.dump("a", mux.grant("a", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(1)
    apply(mux, fleet.bundle(1, 'block vendor "Acme Eyes"', 'permit model "Acme Eyes" one', expires=8))
    client.await_frames(len(client.meta()) + 1)
    check(set(blocked(mux)) == {"b"}, f"{blocked(mux)}")
    client.expect(69)
    check(set(blocked(mux)) == {"a", "b"}, f"{blocked(mux)}")
    (r,) = (r for r in mux.recorded("policy") if r["what"] == "expired")
    check(r["version"] == 1, f"{r}")


def test_each_lifts_its_own(s):
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    apply(mux, fleet.bundle(1, "block vendor other"))
    mux.ctl("disable", "--vendor", "other")
    check(mux.camera("c")["state"] == "disabled", "the kill switch is not shown")
    s.write("asked", "")
    argv = [s.program("framemuxctl"), "-s", mux.control, "enable", "--vendor", "other"]
    done = subprocess.run(argv, capture_output=True, text=True, env=s.env(), timeout=30)
    check(done.returncode == 0 and "policy 1 blocks" in done.stderr, done.stderr)
    check(mux.camera("c")["state"] == "blocked", "enable has lifted the policy's block")
    mux.ctl("disable", "--camera", "c")
    apply(mux, fleet.bundle(2))
    check(mux.camera("c")["state"] == "disabled", "the policy has lifted the kill switch")
    mux.ctl("enable", "--camera", "c")
    check(mux.camera("c")["state"] == "idle", f"{mux.camera('c')}")


@table.row(57, "a policy meets a new vendor, or keys that are gone, on reload", "in force before it returns")
def test_reload(s):
    """A camera that a reload makes the policy's is blind when reload returns; keys that go lift nothing."""
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    apply(mux, fleet.bundle(1, "block vendor bad", "require tls"))
    client = mux.dump("c", mux.grant("c", uid=UID_A), uid=UID_A, frames=1000)
    client.await_frames(2)
    ring, pids = keep_ring(client), mux.camera("c")["pids"]
    camera = 'camera "d" {\n\turl = "rtsp://127.0.0.1:9/x"\n}\n'
    configure(mux, fleet.keys(*OWNERS) + CAMERAS.replace('"other"', '"bad"') + camera)
    mux.ctl("reload")
    blind = is_blank(ring)
    ring.close()
    check(blind, "pixels are left after reload returned")
    left = [p for p in pids if p in mux.roles("framemux-ingest") + mux.roles("framemux-decode")]
    check(not left, f"the pair lives: {left}")
    client.expect(69)
    check(blocked(mux) == {"c": 'policy 1 blocks vendor "bad"', "d": "policy 1 requires TLS"},
        f"{blocked(mux)}")
    configure(mux, CAMERAS.replace('"other"', '"bad"') + camera)
    check("policy_keys" in mux.ctl("reload"), "not told")
    check(set(blocked(mux)) == {"c", "d"}, "without keys the policy is gone")
    apply(mux, fleet.bundle(2), 77, "no-keys")
    mux.stop()
    mux.start()
    check(set(blocked(mux)) == {"c", "d"}, "without keys a restart has lifted the policy")
    configure(mux, fleet.keys("clara") + CAMERAS)
    mux.ctl("reload")
    apply(mux, fleet.bundle(2, by=("clara",)))
    check(blocked(mux) == {}, f"{blocked(mux)}")


def test_nothing_on_the_wire(s):
    """A warm camera that is blocked is not connected to, at the start either."""
    fleet = Fleet(s)
    with dialogues.Camera(lambda connection: connection.rest(5)) as camera:
        mux = fleet.mux(f'camera "porch" {{\n\turl = "rtsp://127.0.0.1:{camera.port}/"\n'
            f'\tstandby = "warm"\n}}\n')
        until(lambda: camera.connections, "a warm camera to be connected to")
        apply(mux, fleet.bundle(1, "require pin"))
        before = len(camera.connections)
        mux.stop()
        mux.start()
        refused(mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A), 69)
        check(len(camera.connections) == before, "it was connected to")


def test_without_the_broker(s):
    """A broker that does not answer: the pair is killed, and it is said as it is."""
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    client = mux.dump("c", mux.grant("c", uid=UID_A), uid=UID_A, frames=1000)
    client.await_frames(1)
    (broker,) = mux.roles("framemux-broker")
    bundle = fleet.bundle(1, "block vendor other")
    os.kill(broker, signal.SIGSTOP)
    try:
        argv = [s.program("framemuxctl"), "-s", mux.control, "policy", "apply", bundle]
        done = subprocess.run(argv, capture_output=True, text=True, env=s.env(), timeout=30)
        check(done.returncode == 0 and "broker does not answer" in done.stderr, done.stderr)
        check(not mux.roles("framemux-decode"), "the pair lives")
    finally:
        os.kill(broker, signal.SIGCONT)
    client.expect(69)


def test_a_disk_that_refuses(s):
    """It blocks all the same, and says that it is not recorded; nothing is lifted unrecorded."""
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    apply(mux, fleet.bundle(1, 'block vendor "Acme Eyes"'))
    os.rename(s.path("state/policy"), s.path("policy.aside"))
    os.mkdir(s.path("state/policy"))  # a file cannot take its name
    second = fleet.bundle(2, "block vendor other")
    mux.ctl("policy", "apply", second, code=74)
    check(set(blocked(mux)) == {"a", "b", "c"}, f"{blocked(mux)}")
    check(json.loads(mux.ctl("--json", "policy", "show"))["recorded"] is False, "said to be recorded")
    os.rmdir(s.path("state/policy"))
    until(lambda: json.loads(mux.ctl("--json", "policy", "show"))["recorded"], "it to be recorded by itself")
    check(set(blocked(mux)) == {"c"}, f"{blocked(mux)}")
    apply(mux, second)
    mux.stop()
    mux.start()
    check(set(blocked(mux)) == {"c"}, f"{blocked(mux)}")
    mux.stop()
    with open(s.path("state/policy"), "r+b") as f:
        f.seek(120)
        f.write(b"#")
    try:
        mux.start()
    except Failed as e:
        mux.process.expect(65)
        check("policy is damaged" in str(e), str(e))
    else:
        raise Failed("it starts with a damaged policy")


def test_policy_sign(s):
    """The owners' tool: secrets are theirs alone, nobody signs twice, minisign's signatures are taken."""
    fleet = Fleet(s)
    check(os.stat(s.path("anna")).st_mode & 0o777 == 0o600, "a secret that others can read")
    tool(s, "keygen", s.path("anna"), code=73)
    bundle = fleet.bundle(1, by=("anna",))
    tool(s, "sign", s.path("anna"), bundle, code=77)
    tool(s, "verify", bundle, s.path("anna.pub"))
    check("NOT signed" in tool(s, "verify", bundle, s.path("anna.pub"), s.path("ben.pub"), code=77), "ben")
    os.chmod(s.path("ben"), 0o644)
    tool(s, "sign", s.path("ben"), bundle, code=65)
    tool(s, "sign", s.path("anna.pub"), bundle, code=65)
    s.write("none", "version 1\n")
    tool(s, "sign", s.path("anna"), s.path("none"), code=65)
    tool(s, "frobnicate", code=64)
    # The second signature of the vectors is of minisign's kind.
    with open(os.path.join(VECTORS, "minisign.policy")) as f:
        lines = f.read().splitlines(keepends=True)
    key = open(os.path.join(VECTORS, "keys.txt")).read().split("\n")[1].split()[1]
    plain = s.write("plain", "".join(l for l in lines if not l.startswith("signature")))
    sig = [l for l in lines if l.startswith("signature")][1].split()[2]
    mini = s.write("sig", f"untrusted comment: x\n{sig}\ntrusted comment: x\n{sig}\n")
    other = [l for l in lines if l.startswith("signature")][2].split()[2]
    wrong = s.write("wrong", f"untrusted comment: x\n{other}\n")
    tool(s, "attach", plain, key, wrong, code=77)
    tool(s, "attach", plain, key, mini)
    tool(s, "attach", plain, key, mini, code=77)
    tool(s, "verify", plain, key)


class Folder:
    """The drop folder, as an update agent sees it."""

    def __init__(self, s):
        self.path = os.path.join(s.folder("drop"), "policies")
        os.mkdir(self.path, 0o755)

    def file(self, name):
        return os.path.join(self.path, name)

    def drop(self, name, bundle):
        """By rename, as it is to be done."""
        with open(bundle) as f:
            text = f.read()
        with open(self.file("." + name), "w") as f:
            f.write(text)
        os.rename(self.file("." + name), self.file(name))

    def outcome(self, name):
        """What was left beside it: the ending, and the words in it."""
        def there():
            return next((e for e in ("applied", "refused") if os.path.exists(self.file(f"{name}.{e}"))), None)
        end = until(there, f"an outcome of {name}")
        check(not os.path.lexists(self.file(name)), f"{name} is still there")
        path = self.file(f"{name}.{end}")
        with open(path) as f:
            text = f.read()
        os.unlink(path)
        return end, text


def test_drop_folder(s):
    """What is dropped is applied or refused, at the start too, and what became of it is left there."""
    fleet, folder = Fleet(s), Folder(s)
    folder.drop("at-start.policy", fleet.bundle(1, "block vendor other"))
    mux = fleet.mux(CAMERAS, f'policy_folder = "{folder.path}"\n')
    check(folder.outcome("at-start.policy") == ("applied", "it is in force\n"), "not applied at the start")
    check(set(blocked(mux)) == {"c"}, f"{blocked(mux)}")
    folder.drop("two.policy", fleet.bundle(2, 'block vendor "Acme Eyes"'))
    check(folder.outcome("two.policy")[0] == "applied", "not applied")
    check(set(blocked(mux)) == {"a", "b"}, f"{blocked(mux)}")
    folder.drop("old.policy", fleet.bundle(1))
    end, text = folder.outcome("old.policy")
    check(end == "refused" and text.startswith("rollback"), text)
    with open(fleet.bundle(3)) as f, open(folder.file("written.policy"), "w") as out:
        out.write(f.read())  # in place: taken when it is closed
    check(folder.outcome("written.policy")[0] == "applied", "not applied")
    check(blocked(mux) == {}, f"{blocked(mux)}")
    folder.drop("half.policy.part", fleet.bundle(4, "require tls"))
    for n in range(40):
        folder.drop(f"bad{n}.policy", fleet.bundle(3, "require pin", by=()) if n == 0
            else s.path(f"bundle{fleet.count}"))
    for n in range(40):
        check(folder.outcome(f"bad{n}.policy")[0] == "refused", "not refused")
    check(os.path.exists(folder.file("half.policy.part")), "a file of another name was taken")
    records = [r for r in mux.recorded("policy") if r["what"] == "refused"]
    check(len(records) == 1 and records[0]["name"] == "old.policy", f"{records}")
    mux.stop()
    mux.start()
    counts = [r["count"] for r in mux.recorded("policy") if r["what"] == "refused"]
    check(counts == [1, 40], f"what was only counted is not recorded at the end: {counts}")
    applied = [r["name"] for r in mux.recorded("policy") if r["what"] == "applied"]
    check(applied == ["at-start.policy", "two.policy", "written.policy"], f"{applied}")


def test_drop_folder_waits_for_a_writer(s):
    """One that is being copied when the folder is listed is not judged by its half."""
    fleet, folder = Fleet(s), Folder(s)
    with open(fleet.bundle(1, "block vendor other")) as f:
        text = f.read()
    with open(folder.file("slow.policy"), "w") as out:
        out.write(text[:50])
        out.flush()
        mux = fleet.mux(CAMERAS, f'policy_folder = "{folder.path}"\n')
        until(lambda: "slow.policy stays" in mux.log() or os.listdir(folder.path) != ["slow.policy"],
            "it to be looked at")
        check(os.listdir(folder.path) == ["slow.policy"], f"judged: {os.listdir(folder.path)}")
        out.write(text[50:])
    check(folder.outcome("slow.policy")[0] == "applied", "not applied when it was whole")
    check(set(blocked(mux)) == {"c"}, f"{blocked(mux)}")
    check(not [r for r in mux.recorded("policy") if r["what"] == "refused"], "refused before")


def test_drop_folder_keeps_what_the_disk_does_not(s):
    """What is in force and not recorded stays there until it is: a restart finds one of the two."""
    fleet, folder = Fleet(s), Folder(s)
    mux = fleet.mux(CAMERAS, f'policy_folder = "{folder.path}"\n')
    os.mkdir(s.path("state/policy"))  # a file cannot take its name
    folder.drop("x.policy", fleet.bundle(1, "block vendor other"))
    until(lambda: "x.policy stays" in mux.log(), "it to be left")
    check(os.listdir(folder.path) == ["x.policy"], f"{os.listdir(folder.path)}")
    check(set(blocked(mux)) == {"c"}, f"{blocked(mux)}")
    mux.stop()
    os.rmdir(s.path("state/policy"))
    mux.start()
    check(folder.outcome("x.policy")[0] == "applied", "not applied")
    check(set(blocked(mux)) == {"c"}, f"{blocked(mux)}")
    os.rename(s.path("state/policy"), s.path("policy.aside"))
    os.mkdir(s.path("state/policy"))
    folder.drop("y.policy", fleet.bundle(2, "block vendor other"))
    until(lambda: "y.policy stays" in mux.log(), "it to be left")
    os.rmdir(s.path("state/policy"))
    check(folder.outcome("y.policy")[0] == "applied", "not tried again")


def test_drop_folder_with_more_than_a_list(s):
    fleet, folder = Fleet(s), Folder(s)
    bundle = fleet.bundle(1, "block vendor other")
    for n in range(260):
        folder.drop(f"{n}.policy", bundle)
    fleet.mux(CAMERAS, f'policy_folder = "{folder.path}"\n')
    until(lambda: not [f for f in os.listdir(folder.path) if f.endswith(".policy")], "all to be read", 60)


@table.row(62, "symlink, hard link, foreign file or folder as a dropped policy", "refused unread")
def test_drop_folder_takes_no_links(s):
    """Links, pipes, and files that others can write are refused unread; so is a folder that others can."""
    fleet, folder = Fleet(s), Folder(s)
    mux = fleet.mux(CAMERAS, f'policy_folder = "{folder.path}"\n')
    good = fleet.bundle(1, "block vendor other")
    os.symlink(good, folder.file("symlink.policy"))
    folder.drop("after-it.policy", fleet.bundle(1, by=()))  # of a link alone the kernel says nothing
    check(folder.outcome("after-it.policy")[0] == "refused", "not refused")
    os.rename(folder.file("symlink.policy"), folder.file("link.policy"))
    end, text = folder.outcome("link.policy")
    check(end == "refused" and "link" in text, text)
    os.link(good, folder.file(".x"))
    os.rename(folder.file(".x"), folder.file("hard.policy"))
    end, text = folder.outcome("hard.policy")
    check(end == "refused" and "hard link" in text, text)
    os.mkfifo(folder.file(".x"))
    os.rename(folder.file(".x"), folder.file("pipe.policy"))
    check(folder.outcome("pipe.policy")[0] == "refused", "a pipe was read")
    with open(good) as f:
        text = f.read()
    for name, mode, uid in (("open.policy", 0o666, 0), ("foreign.policy", 0o644, UID_A)):
        if uid and os.getuid():
            continue
        with open(folder.file(".x"), "w") as f:
            f.write(text)
            os.fchmod(f.fileno(), mode)
            if uid:
                os.fchown(f.fileno(), uid, uid)
        os.rename(folder.file(".x"), folder.file(name))
        check(folder.outcome(name)[0] == "refused", f"{name} was read")
    check(blocked(mux) == {}, f"{blocked(mux)}")
    with open(good) as f:
        check(f.read() == text, "a link's file was changed")
    mux.stop()
    os.chmod(folder.path, 0o777)
    try:
        mux.start()
    except Failed as e:
        mux.process.expect(73)
        check("can be written by others" in str(e), str(e))
    else:
        raise Failed("it starts with a folder that anybody can write")


def test_report_after_a_restart(s):
    """What another configuration lifts while the mux is away is not reported as blocked."""
    fleet = Fleet(s)
    mux = fleet.mux(CAMERAS)
    mux.ctl("policy", "apply", fleet.bundle(1, "block vendor other"))
    mux.stop()
    configure(mux, fleet.keys(*OWNERS) + CAMERAS.replace('"other"', '"fine"'))
    mux.start()
    mux.grant("c", uid=UID_A)
    said = json.loads(mux.ctl("--json", "audit", "report", "--camera", "c", "--at",
        mux.recorded("grant")[-1]["time"]))
    check(len(said["could_see"]) == 1, f"{said}")
