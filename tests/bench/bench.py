#!/usr/bin/env python3
"""What the mux costs: CPU per camera-frame and latency, in one run, as ratios to a bare decoder.

    tests/bench/bench.py --build DIR [--rounds N] [--seconds N]

One 1080p30 H.264 clip, sent by a real RTSP server packet by packet (nothing is encoded meanwhile).
Each round measures, one after another on the same machine in the same minute:
  bare decode        libavcodec, one thread, from memory, flat out: the unit of all ratios
  bare decode, live  the same at 30 frames a second: caches and clocks are cold
  bare RTSP + decode one process that reads RTP and decodes: the least a live camera can cost
  mux, 1 / 4 clients framemuxd + broker + ingest + decode; the clients apart
Latency: from the moment the last packet of a frame leaves the server's payloader to the moment a
client holds the frame, checked.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
sys.dont_write_bytecode = True
import harness  # noqa: E402
import pattern  # noqa: E402

WIDTH, HEIGHT, RATE, FRAMES, CELL = 1920, 1080, 30, 300, 16
WARM_S = 2
CODES = 1024


def make_clip(scene):
    """A busy moving picture with the frame's number in the corner, as a camera would encode it."""
    counter = scene.path("counter.yuv")
    side = 4 * CELL
    with open(counter, "wb") as f:
        for n in range(FRAMES):
            value = pattern.code("counter", n)
            for row in range(4):
                line = b"".join(bytes([235 if value >> (15 - row * 4 - c) & 1 else 16]) * CELL
                    for c in range(4))
                f.write(line * CELL)
            f.write(bytes([128]) * (side * side // 2))
    clip = scene.path("clip.h264")
    harness.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
        f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE},noise=alls=6:allf=t", "-f", "rawvideo",
        "-pix_fmt", "yuv420p", "-video_size", f"{side}x{side}", "-framerate", str(RATE), "-i",
        counter, "-filter_complex", "[0][1]overlay=0:0,format=yuv420p", "-frames:v", str(FRAMES),
        "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-x264-params",
        "slices=1:threads=2:sliced-threads=0", "-g", "60", "-b:v", "6M", "-maxrate", "8M",
        "-bufsize", "4M", "-y", clip])
    return clip


def cpu_ns(pids):
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
    return total


def tool(build, name, *args):
    done = subprocess.run([os.path.join(build, "tests/bench", name), *map(str, args)],
        capture_output=True, text=True, timeout=300)
    harness.check(done.returncode == 0, f"{name}: {done.stderr}")
    return done.stdout


def latencies(held, times_path):
    """ms from send to held for each frame; after the warm-up only."""
    with open(times_path) as f:
        sent = [tuple(map(int, line.split())) for line in f.read().split("\n")[:-1]]
    result, at = [], 0
    for code, when in held:
        while at + 1 < len(sent) and sent[at + 1][1] <= when:
            at += 1
        # The latest one sent before `when` that carries this number.
        for i in range(at, max(at - FRAMES, -1), -1):
            if sent[i][0] % FRAMES % CODES == code:
                result.append((when - sent[i][1]) / 1e6)
                break
    return result[WARM_S * RATE:]


def held_lines(text):
    return [tuple(map(int, l.split())) for l in text.splitlines() if l[:1].isdigit()]


def serve(scene, clip, name):
    times = scene.path(name + ".times")
    return scene.camserver(f"cam=file:path={clip},fps={RATE},times={times}"), times


def measure_live(scene, clip, seconds):
    port, times = serve(scene, clip, "live")
    text = tool(scene.build, "bench_live", port, "cam", seconds + WARM_S)
    scene.processes.pop().popen.terminate()
    return int(text.split()[1]), latencies(held_lines(text), times)


def measure_mux(scene, clip, seconds, n):
    """(mux's ns per frame, clients' ns per frame, latencies) with n clients."""
    port, times = serve(scene, clip, f"mux{n}")
    mux = scene.mux(f'linger = 0\ncamera "cam" {{\n\turl = "rtsp://127.0.0.1:{port}/cam"\n}}\n',
        verbose=False)
    token = mux.grant("cam")
    env = scene.env(FRAMEMUX_SOCKET=mux.socket, FRAMEMUX_TOKEN=token)
    clients = [harness.Process(scene, f"client{n}.{i}", [os.path.join(scene.build,
        "tests/bench/bench_client"), str(seconds + 3 * WARM_S), "cam"], env=env) for i in range(n)]
    harness.until(lambda: mux.camera("cam")["frames_decoded"] > WARM_S * RATE, "frames")

    def sample():
        roles = [mux.pid, *harness.children_of(mux.pid)]
        return (cpu_ns(roles), cpu_ns(c.pid for c in clients),
            mux.camera("cam")["frames_decoded"])
    start = sample()
    time.sleep(seconds)  # a span of time is what is measured
    end = sample()
    frames = end[2] - start[2]
    held = []
    for c in clients:
        c.expect(0)
        held += latencies(held_lines(c.out()), times)
    mux.stop()
    scene.processes[-2].popen.terminate()
    return (end[0] - start[0]) / frames, (end[1] - start[1]) / frames, held


def spread(values, unit="", digits=2):
    return (f"{statistics.median(values):.{digits}f}{unit} "
        f"({min(values):.{digits}f} to {max(values):.{digits}f})")


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p / 100 * len(ordered)))]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", required=True)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=6)
    args = p.parse_args()
    build = os.path.abspath(args.build)
    harness.adopt_orphans()
    rows = {}

    def note(name, value):
        rows.setdefault(name, []).append(value)
    with tempfile.TemporaryDirectory(prefix="framemux-programs-") as programs, \
            harness.Scene(build, programs) as scene:
        harness.stage_programs(build, programs)
        print(f"bench: encoding {FRAMES} frames of {WIDTH}x{HEIGHT}", flush=True)
        clip = make_clip(scene)
        for i in range(args.rounds):
            print(f"bench: round {i + 1} of {args.rounds}", flush=True)
            bare = int(tool(build, "bench_decode", clip))
            note("bare", bare)
            note("paced", int(tool(build, "bench_decode", clip, RATE)) / bare)
            live, live_ms = measure_live(scene, clip, args.seconds)
            note("live", live / bare)
            note("live ms", live_ms)
            for n in (1, 4):
                cost, clients, ms = measure_mux(scene, clip, args.seconds, n)
                note(f"mux {n}", cost / bare)
                note(f"mux {n} live", cost / live)
                note(f"clients {n}", clients / bare)
                note(f"mux {n} ms", ms)
    report(rows)
    return 0


def report(rows):
    print(f"\nCPU per camera-frame, {WIDTH}x{HEIGHT} H.264 at {RATE} frames a second; "
        f"median (range) of {len(rows['bare'])} rounds")
    print(f"  bare libavcodec decode, one thread   {spread([b / 1e6 for b in rows['bare']], ' ms')}")
    print("  as a ratio to it:")
    print(f"    bare decode at the camera's pace   {spread(rows['paced'])}")
    print(f"    bare RTSP + decode, one process    {spread(rows['live'])}")
    for n in (1, 4):
        print(f"    framemux, {n} client{'s' if n > 1 else ' '}                {spread(rows[f'mux {n}'])}"
            f"   and {spread(rows[f'clients {n}'])} in the clients; to bare RTSP + decode: "
            f"{spread(rows[f'mux {n} live'])}")
    print("Latency, last packet sent to frame held (checked by its tag), ms: median, p99; "
        "range of the rounds' medians")
    for name, key in (("bare RTSP + decode", "live ms"), ("framemux, 1 client", "mux 1 ms"),
            ("framemux, 4 clients", "mux 4 ms")):
        every = [ms for r in rows[key] for ms in r]
        medians = [statistics.median(r) for r in rows[key] if r]
        print(f"  {name:<22} {statistics.median(every):6.2f}  {percentile(every, 99):6.2f}   "
            f"({min(medians):.2f} to {max(medians):.2f})  {len(every)} frames")


if __name__ == "__main__":
    sys.exit(main())
