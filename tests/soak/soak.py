#!/usr/bin/env python3
"""The soak: a crowd of clients that check every block of every frame, and everything that goes wrong.

    tests/soak/soak.py --build DIR [--breakage] [--only NAME] SECONDS
    tests/soak/soak.py --build DIR --storm SECONDS
    tests/soak/soak.py --build DIR --kills N SECONDS

Without --breakage SECONDS are shared out among three scenes: one in which the mux is left alone and
nothing of it may grow, one in which its processes die, and a reconnect storm. With --breakage (the
build has breakages) a scene in which cameras' processes are killed without pauses between, for
SECONDS; then a few seconds for each breakage, which has to be seen.
In full, each alone: --storm, 16 cameras x 16 clients; --kills (the build has breakages), until N
processes have died, SECONDS at the most.
Prints REDTEAM.md's rows, and last "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../e2e"), os.path.join(HERE, "../hostile")]
sys.dont_write_bytecode = True
import harness  # noqa: E402
import pattern  # noqa: E402
import table  # noqa: E402
from harness import UID_A, UID_B, check, run_one, until  # noqa: E402
from relay import Relay  # noqa: E402

CELLS = [bytes([v]) * pattern.CELL for v in (pattern.DARK, pattern.BRIGHT)]
NUMBERS = 1024          # frame numbers in a round
STORM_FULL = (16, 16)   # cameras, and clients of each; on so many processors:
STORM_FULL_CPUS = 8
STORM_SHORT = (8, 6)
STORM_LONG_S = 100
STORM_EVERY_S = (18, 25)  # a camera that lived for 10 s is connected again without a growing pause
GROWTH_KIB = 1024       # of private memory: an allocator's moods, not a leak that goes on
PAIR = ("framemux-decode", "framemux-ingest")
KILLS_CAMERAS = 8
KILLS_HARM = {"kill_role": 60, "rest": 1500, "revoke": 1000, "stop": 1500}  # ms
GROWTH_MAPS = 16        # where the loader and malloc put things differs from life to life
ZEROS = ("stranger_blocks", "torn_blocks", "unreadable_blocks", "stale_frames", "early_frames",
    "disordered_frames", "revoked_frames", "unerased_frames", "unproven_frames")


def say(text):
    print(f"soak: {text}", flush=True)


def names(n):
    """So many camera names whose blocks differ."""
    found, bits, i = [], set(), 0
    while len(found) < n:
        name = f"cam-{i}"
        i += 1
        if pattern.code(name, 0) >> 10 not in bits:
            bits.add(pattern.code(name, 0) >> 10)
            found.append(name)
    return found


class Camera:
    """url: of a camera that went through a codec; None: painted by the decoder."""

    def __init__(self, name, width=320, height=240, fps=15, url=None, more=""):
        self.name, self.width, self.height, self.fps = name, width, height, fps
        self.url, self.more = url or f"test:{name}?size={width}x{height}&fps={fps}", more
        self.spec = f"{name}:{width}x{height}:{fps}" + (":coded" if url else "")

    def section(self):
        return f'camera "{self.name}" {{\n\turl = "{self.url}"\n\t{self.more}\n}}\n'


def place(bx, by):
    """What clients/ctl/check/check_look.c turns over at each place of a coded picture."""
    v = (bx * 0x9e3779b1 + by * 0x85ebca77) & 0xffffffff
    v = (v ^ v >> 15) * 0x2c1b3c6d & 0xffffffff
    return v >> 13 & 0xffff


def picture(camera, number, width, height):
    """A pattern camera's, with other bits turned over at each place."""
    rows, code = [], pattern.code(camera, number)
    for by in range(height // pattern.BLOCK):
        codes = [code ^ place(bx, by) for bx in range(width // pattern.BLOCK)]
        for row in range(4):
            cells = [c >> (15 - 4 * row - i) & 1 for c in codes for i in range(4)]
            rows += [b"".join(CELLS[c] for c in cells)] * pattern.CELL
    return b"".join(rows) + bytes([pattern.GREY]) * (width * height // 2)


def coded_clip(path, name, width, height, *encoder):
    """A whole round of the pattern of this camera, coded."""
    argv = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}",
        "-r", "15", "-i", "-", *encoder, "-y", path]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as p:
        for n in range(NUMBERS):
            p.stdin.write(picture(name, n, width, height))
        p.stdin.close()
    check(p.returncode == 0, "ffmpeg cannot encode the pattern")
    return path


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-qp", "16", "-g", "10",
    "-x264-params", "scenecut=0:slices=1")


def run_crowd(s, mux, cameras, seconds, each, client_breakage="", **harms):
    """Starts the crowd; its report comes from await_crowd."""
    mux.count += 1
    argv = [os.path.join(s.build, "tests/soak/crowd"), "--socket", mux.socket, "--control",
        mux.control, "--seconds", str(max(1, round(seconds))), "--each", str(each)]
    real = os.path.join(s.build, "tests/soak/.libs/crowd")
    argv[0] = real if os.path.exists(real) else argv[0]
    if os.getuid() == 0:
        argv += ["--uids", f"{UID_A},{UID_B}"]
    for key, value in harms.items():
        argv += [f"--{key.replace('_', '-')}", str(value)]
    env = s.env()
    if client_breakage:
        env["FRAMEMUX_BREAKAGE"] = client_breakage
    crowd = harness.Process(s, f"crowd{mux.count}", argv + [c.spec for c in cameras], env=env)
    s.processes.append(crowd)
    crowd.seconds = seconds
    return crowd


def await_crowd(crowd):
    """(what it says is wrong, or "", its report)"""
    code = crowd.wait(crowd.seconds + 90)
    check(code in (0, 70), f"the crowd ended with {code}: {crowd.err()}")
    return crowd.err().strip().split("\n")[-1] if code else "", json.loads(crowd.out())


def must_hold(wrong, report):
    ms = {k: {p: report[k][p] / 1000 for p in ("p50", "p99", "max")} | {"n": report[k]["n"]}
        for k in ("revoke_us", "join_us", "rejoin_us")}
    say(f"{report['cameras']} cameras, {report['clients']} clients, {report['views']} views: "
        f"{report['frames']} frames, {report['blocks']} blocks checked, "
        f"{report['stranger_blocks']} strangers', {report['stale_frames']} stale")
    say(f"killed: {report['clients_killed']} clients, {report['decoders_killed']} decoders, "
        f"{report['ingests_killed']} ingests; {report['clients_stopped']} stops, "
        f"{report['withdrawn_frames']} frames withdrawn, {report['concealed_frames']} concealed")
    for key, what in (("revoke_us", "revoke"), ("join_us", "join"), ("rejoin_us", "rejoin")):
        say("%-7s %5d: p50 %.1f ms, p99 %.1f ms, max %.1f ms"
            % (what, ms[key]["n"], ms[key]["p50"], ms[key]["p99"], ms[key]["max"]))
    bad = {k: report[k] for k in ZEROS if report[k]}
    check(not wrong and not bad, f"{wrong} {bad}")


HARM = {"revoke": 150, "stop": 700, "kill_client": 700}


# --- nothing grows ---------------------------------------------------------------------------

def private_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"RssAnon:\s*(\d+)", f.read()).group(1))


def holdings(mux):
    """{process: (pid, descriptors, mappings, KiB of private memory)} of the mux when nobody looks."""
    until(lambda: not mux.status()["leases"], "the leases' end")
    until(lambda: not sum(u["held_after_revoke_bytes"] for u in mux.status()["uids"]),
        "held memory to be let go")
    until(lambda: all(len(c["pids"]) == 2 for c in mux.status()["cameras"]), "every camera's pair")
    owner = {pid: c["name"] for c in mux.status()["cameras"] for pid in c["pids"]}
    held = {}
    for pid in [mux.pid, *harness.children_of(mux.pid)]:
        with open(f"/proc/{pid}/maps") as f:
            maps = len(f.readlines())
        name = f"{harness.command_of(pid)} {owner.get(pid, '')}".strip()
        held[name] = (pid, len(harness.fds_of(pid)), maps, private_kib(pid))
    return held


def compare(before, after):
    check(before.keys() == after.keys(), f"processes came or went: {before} {after}")
    for name, (pid, fds, maps, kib) in after.items():
        was = before[name]
        # A decoder that does not let go in time is killed: on a busy machine that is no fault.
        reborn = "" if pid == was[0] else ", another process"
        say(f"{name:22} descriptors {was[1]} -> {fds}, mappings {was[2]} -> {maps}, "
            f"private memory {was[3]} -> {kib} KiB{reborn}")
    for name, (pid, fds, maps, kib) in after.items():
        was = before[name]
        check(pid == was[0] or name.startswith(PAIR), f"{name} is another process")
        check(fds == was[1], f"{name}: {was[1]} descriptors, then {fds}")
        check(maps <= was[2] + GROWTH_MAPS, f"{name}: {was[2]} mappings, then {maps}")
        check(kib <= was[3] + GROWTH_KIB, f"{name}: {was[3]} KiB, then {kib}")


def nothing_grows(seconds):
    """Clients come, go, stop, die and are revoked; every process of the mux ends as it began."""
    def test(s):
        cameras = [Camera(n) for n in names(4)]
        for c in cameras:
            c.more = 'standby = "warm"'
        mux = s.mux("".join(c.section() for c in cameras), verbose=False)
        until(lambda: all(c["state"] == "live" for c in mux.status()["cameras"]), "live cameras")
        must_hold(*await_crowd(run_crowd(s, mux, cameras, min(5, seconds / 3), 4, **HARM)))
        before = holdings(mux)
        must_hold(*await_crowd(run_crowd(s, mux, cameras, seconds, 4, **HARM)))
        compare(before, holdings(mux))
    return test


# --- deaths ----------------------------------------------------------------------------------

def can_reload(mux):
    argv = [mux.scene.program("framemuxctl"), "reload", "--help"]
    return subprocess.run(argv, capture_output=True, env=mux.scene.env()).returncode == 0


def meddle(mux, crowd, broker_s, reload_s):
    """Kill the broker, and have the configuration read again, now and then, while the crowd runs."""
    next_kill = time.monotonic() + broker_s if broker_s else None
    next_reload = time.monotonic() + reload_s if can_reload(mux) else None
    killed = reloads = 0
    while crowd.running():
        now = time.monotonic()
        if next_kill and now >= next_kill:
            for pid in mux.roles("framemux-broker"):
                os.kill(pid, signal.SIGKILL)
                killed += 1
            next_kill = now + broker_s * random.uniform(0.7, 1.5)
        if next_reload and now >= next_reload:
            mux.process.signal(signal.SIGHUP)
            reloads += 1
            next_reload = now + reload_s * random.uniform(0.5, 1.5)
        time.sleep(0.05)
    say(f"{killed} brokers killed, {reloads} reloads")


def coded_cameras(s, which, count_lossy, loss):
    """Real RTSP cameras, some of them behind a network that loses datagrams. (cameras, the relay)"""
    specs = [f"{n}=file:path={coded_clip(s.path(n + '.h264'), n, w, h, *H264)},fps={fps}"
        for n, w, h, fps in which]
    port = s.camserver(*specs)
    relay = Relay(port, drop=loss, late=0.02, late_s=0.02, shuffle=2)
    cameras = []
    for i, (n, w, h, fps) in enumerate(which):
        lossy = i < count_lossy
        url = f"rtsp://127.0.0.1:{relay.port if lossy else port}/{n}"
        cameras.append(Camera(n, w, h, fps, url, 'transport = "udp"' if lossy else ""))
    return cameras, relay


BROKERS_DIE_S = 12  # about; sooner in the short form


def deaths(seconds):
    """Pattern and RTSP cameras; decoders, ingests, clients and brokers are killed."""
    def test(s):
        all_names = names(6)
        coded, relay = coded_cameras(s, [(n, 320, 240, 15) for n in all_names[:3]], 1, 0.01)
        cameras = [Camera(n) for n in all_names[3:]] + coded
        with relay:
            mux = s.mux("linger = 1\n" + "".join(c.section() for c in cameras), verbose=False)
            crowd = run_crowd(s, mux, cameras, seconds, 4, kill_role=500, **HARM)
            meddle(mux, crowd, min(BROKERS_DIE_S, seconds / 4), 5)
            must_hold(*await_crowd(crowd))
            mux.stop()
            say(f"{relay.dropped} of {relay.moved} datagrams lost")
    return test


# --- the reconnect storm -----------------------------------------------------------------------

def storm_size(seconds):
    if (os.cpu_count() or 1) >= STORM_FULL_CPUS:
        return STORM_FULL
    return (STORM_FULL[0] if seconds >= STORM_LONG_S else STORM_SHORT[0], STORM_SHORT[1])


def storm(seconds, size):
    """All cameras go away at once, and come back, with loss, while all clients look."""
    n, each = size

    @table.row(47, f"reconnect storm, {n} cameras x {each} clients", "no stranger's block, ever")
    def test(s):
        fps = 8
        cameras, relay = coded_cameras(s, [(name, 160, 96, fps) for name in names(n)], n, 0.02)
        server = s.processes[-1]
        with relay:
            mux = s.mux("linger = 1\n" + "".join(c.section() for c in cameras), verbose=False)
            crowd = run_crowd(s, mux, cameras, seconds, each, revoke=300, kill_client=1000)
            meddler = threading.Thread(target=meddle, args=(mux, crowd, 0, 3))
            meddler.start()
            storms = 0
            next_storm = time.monotonic() + 6
            while crowd.running():
                if time.monotonic() >= next_storm:
                    server.signal(signal.SIGKILL)
                    server.wait()
                    server = restart(s, server)
                    storms += 1
                    next_storm = time.monotonic() + random.uniform(*STORM_EVERY_S)
                time.sleep(0.05)
            meddler.join()
            say(f"{storms} storms; {relay.dropped} of {relay.moved} datagrams lost")
            wrong, report = await_crowd(crowd)
            must_hold(wrong, report)
            check(storms, "no storm: too short")
            mux.stop()
        return f"{storms} storms, {report['blocks']} blocks, none a stranger's"
    return test


def restart(s, server):
    """The same cameras at the same port."""
    argv = [a for a in server.argv[1:] if "=file:" in a]
    s.camserver(*argv, port=server.port)
    return s.processes[-1]


# --- with breakages ------------------------------------------------------------------------------

def generations(mux):
    return {c["name"]: c["generation"] for c in mux.status()["cameras"]}


def check_next_lives(mux, cameras, first, killed):
    """Each death began another life, and it is the newest that clients get."""
    for c in cameras:
        client = mux.dump(c.name, mux.grant(c.name, uid=UID_A), uid=UID_A, frames=2)
        client.expect(0)
        seen = {m["generation"] for m in client.meta()}
        check(max(seen) == generations(mux)[c.name], f"{c.name}: frames of {seen}, {generations(mux)}")
    born = sum(g - first[name] for name, g in generations(mux).items())
    check(born >= killed, f"{killed} killed, but only {born} born")


def kills(seconds, n=0):
    """Cameras' processes are killed as fast as they come back, until so many are. No torn, mixed or
    old frame, and clients get the new generation."""
    @table.row(43, f"SIGKILL of decoders and ingests{f', {n} times' if n else ''}",
        "no torn or mixed frame, new generations")
    def test(s):
        s.breakage = "daemon-no-pause"
        cameras = [Camera(name, 160, 96, 25, more='standby = "warm"')
            for name in names(KILLS_CAMERAS)]
        mux = s.mux("".join(c.section() for c in cameras), verbose=False)
        until(lambda: all(c["state"] == "live" for c in mux.status()["cameras"]), "live cameras")
        first = generations(mux)
        killed = frames = 0
        end = time.monotonic() + seconds
        while (not n or killed < n) and time.monotonic() < end:
            left = end - time.monotonic()
            wrong, report = await_crowd(run_crowd(s, mux, cameras, min(60, left), 2,
                **KILLS_HARM))
            must_hold(wrong, report)
            killed += report["decoders_killed"] + report["ingests_killed"]
            frames += report["frames"]
            say(f"{killed} decoders and ingests killed")
        check_next_lives(mux, cameras, first, killed)
        check(killed >= (n or seconds), f"only {killed} killed")
        return f"{killed} killed, {frames} frames whole and their camera's"
    return test


def seen(breakage, client_breakage, expected, harms=HARM):
    """What is broken is seen, and for what it is."""
    def test(s):
        s.breakage = breakage
        cameras = [Camera(n) for n in names(4)]
        mux = s.mux("".join(c.section() for c in cameras), verbose=False)
        wrong, report = await_crowd(run_crowd(s, mux, cameras, 4, 4, client_breakage,
            patience=4, **harms))
        bad = {k: report[k] for k in ZEROS if report[k]}
        check(re.search(expected, f"{wrong} {bad}"), f"not seen ({expected}): {wrong} {bad}")
        say(f"{breakage or client_breakage}: {wrong} {bad}")
    return test


SKIPS_TAG = "lib-skip-tag,lib-skip-check"
BREAKAGES = (
    ("daemon-swap-streams,decode-skip-hello", "", "stranger_blocks"),
    ("broker-swap-rings", SKIPS_TAG, "stranger_blocks"),
    ("broker-swap-rings", "", "unproven_frames|provenance"),
    ("broker-swap-keys", "", "unproven_frames|provenance"),
    ("decode-stale-tag", "", "unproven_frames"),
    ("decode-wrong-slot", "", "unproven_frames"),
    ("daemon-swap-ids", "", "unproven_frames|provenance"),
    ("broker-no-erase", "", "unerased_frames"),
    ("", "lib-skip-age", "stale_frames", {"stop": 60}),
    ("", "lib-skip-check", "stale_frames", {"kill_role": 60, "rest": 0}),
    ("ingest-other-camera", "", "never showed"),
    ("broker-no-seal", "", "never showed"),
)


def tests_of(args):
    if args.storm:
        return [("reconnect storm, in full", storm(args.seconds, STORM_FULL))]
    if args.kills:
        return [("killed without pauses, in full", kills(args.seconds, args.kills))]
    if not args.breakage:
        return [("nothing grows", nothing_grows(args.seconds * 0.3)),
            ("deaths", deaths(args.seconds * 0.4)),
            ("reconnect storm", storm(args.seconds * 0.3, storm_size(args.seconds * 0.3)))]
    return [("killed without pauses", kills(args.seconds))] + [
        (f"{b} {c}".strip() + " is seen", seen(b, c, e, *h)) for b, c, e, *h in BREAKAGES]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", required=True)
    p.add_argument("--breakage", action="store_true")
    p.add_argument("--storm", action="store_true")
    p.add_argument("--kills", type=int, default=0, metavar="N")
    p.add_argument("--only", default="")
    p.add_argument("--keep", action="store_true")
    p.add_argument("seconds", type=int)
    args = p.parse_args()
    harness.adopt_orphans()
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    with tempfile.TemporaryDirectory(prefix="framemux-programs-") as programs:
        harness.stage_programs(args.build, programs)
        for name, function in tests_of(args):
            if args.only in name:
                counts[run_one(f"soak: {name}", function, args.build, programs, args.keep)] += 1
    table.show()
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return 1 if counts["FAIL"] or not counts["PASS"] else 0


if __name__ == "__main__":
    sys.exit(main())
