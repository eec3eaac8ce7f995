"""REDTEAM 23 to 36 and 61: evil cameras against the real mux, beside a healthy one whose client must
lose no frame."""
import base64
import contextlib
import glob
import hashlib
import math
import os
import time

import evilcam
import harness
import rtp
import table
from dialogues import Camera, Rtsp, md5
from evilcam import ELSEWHERE, Trap
from harness import UID_A, UID_B, Skipped, check, command_of, until
from test_frames import camera
from test_install import configured

GIVEN_UP_S = 14       # 10 s of patience, and a busy machine
INGEST_MAX_KIB = 48 * 1024
PAUSE_S = 0.4         # the shortest first pause; each is twice the one before
FUZZ_S = 12
NOT_BUILT = ("this kind of camera is not supported", "TLS is not built yet")
SECRETS = [x.encode() for x in (Rtsp.password,)] + [base64.b64encode(x.encode()) for x in
    (Rtsp.password, f"{Rtsp.user}:{Rtsp.password}")]


class Row:
    """One attack. verdict(row) is what came of it, None while that is open, or Failed."""

    def __init__(self, number, attack, expected, server, verdict, scheme="rtsp", more="", wrap=None,
            clients=((),), out_name="frames"):
        self.number, self.attack, self.expected, self.server = number, attack, expected, server
        self.verdict, self.scheme, self.more, self.wrap = verdict, scheme, more, wrap
        self.client_args, self.out_name = clients, out_name
        self.got = self.failed = None
        self.state = self.reason = ""
        self.peak = {}  # of each role's processes, KiB: the largest VmHWM and VmPeak

    def open(self, stack, name):
        self.name = name
        self.camera = stack.enter_context(Camera(self.server, wrap=self.wrap))

    def config(self, secret):
        return camera(self.name, f"{self.scheme}://127.0.0.1:{self.camera.port}/cam", "\tpatience = 3\n"
            f'\tusername = "{Rtsp.user}"\n\tpassword_file = "{secret}"\n{self.more}')

    def lease(self, mux):
        self.begun = time.monotonic()
        self.clients = [mux.dump(self.name, mux.grant(self.name, uid=UID_A), "--timeout", "60", *args,
            uid=UID_A, frames=100000, out_name=self.out_name) for args in self.client_args]

    def look(self, status):
        self.state, self.reason = status["state"], status["reason"]
        for pid in status["pids"]:
            role = command_of(pid)
            for key, kib in memory_of(pid).items():
                self.peak[role, key] = max(self.peak.get((role, key), 0), kib)
        try:
            if any(x in self.reason for x in NOT_BUILT):
                raise Skipped(self.reason)
            self.got = self.verdict(self)
        except (harness.Failed, Skipped) as e:
            self.got, self.failed = str(e), e

    def check_memory(self, role, key, most):
        """KiB at the most; sanitizers take more."""
        got = self.peak.get((role, key), 0)
        check(not self.measured or got < most, f"{role}: {key} was {got} KiB")
        return got // 1024

    def age(self):
        return time.monotonic() - self.begun

    def frames(self):
        return len(self.clients[0].meta())


def memory_of(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            fields = dict(line.split(":", 1) for line in f)
        return {key: int(fields[key].split()[0]) for key in ("VmHWM", "VmPeak") if key in fields}
    except (OSError, KeyError):
        return {}


# ---- verdicts -----------------------------------------------------------------------------------

def refused(part):
    """Refused with that reason, for good: no second connection."""
    def verdict(row):
        if part not in row.reason:
            return None
        check(len(row.camera.connections) == 1, "asked again at once")
        if getattr(row.server, "digest", None):
            check(any(r.authorization for r in row.camera.requests()), "it never authenticated")
        return f"refused: {row.reason}"
    return verdict


def works(row):
    home = f"rtsp://127.0.0.1:{row.camera.port}/"
    strays = {r.uri for r in row.camera.requests() if not r.uri.startswith(home)}
    check(not strays, f"asks for {strays}, which names another host")
    return "shows frames, all asked of itself" if row.frames() >= 10 else None


def most_connections(seconds):
    """How often a camera that fails at once can be tried: pauses of 0.4, 0.8, 1.6 s or longer."""
    return 2 + math.log2(1 + seconds / PAUSE_S)


def gives_up(part, attempts):
    """Each attempt is given up in time, in little memory, and the pauses grow."""
    def verdict(row):
        done = [c for c in row.camera.connections if c.ended]
        if len(done) < attempts or part not in row.reason:
            return None
        longest = max(c.ended - c.asked for c in done)
        check(longest <= GIVEN_UP_S, f"given up after {longest:.1f} s")
        check(len(row.camera.connections) <= most_connections(row.age()),
            f"{len(row.camera.connections)} connections in {row.age():.0f} s")
        mib = row.check_memory("framemux-ingest", "VmHWM", INGEST_MAX_KIB)
        return f"given up in {longest:.1f} s, ingest {mib} MB: {row.reason}"
    return verdict


def survives(row):
    """Fuzzed for a while: born again, with growing pauses."""
    layer = getattr(row.server, "layer", None)
    if row.age() < FUZZ_S or len(row.camera.connections) < 2 or layer in ("media", "RTP") and \
            len(row.camera.requests("PLAY")) < 2:
        return None
    n = len(row.camera.connections)
    check(n <= most_connections(row.age()), f"{n} connections in {row.age():.0f} s")
    mib = row.check_memory("framemux-ingest", "VmHWM", INGEST_MAX_KIB)
    return f"{n} connections in {row.age():.0f} s, ingest {mib} MB, {row.frames()} frames"


def times_are_monotonic(row):
    some = row.server.how in ("jumps", "wraps", "goes back")
    if row.server.sent < 125 or some and row.frames() < 10:
        return None
    meta = row.clients[0].meta()
    for a, b in zip(meta, meta[1:]):
        check(a["publish_ns"] < b["publish_ns"], "two frames at a time")
        for key in ("generation", "capture_ns", "arrival_ns"):
            check(a[key] <= b[key], f"{key} goes back: {a[key]}, {b[key]}")
    return f"{len(meta)} frames, times only grow"


def never_allocated(row):
    check(not row.frames(), "a frame of that size")
    if row.state == "lost" and "is above the limit" in row.reason:
        return f"refused: {row.reason}"
    if row.server.sent < 50 or not row.peak.get(("framemux-decode", "VmPeak")):
        return None
    mib = row.check_memory("framemux-decode", "VmHWM", 150 * 1024)
    row.check_memory("framemux-decode", "VmPeak", row.normal_vm + 200 * 1024)
    return f"no frame, decode {mib} MB"


def changes_slowly(references):
    """Own-size client: its size changes at most once a second; every pixel is of a picture that was
    sent. Fixed-size client: one size."""
    def verdict(row):
        own, fixed = row.clients
        if row.age() < 8 or row.frames() < 10 or len(fixed.meta()) < 20:
            return None
        meta = own.meta()
        sizes = [(m["width"], m["height"]) for m in meta]
        moments = [b["acquire_ns"] / 1e9 for a, b, x, y in zip(meta, meta[1:], sizes, sizes[1:]) if x != y]
        check(moments, "one size only")
        # A ring shows its first picture when one of its size comes, within the second that it is
        # the newest: the first pictures of two neighbours may be close, those of three may not.
        for a, b in zip(moments, moments[2:]):
            check(b - a > 0.9, f"three rings within {b - a:.2f} s")
        for number, size in enumerate(sizes[:-1], 1):
            with open(own.frames_path % number, "rb") as f:
                check(hashlib.md5(f.read()).hexdigest() in references, f"a picture of {size} nobody sent")
        check({(m["width"], m["height"]) for m in fixed.meta()} == {(160, 120)}, "the fixed size changed")
        check(len({m["lease"] for m in meta}) == 1, "another lease")
        return f"{len(moments)} sizes in {row.age():.0f} s, {len(sizes)} right pictures"
    return verdict


def relay_refused(victim_uri, victim):
    """The first challenge is answered for its own URI; the other camera's realm never."""
    def verdict(row):
        c = row.camera.connections
        check(not any(r.authorization for x in c[1:] for r in x.requests), "answered for another realm")
        if len(c) < 2 or "realm" not in row.reason:
            return None
        check(any(r.authorization for r in c[0].requests), "its own challenge was not answered")
        realm, nonce = victim
        for method in ("DESCRIBE", "SETUP", "PLAY"):
            right = md5(md5(Rtsp.user, realm, Rtsp.password), nonce, md5(method, victim_uri))
            check(right.encode() not in row.camera.received(), "an answer that the other camera takes")
        return f"refused: {row.reason}"
    return verdict


def nothing_foreign(references):
    """Every picture is of the camera's own clip."""
    def verdict(row):
        if any("client_port" not in r.headers.get("transport", "") for r in row.camera.requests("SETUP")):
            raise Skipped("RTSP over UDP is not built")
        if row.frames() < 20:
            return None
        for path in glob.glob(row.clients[0].frames_path.replace("%05d", "*"))[:-1]:
            with open(path, "rb") as f:
                check(hashlib.md5(f.read()).hexdigest() in references, "a foreign picture")
        return f"{row.frames()} frames of its own, {row.server.injected} packets injected"
    return verdict


def tls_refused(state, words):
    """Never a word of RTSP or HTTP: neither under TLS that is not verified nor in the clear."""
    def verdict(row):
        if not row.reason or row.state not in state or not any(w in row.reason for w in words):
            return None
        check(not row.camera.requests(), "a request was sent")
        for word in (b"RTSP", b"HTTP", b"OPTIONS"):
            check(word not in row.camera.received(), "a request was sent in the clear")
        return f"{row.state}: {row.reason}"
    return verdict


# ---- the rows -----------------------------------------------------------------------------------

def redirect_rows(clip, traps):
    digest = 'realm="cam", nonce="r1"'
    rows = []
    for trap, where in zip(traps, ("port", "host")):
        url = f"rtsp://{trap.host}:{trap.port}/cam"
        for method in ("OPTIONS", "DESCRIBE", "SETUP"):
            rows.append(Row(23, f"302 to another {where}, {method}", "refused, no connection there",
                evilcam.redirects(method, url), refused("redirects")))
        rows.append(Row(23, f"302 to another {where} after authentication", "refused, no credential there",
            evilcam.redirects("DESCRIBE", url, digest), refused("redirects")))
        rows.append(Row(23, f"REDIRECT to another {where} in mid-stream", "refused, no connection there",
            evilcam.RedirectsLater(clip, url), refused("redirects")))
        for asked in (False, True):
            rows.append(Row(23, f"HTTP 302 to another {where}{', after digest' if asked else ''}",
                "refused, no connection there", evilcam.HttpRedirects(f"http://{trap.host}:{trap.port}/x",
                asked), refused("redirects"), scheme="http"))
    return rows


def endless_rows(clip):
    return [
        Row(25, "2 GB of Content-Length", "given up, < 48 MB, backs off", evilcam.HugeBody(),
            gives_up("body is larger", 3)),
        Row(25, "endless headers", "given up, < 48 MB, backs off", evilcam.EndlessHeaders(),
            gives_up("headers are larger", 3)),
        Row(25, "a byte a second", "given up within patience", evilcam.Drips(),
            gives_up("no answer to OPTIONS", 1)),
        Row(25, "silence after PLAY", "given up within patience", evilcam.Silent(clip),
            gives_up("no p", 1), more='\ttransport = "tcp"\n'),
        Row(25, "parameter sets without end", "given up, < 48 MB", evilcam.Floods(clip, "sets"),
            gives_up("no p", 1)),
        Row(25, "a NAL unit without end", "given up, < 48 MB", evilcam.Floods(clip, "unit"),
            gives_up("no p", 1)),
    ]


def other_rows(clip, references, clips):
    return [
        Row(26, "Basic in the clear", "password never on the wire", evilcam.wants_basic(),
            refused("Basic in the clear")),
        Row(29, "another size every 0.2 s", "at most one attach a second, right pictures",
            evilcam.Changes(clips), changes_slowly(set().union(*references.values())),
            clients=((), ("--size", "160x120")),
            out_name="f-%05d"),
        *(Row(30, f"{side} x {side} parameter sets", "refused before allocation",
            evilcam.Giant(clip, side), never_allocated)
            for side in (16384, 15360)),  # libavcodec's own limit lies between
        Row(31, "a third host injects RTP, also before connect", "dropped",
            evilcam.Injected(clip, clips[1]), nothing_foreign(references[clip]),
            more='\ttransport = "udp"\n', out_name="f-%05d"),
        *(Row(32, f"timestamps: {how}", "times only grow", evilcam.Clocks(clip, how), times_are_monotonic)
            for how in ("jumps", "wraps", "goes back", "repeats", "never moves")),
    ]


def fuzz_rows(s, clip):
    h265, jpeg = rtp.clip(s, "H265"), rtp.clip(s, "JPEG")
    still = {"sdp": ("v=0", "m=video 0 RTP/AVP 26", "a=control:trackID=1"), "kind": 26}
    cameras = (("H.264", clip, "media", {}), ("H.265", h265, "media", {}), ("MJPEG", jpeg, "media", still),
        ("RTP headers", clip, "RTP", {}), ("SDP", clip, "SDP", {}), ("RTSP", clip, "RTSP", {}))
    return [Row(28, f"fuzzed {name}", "at most its own pair dies, growing pauses",
        evilcam.Fuzzed(c, layer, seed, **quirks), survives)
        for seed, (name, c, layer, quirks) in enumerate(cameras, 1)] + [
        Row(28, "fuzzed multipart", "at most its own pair dies, growing pauses",
            evilcam.FuzzedMultipart(jpeg, 7), survives, scheme="http")]


def tls_rows(s):
    def certificate(name):
        key, cert = s.path(name + ".key"), s.path(name + ".crt")
        harness.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
            "-keyout", key, "-out", cert])
        return cert, evilcam.tls_wrap(cert, key)

    cert, wrap = certificate("camera.example")
    words = ("certificate", "pin", "TLS")
    lost, blocked = ("lost", "blocked"), ("blocked",)
    pin = "sha256//" + base64.b64encode(bytes(32)).decode()
    return [
        Row(27, "certificate that nobody signed", "refused before RTSP", Rtsp(), tls_refused(lost, words),
            scheme="rtsps", wrap=wrap),
        Row(27, "certificate of another name", "refused before RTSP", Rtsp(), tls_refused(lost, words),
            scheme="rtsps", wrap=wrap, more=f'\ttls_ca = "{cert}"\n'),
        Row(27, "wrong pin", "blocked before RTSP", Rtsp(), tls_refused(blocked, words), scheme="rtsps",
            wrap=wrap, more=f'\ttls_pin = "{pin}"\n'),
        Row(27, "rtsps camera that speaks in the clear", "refused, nothing in the clear", Rtsp(),
            tls_refused(lost, words), scheme="rtsps"),
    ]


# ---- the scene ----------------------------------------------------------------------------------

def run_batch(mux, rows, seconds=60):
    for row in rows:
        row.lease(mux)

    def settled():
        cameras = {c["name"]: c for c in mux.status()["cameras"]}
        for row in rows:
            if not row.got:
                row.look(cameras[row.name])
        return all(row.got for row in rows)
    with contextlib.suppress(harness.Failed):  # said by judge, row by row
        until(settled, "a verdict on each", seconds)
    for row in rows:
        for client in row.clients:
            client.signal(15)
            client.wait()


def judge(rows):
    """Adds to the table and fails when a row is not as expected."""
    wrong = []
    for row in rows:
        if not row.got:
            row.got = row.failed = f"nothing in {row.age():.0f} s; {row.state}: {row.reason}"
        for secret in SECRETS:
            if secret in row.camera.received():
                row.failed = row.got = "THE PASSWORD WAS SENT"
        if row.camera.problems():
            row.failed = row.got = f"the test's server: {row.camera.problems()}"
        outcome = "SKIP" if isinstance(row.failed, Skipped) else "FAIL" if row.failed else "ok"
        table.add(row.number, row.attack, row.expected, outcome, row.got)
        if outcome == "FAIL":
            wrong.append(f"{row.number}, {row.attack}: {row.got}")
    check(not wrong, "\n".join(wrong))


def nothing_lost(mux, client):
    """Every frame was delivered, and none taken back."""
    check(len({m["generation"] for m in client.meta()}) == 1, "the healthy camera was born again")
    lease, = [x for x in mux.status()["leases"] if x["camera"] == "healthy"]
    check(lease["withheld"] == 0, f"the healthy camera's client lost frames: {lease}")
    client.check_missed_none()


def attack(s, batches):
    """Leases batch after batch of evil cameras in one mux, beside a healthy one."""
    secret = s.write("cam.secret", Rtsp.password + "\n")
    rows = [row for batch in batches for row in batch]
    with contextlib.ExitStack() as stack:
        for i, row in enumerate(rows):
            row.open(stack, f"evil{i}")
        mux = s.mux("linger = 1\nstale_after = 5000\n" + camera("healthy", "test:healthy?size=160x120&fps=5")
            + "".join(row.config(secret) for row in rows))
        healthy = mux.dump("healthy", mux.grant("healthy", uid=UID_B), uid=UID_B,
            frames=100000).takes_turns_first()
        healthy.await_frames(5)
        broker, = mux.roles("framemux-broker")
        decode, = [p for p in mux.camera("healthy")["pids"] if command_of(p) == "framemux-decode"]
        for row in rows:
            row.normal_vm = memory_of(decode)["VmPeak"]
            row.measured = not configured(s, "--enable-sanitizers")
        for batch in batches:
            run_batch(mux, batch)
        healthy.await_frames(len(healthy.meta()) + 3)
        judge(rows)
        nothing_lost(mux, healthy)
        check(mux.roles("framemux-broker") == [broker] and mux.process.running(),
            "the broker or framemuxd is another one")


def nobody_came(*traps):
    for trap in traps:
        check(not trap.visitors and not trap.heard, f"{trap.host} heard {bytes(trap.heard)!r}")


def test_leads_elsewhere(s):
    clip = rtp.clip(s, "H264")
    with Trap("127.0.0.1") as here, Trap(ELSEWHERE) as there:
        rows = redirect_rows(clip, (here, there))
        attack(s, [rows[:7], rows[7:]])
        nobody_came(here, there)


def test_points_elsewhere(s):
    clip = rtp.clip(s, "H264")
    with Trap("127.0.0.1") as here, Trap(ELSEWHERE) as there:
        attack(s, [[Row(24, f"every address is another {where}", "not a packet there",
            evilcam.points_to(clip, trap), works) for trap, where in ((here, "port"), (there, "host"))]])
        nobody_came(here, there)


def test_relays_a_challenge(s):
    realm, nonce = "victim", "v1"
    attack(s, [[Row(61, f"relays another camera's challenge, fingerprint {how}",
        "refused by realm and URI", evilcam.Relays(f'realm="{realm}", nonce="{nonce}"'),
        relay_refused("rtsp://127.0.0.1:554/cam", (realm, nonce)), more=f'\tfingerprint = "{how}"\n')
        for how in ("first", "off")]])


def test_never_ends_or_changes(s):
    references = {rtp.clip(s, "H264", size=size): set(harness.frame_hashes(s.path(f"H264-{size}-1")))
        for size in ("320x240", "640x360", "176x144")}
    clips = list(references)
    rows = other_rows(clips[0], references, clips)
    attack(s, [endless_rows(clips[0]), rows[:6], rows[6:]])


def test_fuzzed(s):
    attack(s, [fuzz_rows(s, rtp.clip(s, "H264"))])


def test_tls(s):
    attack(s, [tls_rows(s)])


def cpu_seconds(pid):
    """Of the process and of its children that it has reaped."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")


@table.row(35, "crash loop of ingest, of decode", "growing pauses")
def test_crash_loops(s):
    """A camera that ends ingest at once, and one whose decode is killed whenever it lives."""
    with Camera(evilcam.Closes()) as cam:
        mux = s.mux(camera("closes", f"rtsp://127.0.0.1:{cam.port}/cam")
            + camera("killed", "test:killed?size=160x120&fps=1"))
        clients = [mux.dump(name, mux.grant(name, uid=UID_A), "--timeout", "60", uid=UID_A)
            for name in ("closes", "killed")]
        broker, = mux.roles("framemux-broker")
        cpu, begun, kills, last = cpu_seconds(mux.pid) + cpu_seconds(broker), time.monotonic(), 0, 0

        def killed_for_long():
            nonlocal kills, last
            for pid in mux.roles("framemux-decode"):
                if pid != last:
                    os.kill(pid, 9)
                    kills, last = kills + 1, pid
            return time.monotonic() - begun > 16
        until(killed_for_long, "the time", 60)
        seconds = time.monotonic() - begun
        share = (cpu_seconds(mux.pid) + cpu_seconds(broker) - cpu) / seconds
        for n, what in ((len(cam.connections), "connections"), (kills, "births")):
            check(2 <= n <= 2 * most_connections(seconds), f"{n} {what} in {seconds:.0f} s")
        check(mux.roles("framemux-broker") == [broker], "the broker is another one")
        check(share < 0.05, f"{100 * share:.1f} % of a core")
        for client in clients:
            client.signal(15)
            client.wait()
    return f"{len(cam.connections)} connections, {kills} births killed in {seconds:.0f} s: " \
        f"{100 * share:.1f} % of a core"


@table.row(36, "two cameras configured with one source", "refused at start")
def test_two_cameras_with_one_source(s):
    """Refused, in whatever spelling."""
    config = s.write("two.conf", f'socket = "{s.path("c")}"\ncontrol_socket = "{s.path("d")}"\n'
        f'state_dir = "{s.path("state")}"\n' + camera("one", "rtsp://127.0.0.1/cam")
        + camera("two", "RTSP://127.0.0.1:554/cam"))
    process = harness.Process(s, "framemuxd", [s.program("framemuxd"), "-c", config], env=s.env())
    s.processes.append(process)
    code = process.wait()
    check(code != 0 and "same source" in process.err(), f"{code}: {process.err()}")
