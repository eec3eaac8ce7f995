"""Reload: what is touched ends with a reason, what is not loses no frame; or nothing changes at all."""
import contextlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import time

import pattern
from harness import UID_A, UID_B, UNHURRIED_FPS, Skipped, check, machine_stood_still, until
from test_frames import camera
from test_refusals import refused
from test_revoke import is_blank, keep_ring

WIDTH, HEIGHT = 160, 128
ME = UID_A if os.getuid() == 0 else os.getuid()


def painted(name, more="", label=None, fps=UNHURRIED_FPS):
    return camera(name, f"test:{label or name}?size={WIDTH}x{HEIGHT}&fps={fps}", more)


def grant(name, cameras, more="", uid=ME):
    listed = ", ".join(f'"{c}"' for c in cameras)
    return f'grant "{name}" {{\n\tuid = {uid}\n\tcameras = {{ {listed} }}\n\tdump = true\n{more}}}\n'


def configure(mux, config):
    """The file with its sockets and folder as they are, and another rest."""
    with open(mux.config_path) as f:
        head = "".join(f.readlines()[:3])
    mux.scene.write("framemux.conf.new", head + config)
    os.rename(mux.scene.path("framemux.conf.new"), mux.config_path)


def reload(mux, config=None):
    """[(kind, name, what, detail)]"""
    if config is not None:
        configure(mux, config)
    answer = json.loads(mux.ctl("--json", "reload"))
    return [(c["kind"], c["name"], c["what"], c["detail"]) for c in answer["changes"]]


def watch(mux, name, token=None, uid=UID_A, frames=100000):
    token = token or mux.grant(name, uid=uid)
    return mux.dump(name, token, uid=uid, frames=frames).takes_turns_first()


def leases(mux):
    return {l["pid"]: l["id"] for l in mux.status()["leases"]}


def ended(client, *words):
    """Its right has ended, and it was told why."""
    client.expect(77)
    for word in words:
        check(word in client.err(), f"{client.name} was not told {word!r}: {client.err()}")


def exact(client, name):
    """Each of its frames is that camera's, bit for bit; a last half frame is left out."""
    size = len(pattern.yuv420(0, WIDTH, HEIGHT))
    with open(client.frames_path, "rb") as f:
        data = f.read()
    number = pattern.code(name, 0) >> 10
    for at in range(0, len(data) - size + 1, size):
        frame = data[at:at + size]
        value = pattern.read(frame, WIDTH)
        check(value is not None and value >> 10 == number and
            frame == pattern.yuv420(value, WIDTH, HEIGHT),
            f"{client.name}: a frame that is not {name}'s: {value}")
    return len(data) // size


def dropped_by(mux):
    return {l["id"]: l["dropped"] for l in mux.status()["leases"]}


@contextlib.contextmanager
def untouched(mux, clients):
    """While this runs: the same leases, generations and rings, and no frame lost."""
    before, rings = leases(mux), {c.pid: ring_of(c) for c in clients}
    began, dropped = time.monotonic(), dropped_by(mux)
    generations = {c["name"]: c["generation"] for c in mux.status()["cameras"]}
    yield
    for client in clients:
        client.await_frames(len(client.meta()) + 3)
        client.check_missed_none()
        check(ring_of(client) == rings[client.pid], f"{client.name} has another ring")
        metas = client.meta()
        check({(m["lease"], m["generation"]) for m in metas} ==
            {(before[client.pid], generations[metas[0]["camera"]])}, f"{client.name}: {metas[-1]}")
    now, ours = dropped_by(mux), [before[c.pid] for c in clients]
    check(all(now[i] == dropped[i] for i in ours) or machine_stood_still(began, time.monotonic()),
        f"dropped: {dropped}, then {now}")


def ring_of(client):
    fds = f"/proc/{client.pid}/fd"
    try:
        found = [os.stat(f"{fds}/{fd}").st_ino for fd in os.listdir(fds)
            if "framemux-ring" in os.readlink(f"{fds}/{fd}")]
    except PermissionError:
        return None
    check(len(found) == 1, f"{client.name} holds {len(found)} rings")
    return found[0]


NAMES = ("one", "two", "three", "four", "five", "six")


def six(s, more=""):
    mux = s.mux("".join(painted(n) for n in NAMES) + more)
    clients = [watch(mux, n, uid=(UID_A, UID_B)[i % 2]) for i, n in enumerate(NAMES)]
    for client in clients:
        client.await_frames(3)
    return mux, clients


def test_nothing_changed(s):
    mux, clients = six(s)
    with untouched(mux, clients):
        check(mux.ctl("reload") == "nothing has changed\n", "something changed")
        check(reload(mux) == [], "something changed")


def test_add_and_reorder(s):
    """Six leases run on; one camera comes, and all stand in another order."""
    mux, clients = six(s)
    order = list(reversed(NAMES)) + ["seven"]
    with untouched(mux, clients):
        changes = reload(mux, "".join(painted(n) for n in order))
        check(changes == [("camera", "seven", "added", "")], f"{changes}")
    check([c["name"] for c in mux.status()["cameras"]] == order, "status keeps the old order")
    new = watch(mux, "seven", frames=3)
    new.expect(0)
    exact(new, "seven")
    for client, name in zip(clients, NAMES):
        exact(client, name)


def test_add_change_remove(s):
    """In one reload, with six leases: two end with their reasons, four go on."""
    mux, clients = six(s)
    gone, masked, rest = clients[0], clients[1], clients[2:]
    rings = [keep_ring(gone), keep_ring(masked)]
    token = mux.grant("two", uid=UID_A)
    with untouched(mux, rest):
        changes = reload(mux, painted("new") + painted("two", '\tmask = { "0,0,80x64" }\n')
            + "".join(painted(n) for n in NAMES[2:]))
        blind = [is_blank(r) for r in rings]
        check(changes == [("camera", "new", "added", ""), ("camera", "two", "changed", "mask"),
            ("camera", "one", "removed", "")], f"{changes}")
        check(blind == [True, True], f"pixels are left when reload returns: {blind}")
        ended(gone, "removed from the configuration")
        ended(masked, "configuration has changed")
    for ring in rings:
        ring.close()
    check({c["name"] for c in mux.status()["cameras"]} == {"new", "two", *NAMES[2:]}, "cameras")
    refused(mux.dump("one", mux.grant("two", uid=UID_A), uid=UID_A))
    again = watch(mux, "two", token, frames=2)  # a mask is no other camera: the token is good
    again.expect(0)
    for frame in again.frames():
        check(all(frame[y * WIDTH + x] == 16 for y in (0, 63) for x in (0, 79)), "not masked")
        check(pattern.read(frame, WIDTH, 96, 64) is not None, "more is masked than was to be")


def test_bad_file_changes_nothing(s):
    mux, clients = six(s)
    state = {n: open(s.path("state/" + n)).read() for n in ("epochs", "grants", "revoked")}
    good = "".join(painted(n) for n in NAMES)
    cases = (
        (good + 'camera "seven" {\n}\n', "no url"),
        (good + painted("seven", label="one"), "same source"),
        (good + "linger = x\n", "linger"),
        (good + grant("g", ["nobody"]), "not defined"),
        (good + 'grant "g" {\n\tuser = "nobody-of-that-name"\n\tcameras = { "one" }\n}\n', "no user"),
        (good + camera("seven", "rtsp://127.0.0.1/x",
            '\tusername = "u"\n\tpassword_file = "missing.secret"\n'), "password_file"),
        (good + grant("g", ["one"], f'\ttoken_file = "{s.dir}"\n'), "token_file"),
        (good.replace('"one"', '"ONE"') + "}\n", ""),
    )
    with untouched(mux, clients):
        for config, words in cases:
            configure(mux, config)
            argv = [s.program("framemuxctl"), "-s", mux.control, "reload"]
            done = subprocess.run(argv, capture_output=True, text=True, env=s.env(), timeout=30)
            check(done.returncode == 78 and mux.config_path + ":" in done.stderr
                and words in done.stderr, f"{words}: {done.returncode} {done.stderr}")
            check(mux.config_path + ":" in mux.log().splitlines()[-1], "the log does not say why")
        configure(mux, "camera {")
        mux.process.signal(signal.SIGHUP)
        until(lambda: mux.log().count("nothing has changed") == len(cases) + 1, "the signal's")
    for name, text in state.items():
        check(open(s.path("state/" + name)).read() == text, f"{name} was written")
    check([c["name"] for c in mux.status()["cameras"]] == list(NAMES), "cameras")


def test_changed_source_refuses_old_tokens(s):
    """The epoch rises for good: also when the source comes back, and after a restart."""
    mux = s.mux(painted("porch") + painted("garden"))
    old = mux.grant("porch", uid=UID_A)
    client, other = watch(mux, "porch", old), watch(mux, "garden")
    client.await_frames(2)
    other.await_frames(2)
    with untouched(mux, [other]):
        changes = reload(mux, painted("garden") + painted("porch", label="attic"))
        check(changes == [("camera", "porch", "changed", "url; epoch 2: older tokens are refused")],
            f"{changes}")
        ended(client, "source, pin or model has changed")
    check(mux.camera("porch")["epoch"] == 2, f"{mux.camera('porch')}")
    refused(mux.dump("porch", old, uid=UID_A))
    watch(mux, "porch", frames=1).expect(0)
    reload(mux, painted("garden") + painted("porch"))  # back
    refused(mux.dump("porch", old, uid=UID_A))
    reload(mux, painted("garden"))  # gone
    refused(mux.dump("porch", old, uid=UID_A))
    reload(mux, painted("garden") + painted("porch"))  # and there again
    check(mux.camera("porch")["epoch"] == 4, f"{mux.camera('porch')}")
    refused(mux.dump("porch", old, uid=UID_A))
    mux.stop()
    mux.start()
    check(mux.camera("porch")["epoch"] == 4, f"{mux.camera('porch')}")
    refused(mux.dump("porch", old, uid=UID_A))
    watch(mux, "porch", frames=1).expect(0)


def test_rename_and_swap(s):
    """Two cameras change names, a third only its place: nobody gets another's picture or key."""
    mux = s.mux(painted("porch") + painted("garden") + painted("attic"))
    tokens = {n: mux.grant(n, uid=UID_A) for n in ("porch", "garden")}
    a, b, c = (watch(mux, n, tokens.get(n)) for n in ("porch", "garden", "attic"))
    for client in (a, b, c):
        client.await_frames(2)
    with untouched(mux, [c]):
        reload(mux, painted("attic") + painted("garden", label="porch")
            + painted("porch", label="garden"))
        ended(a, "has changed")
        ended(b, "has changed")
    for name in tokens:
        refused(mux.dump(name, tokens[name], uid=UID_A))
        new = watch(mux, name, frames=3)
        new.expect(0)
        exact(new, name)  # a pattern shows the name of its record
    exact(c, "attic")


def tokens_in(path):
    with open(path) as f:
        return dict(line.split() for line in f)


def test_grants(s):
    """Unchanged: token and leases stay. Changed or removed: both end. Killed: a new token."""
    os.mkdir(s.path("tokens"), 0o755)
    files = {n: s.path(f"tokens/{n}") for n in ("keep", "narrow", "gone", "killed")}
    def config(narrow="", without=(), first=""):
        grants = "".join(grant(n, ["porch"], f'\ttoken_file = "{files[n]}"\n'
            + (narrow if n == "narrow" else "")) for n in files if n not in without)
        return first + painted("porch") + painted("garden") + grants
    mux = s.mux(config())
    old = {n: tokens_in(p)["porch"] for n, p in files.items()}
    clients = {n: watch(mux, "porch", old[n]) for n in files}
    for client in clients.values():
        client.await_frames(2)
    killed = next(l["token"] for l in mux.status()["leases"] if l["pid"] == clients["killed"].pid)
    mux.ctl("revoke", killed)
    clients["killed"].expect(77)
    with untouched(mux, [clients["keep"]]):
        changes = reload(mux, config('\tmax_size = "80x64"\n', ("gone",)))
        check(changes == [("grant", "narrow", "changed", "max_size"),
            ("grant", "killed", "new token", ""), ("grant", "gone", "removed", "")], f"{changes}")
        ended(clients["narrow"], "grant has changed")
        ended(clients["gone"], "grant was removed")
    check(not os.path.exists(files["gone"]), "the token file of a grant that is gone")
    now = {n: tokens_in(p)["porch"] for n, p in files.items() if n != "gone"}
    check(now["keep"] == old["keep"], "an unchanged grant has another token")
    for name in ("narrow", "gone", "killed"):
        refused(mux.dump("porch", old[name], uid=UID_A))
    for name in ("narrow", "killed"):
        check(now[name] != old[name], f"the token of {name} is the old one")
        mux.dump("porch", now[name], uid=UID_A).expect(0)
    with untouched(mux, [clients["keep"]]):
        os.unlink(files["keep"])  # gone: it is put there again
        s.write("tokens/narrow", "nonsense")
        check(reload(mux) == [], "nothing changed but the files")
        check({n: tokens_in(files[n])["porch"] for n in now} == now, "the files are not back")
        info = os.stat(files["keep"])
        check((info.st_mode & 0o777, info.st_uid) == (0o400, ME), f"{oct(info.st_mode)}")
    mux.stop()
    mux.start()
    check({n: tokens_in(files[n])["porch"] for n in now} == now, "other tokens after a restart")
    for name in ("narrow", "gone", "killed"):
        refused(mux.dump("porch", old[name], uid=UID_A))


def test_token_file_moves(s):
    os.mkdir(s.path("tokens"), 0o755)
    def config(name):
        return painted("porch") + grant("wall", ["porch"], f'\ttoken_file = "{s.path(name)}"\n')
    mux = s.mux(config("tokens/a"))
    token = tokens_in(s.path("tokens/a"))
    changes = reload(mux, config("tokens/b"))
    check(changes == [("grant", "wall", "changed", "token_file")], f"{changes}")
    check(tokens_in(s.path("tokens/b")) == token, "another token, or none")
    check(not os.path.exists(s.path("tokens/a")), "the old file is there")


def test_settings(s):
    """What can change does, for leases that run too; what cannot is said."""
    mux = s.mux("linger = 60\n" + painted("porch") + painted("garden"))
    client = watch(mux, "porch")
    client.await_frames(2)
    lease = leases(mux)
    changes = reload(mux, "stale_after = 400\nlinger = 0\nuid_quota_mb = 1\nadmins = { 12345 }\n"
        + painted("porch") + painted("garden"))
    check({(n, w, d) for _, n, w, d in changes} == {("stale_after", "changed", "1000 to 400"),
        ("linger", "changed", "60 to 0"), ("uid_quota_mb", "changed", "256 to 1"),
        ("admins", "changed", "")}, f"{changes}")
    client.await_frames(len(client.meta()) + 3)  # again, with the new limit
    check(leases(mux) == lease, "the lease is another one")
    check({m["generation"] for m in client.meta()} == {1, 2}, "no new pair")
    big = mux.dump("porch", mux.grant("porch", uid=UID_B), "--size", "1280x1024", uid=UID_B)
    big.expect(77)
    mux.dump("garden", mux.grant("garden", uid=UID_A), uid=UID_A).expect(0)
    until(lambda: not mux.camera("garden")["pids"], "no lingering")
    with open(mux.config_path) as f:
        text = f.read()
    for key in ("socket", "state_dir"):
        s.write("framemux.conf", text.replace(f'\n{key} = "', f'\n{key} = "/nowhere', 1)
            if key != "socket" else text.replace('socket = "', 'socket = "/nowhere', 1))
        check([(c[1], c[2]) for c in reload(mux)] == [(key, "needs a restart")], f"{key}: {changes}")
    client.await_frames(len(client.meta()) + 1)
    s.write("framemux.conf", text)
    check(reload(mux) == [], "what needs a restart was kept half")


def test_credentials_and_standby(s):
    """A camera's standby changes in place; its password needs another pair, and no other camera."""
    secret = s.write("cam.secret", "wrong-horse\n")
    right = s.write("right.secret", "right-horse\n")
    port = s.camserver("cam=live:size=320x240,fps=30", user="viewer", password_file=right,
        digest="sha256")
    def config(standby=""):
        return camera("cam", f"rtsp://127.0.0.1:{port}/cam",
            f'\tusername = "viewer"\n\tpassword_file = "{secret}"\n') + painted("porch", standby)
    mux = s.mux(config())
    client = watch(mux, "porch")
    client.await_frames(2)
    token = mux.grant("cam", uid=UID_A)
    locked = mux.dump("cam", token, "--timeout", "60", uid=UID_A)
    until(lambda: mux.camera("cam")["state"] == "lost", "the wrong password to be refused")
    with untouched(mux, [client]):
        s.write("cam.secret", "right-horse\n")
        changes = reload(mux, config('\tstandby = "warm"\n\tvendor = "acme"\n'))
        check(changes == [("camera", "cam", "changed", "password"),
            ("camera", "porch", "changed", "vendor, standby")], f"{changes}")
        ended(locked, "configuration has changed")
        check(mux.camera("porch")["vendor"] == "acme", "the vendor is the old one")
        mux.dump("cam", token, uid=UID_A).expect(0)  # at once, whatever the pause was
    check("-horse" not in mux.log(), "a password in the log")


def test_only_who_may(s):
    if os.getuid():
        raise Skipped("needs two uids: run as root")
    mux = s.mux(painted("porch"))
    os.chmod(mux.control, 0o666)
    argv = [s.program("framemuxctl"), "-s", mux.control, "reload"]
    def as_b():
        return subprocess.run(argv, capture_output=True, text=True, env=s.env(), user=UID_B,
            group=UID_B, extra_groups=[], timeout=30)
    configure(mux, painted("porch") + painted("garden"))
    check(as_b().returncode == 77, "anybody may reload")
    check(len(mux.status()["cameras"]) == 1, "it was reloaded all the same")
    check("refused: reload by uid" in mux.log(), "the refusal is not logged")
    check(len(reload(mux, f"admins = {{ {UID_B} }}\n" + painted("porch"))) == 1, "admins")
    check(as_b().returncode == 0, "an admin may not")
    reload(mux, painted("porch"))
    check(as_b().returncode == 77, "one who is no admin any more may")


class Notified:
    """What an init system hears."""

    def __init__(self, s):
        self.path = s.path("notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def until(self, text):
        heard = []
        while True:
            check(select.select([self.socket], [], [], 20)[0], f"not heard: {text}; {heard}")
            heard.append(self.socket.recv(4096).decode())
            if heard[-1].startswith(text):
                return heard

    def forget(self):
        """What it has heard and not been asked for."""
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(4096)

    def is_still(self, seconds):
        """Whether it hears nothing for so long, from now on."""
        self.forget()
        return not select.select([self.socket], [], [], seconds)[0]


def test_init_system_is_told(s):
    notified = Notified(s)
    env = s.env
    s.env = lambda **more: env(NOTIFY_SOCKET=notified.path, **more)
    mux = s.mux(painted("porch"))
    s.env = env
    notified.until("READY=1")
    for config in (painted("porch") + painted("garden"), "nonsense {"):
        configure(mux, config)
        mux.process.signal(signal.SIGHUP)
        word, stamp = notified.until("RELOADING=1")[-1].split("\n")
        check(stamp.startswith("MONOTONIC_USEC=") and int(stamp[15:]) > 0, stamp)
        check(notified.until("READY=1")[0] == "STATUS=2 cameras", "the status")
    notified.socket.close()
    check([c["name"] for c in mux.status()["cameras"]] == ["porch", "garden"], "cameras")


def test_broker_dies_while_reloading(s):
    """Whenever it dies: the next one has the whole new configuration, or the whole old one."""
    mux = s.mux(painted("porch") + painted("garden"))
    rng = random.Random(1)
    last = {"porch", "garden"}
    for turn in range(5):  # more, and the pauses before a next broker grow long
        client = watch(mux, "porch")
        client.await_frames(1)
        new = {"porch", "garden" if turn % 2 else "attic"}
        configure(mux, "".join(painted(n, '\tmask = { "0,0,16x16" }\n' if turn % 2 else "")
            for n in sorted(new)))
        broker = mux.roles("framemux-broker")[0]
        seen = mux.log().count("reload: reading")
        argv = [s.program("framemuxctl"), "-s", mux.control, "reload"]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=s.env()) as ctl:
            while turn % 2 == 0 and mux.log().count("reload: reading") == seen:
                check(ctl.poll() is None, "no reload has begun")
            select.select([], [], [], rng.random() * 0.02)  # any moment will do
            os.kill(broker, signal.SIGKILL)
            code = ctl.wait(30)
        check(code in (0, 69), f"framemuxctl: {code}")
        client.wait()
        until(lambda: mux.roles("framemux-broker") and mux.roles("framemux-broker")[0] != broker,
            "the next broker")
        def served():
            done = subprocess.run([s.program("framemuxctl"), "-s", mux.control, "--json", "status"],
                capture_output=True, text=True, env=s.env(), timeout=30)
            return done.returncode == 0 and {c["name"] for c in json.loads(done.stdout)["cameras"]}
        got = until(served, "a broker that serves")
        # With the old one the reload goes on: what goes has gone before what comes is there.
        check(got in (last, new, last & new), f"{got}: neither {last} nor {new}")
        until(lambda: reload_is_over(mux), "the reload's end")
        reload(mux)
        last = served()
        check(last == new, f"{last}, not {new}")
        watch(mux, "porch", frames=1).expect(0)


def reload_is_over(mux):
    done = subprocess.run([mux.scene.program("framemuxctl"), "-s", mux.control, "reload"],
        capture_output=True, text=True, env=mux.scene.env(), timeout=30)
    return done.returncode == 0


def test_what_a_camera_called_itself_is_kept(s):
    """A changed camera of the same source has another pair, and is the same device all the same."""
    port = s.camserver("cam=live:size=320x240,fps=5")
    url, path = f"rtsp://127.0.0.1:{port}/cam", s.path("state/fingerprints")
    mux = s.mux(camera("cam", url))
    client = watch(mux, "cam")
    client.await_frames(2)

    def kept():
        if not os.path.exists(path):
            return ""
        with open(path) as f:
            return f.read()
    until(kept, "what it called itself on disk")
    before = kept()
    changes = reload(mux, camera("cam", url, '\tmask = { "0,0,32x32" }\n'))
    check([c[:3] for c in changes] == [("camera", "cam", "changed")], f"{changes}")
    client.wait()
    check(kept() == before, f"on disk: {kept()!r}, not {before!r}")
    mux.stop()
    check(kept() == before, f"on disk after the end: {kept()!r}, not {before!r}")
