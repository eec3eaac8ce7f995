"""The root keys of all tokens: two are good at a time; whoever retires one ends what it gave."""
import base64
import json
import os
import signal
import subprocess

import harness
from harness import UID_A, Failed, check
from test_audit import events, log_of
from test_refusals import TWO, refused


def key_of(token):
    """The id of the key that it was made with: bytes 1 to 4."""
    text = token.removeprefix("fmx1_")
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[1:5], "little")


def keys(mux):
    return [k["id"] for k in json.loads(mux.ctl("--json", "key", "show"))["keys"]]


def token_in(path):
    with open(path) as f:
        return f.read().split()[1]


def wall(s):
    tokens = s.path("tokens")
    os.mkdir(tokens)
    os.chmod(tokens, 0o755)
    uid = UID_A if os.getuid() == 0 else os.getuid()
    return f"{tokens}/wall", (f'grant "wall" {{\n\tuid = {uid}\n\tcameras = {{ "porch" }}\n'
        f'\tdump = true\n\ttoken_file = "{tokens}/wall"\n}}\n')


def test_rotate_then_retire(s):
    path, grant = wall(s)
    mux = s.mux(TWO + grant)
    old_file = token_in(path)
    old = mux.grant("garden", uid=UID_A)
    check(keys(mux) == [1] and key_of(old) == key_of(old_file) == 1, "it begins with key 1")
    watcher = mux.dump("garden", old, uid=UID_A, frames=100000)
    watcher.await_frames(2)
    mux.ctl("key", "retire", code=64)  # the only one
    mux.ctl("key", "rotate")
    check(keys(mux) == [2, 1], f"after rotate: {keys(mux)}")
    check(not os.path.exists(s.path("state/root.key")), "the old file is still there")
    mux.ctl("key", "rotate", code=64)  # two already
    new, new_file = mux.grant("garden", uid=UID_A), token_in(path)
    check(key_of(new) == key_of(new_file) == 2, "the newest key makes tokens, and writes token files")
    check(watcher.running(), "a rotation ended a lease")

    def all_good():
        for camera, token in (("garden", old), ("garden", new), ("porch", old_file), ("porch", new_file)):
            mux.dump(camera, token, uid=UID_A).expect(0)
    all_good()
    watcher.signal(signal.SIGTERM)
    watcher.wait()
    mux.stop()
    mux.start()
    check(keys(mux) == [2, 1] and token_in(path) == new_file, "a restart changed something")
    all_good()
    watcher = mux.dump("garden", old, uid=UID_A, frames=100000)
    other = mux.dump("porch", new_file, uid=UID_A, frames=100000)
    watcher.await_frames(2)
    other.await_frames(2)
    ended = json.loads(mux.ctl("--json", "key", "retire"))
    check(len(ended["ended"]) == 1, f"ended: {ended}")
    watcher.expect(77)
    check("key of its token was retired" in watcher.err(), watcher.err())
    check(other.running(), "the retirement ended another key's lease")
    for _ in range(2):
        check(keys(mux) == [2] and token_in(path) == new_file, "after retire")
        for camera, token in (("garden", old), ("porch", old_file)):
            refused(mux.dump(camera, token, uid=UID_A))
        for camera, token in (("garden", new), ("porch", new_file)):
            mux.dump(camera, token, uid=UID_A).expect(0)
        mux.stop()
        mux.start()
    records = log_of(s)
    grants = {r["token"]: r["key"] for r in events(records, "grant") if r["camera"] == "garden"}
    check(sorted(grants.values()) == [1, 2], f"tokens of garden: {grants}")
    could = json.loads(mux.ctl("--json", "audit", "report", "--camera", "garden", "--at", records[-1]["time"]))
    seen = json.dumps(could)
    for token, key in grants.items():
        check((token in seen) == (key == 2), f"the report of who could see it, of a token of key {key}: {seen}")
    check([r["key"] for r in events(records, "key") if r["what"] == "rotated"] == [2], "the rotation's record")
    gone = [r for r in events(records, "revoke") if r.get("what") == "key"]
    check(len(gone) == 1 and gone[0]["key"] == 1 and gone[0]["count"] == 1, f"the retirement's record: {gone}")
    check({r["key"] for r in events(records, "grant")} == {1, 2}, "grants name their key")


def test_one_id_under_both_keys(s):
    """What ends a standing grant ends its tokens under both keys."""
    path, grant = wall(s)
    mux = s.mux(TWO + grant)
    old = token_in(path)
    mux.ctl("key", "rotate")
    new = token_in(path)
    mux.dump("porch", old, uid=UID_A).expect(0)
    with open(mux.config_path) as f:
        text = f.read()
    s.write("framemux.conf", text.replace("dump = true", "dump = true\n\tmax_fps = 20"))
    mux.ctl("reload")
    refused(mux.dump("porch", old, uid=UID_A))
    refused(mux.dump("porch", new, uid=UID_A))
    check(key_of(token_in(path)) == 2, "a new token under an old key")
    mux.dump("porch", token_in(path), uid=UID_A).expect(0)


def test_power_cuts(s):
    """SIGKILL after each step: the keys are those that were promised."""
    path, grant = wall(s)
    mux = s.mux(TWO + grant)
    for step, expected in (("rotate", [2, 1]), ("retire", [2]), ("rotate", [3, 2])):
        mux.ctl("key", step)
        pids = harness.children_of(mux.pid)
        mux.process.signal(signal.SIGKILL)
        mux.process.wait()
        harness.until(lambda pids=pids: not any(harness.command_of(p) for p in pids), "its roles to end")
        mux.start()
        check(keys(mux) == expected, f"after {step}: {keys(mux)}")
        mux.dump("porch", token_in(path), uid=UID_A).expect(0)


def test_a_disk_that_refuses(s):
    """Retired all the same, said not to be recorded, and done by asking again."""
    mux = s.mux(TWO)
    old = mux.grant("garden", uid=UID_A)
    mux.ctl("key", "rotate")
    os.rename(s.path("state/root.keys"), s.path("state/aside"))
    os.mkdir(s.path("state/root.keys"))  # a file cannot take its name
    mux.ctl("key", "retire", code=70)
    refused(mux.dump("garden", old, uid=UID_A))
    os.rmdir(s.path("state/root.keys"))
    mux.ctl("key", "retire")
    check(keys(mux) == [2], f"{keys(mux)}")
    young = mux.grant("garden", uid=UID_A)
    mux.ctl("key", "rotate")
    mux.dump("garden", young, uid=UID_A).expect(0)
    os.rename(s.path("state/root.keys"), s.path("state/aside"))
    os.mkdir(s.path("state/root.keys"))
    mux.ctl("key", "retire", code=70)
    new = mux.grant("garden", uid=UID_A)
    os.rmdir(s.path("state/root.keys"))
    mux.ctl("key", "rotate")  # instead of asking again
    check(keys(mux) == [4, 3], f"{keys(mux)}")
    mux.dump("garden", new, uid=UID_A).expect(0)
    os.rename(s.path("state/root.keys"), s.path("state/aside"))
    os.mkdir(s.path("state/root.keys"))
    mux.ctl("key", "retire", code=70)
    os.rmdir(s.path("state/root.keys"))
    broker, = mux.roles("framemux-broker")
    os.kill(broker, signal.SIGKILL)
    harness.until(lambda: os.path.exists(s.path("state/root.keys")), "it to be tried again for a new broker")
    mux.stop()
    mux.start()
    check(keys(mux) == [4], f"after a restart: {keys(mux)}")
    for token in (old, young, new):
        refused(mux.dump("garden", token, uid=UID_A))


def test_no_key_is_shown(s):
    mux = s.mux(TWO)
    text = mux.ctl("key") + mux.ctl("key", "rotate") + mux.ctl("--json", "key", "show") + mux.log()
    with open(s.path("state/root.keys"), "rb") as f:
        stored = f.read()
    for at in (28, 72):
        check(stored[at:at + 32].hex() not in text and
            base64.b64encode(stored[at:at + 32]).decode()[:20] not in text, "a key's bytes are shown")
    mux.ctl("key", "burn", code=64)


class Given:
    """The root key as an init system gives it."""

    def __init__(self, s):
        self.scene, self.folder, self.env = s, s.folder("credentials"), s.env
        self.path = os.path.join(self.folder, "root.key")

    def put(self, key, mode=0o400):
        self.take_away()
        with open(os.open(self.path, os.O_WRONLY | os.O_CREAT, mode), "wb") as f:
            f.write(key)
        self.scene.env = lambda **more: self.env(CREDENTIALS_DIRECTORY=self.folder, **more)

    def take_away(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.scene.env = self.env

    def refused(self, mux, *words):
        """It does not start, and says why."""
        try:
            mux.start()
        except Failed:
            mux.process.expect(65)
        check(not mux.process.running(), f"it started, and was to say {words}")
        for word in words:
            check(word in mux.log(), f"{word!r} is not said: {mux.log()}")


def in_state(s, data):
    for folder, _, names in os.walk(s.path("state")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                if data in f.read():
                    return name
    return None


def test_given_as_a_credential(s):
    """Not on the disk; the same at each start or none; changed only where it is kept."""
    given, key = Given(s), os.urandom(32)
    path, grant = wall(s)
    given.put(key)
    mux = s.mux(TWO + grant)
    token = mux.grant("garden", uid=UID_A)
    standing = token_in(path)
    check(keys(mux) == [1] and not os.path.exists(s.path("state/root.key")), "a key of its own")
    ctl = subprocess.run([s.program("framemuxctl"), "-s", mux.control, "key", "rotate"], env=s.env(),
        capture_output=True, text=True, timeout=30)
    check(ctl.returncode == 64 and "a credential" in ctl.stderr and "to where it can\n" in ctl.stderr, f"rotated: {ctl}")
    check(keys(mux) == [1], "rotated all the same")
    mux.stop()
    check(in_state(s, key) is None, f"the key is in {in_state(s, key)}")
    mux.start()
    check(token_in(path) == standing, "another standing token after a restart")
    mux.dump("garden", token, uid=UID_A).expect(0)
    mux.stop()
    given.put(os.urandom(32))
    given.refused(mux, "another key")
    given.put(key[:31])
    given.refused(mux, "not 32 bytes")
    given.put(key + b"\n")
    given.refused(mux, "not 32 bytes")
    given.put(bytes(32))
    given.refused(mux, "zeros")
    given.put(key, 0o444)
    given.refused(mux, "group or others")
    given.take_away()
    given.refused(mux, "not given")
    check(not os.path.exists(s.path("state/root.key")), "a key was made in its place")


def test_moved_out_of_a_credential(s):
    """Copied into the state folder it is the same key, and can be rotated; no other goes there."""
    given, key = Given(s), os.urandom(32)
    path, grant = wall(s)
    given.put(key)
    mux = s.mux(TWO + grant)
    token = mux.grant("garden", uid=UID_A)
    mux.stop()
    given.take_away()
    s.write("state/root.key", "x" * 32)
    given.refused(mux, "another key")
    with open(s.path("state/root.key"), "wb") as f:
        f.write(key)
    mux.start()
    mux.dump("garden", token, uid=UID_A).expect(0)
    mux.stop()
    check("also in root.key" not in mux.log(), mux.log())
    given.put(key)  # both, and the same: no harm, but the folder is still worth stealing
    mux.start()
    check("also in root.key" in mux.log(), f"the copy is not told of: {mux.log()}")
    mux.ctl("key", "rotate", code=64)
    mux.stop()
    given.take_away()
    mux.start()
    mux.ctl("key", "rotate")
    check(keys(mux) == [2, 1], f"{keys(mux)}")
    mux.dump("garden", token, uid=UID_A).expect(0)
    mux.stop()
    given.put(key)
    given.refused(mux, "root.keys")


def test_begun_anew(s):
    """A key that was lost, and the next one: standing tokens are made with it, others are worthless."""
    given = Given(s)
    path, grant = wall(s)
    given.put(os.urandom(32))
    mux = s.mux(TWO + grant)
    token, standing = mux.grant("garden", uid=UID_A), token_in(path)
    mux.stop()
    given.put(os.urandom(32))
    os.unlink(s.path("state/root.print"))  # as it says
    mux.start()
    refused(mux.dump("garden", token, uid=UID_A))
    refused(mux.dump("porch", standing, uid=UID_A))
    mux.dump("porch", token_in(path), uid=UID_A).expect(0)
