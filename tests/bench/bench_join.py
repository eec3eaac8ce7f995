#!/usr/bin/env python3
"""How long until a client that comes sees something, and what a decoder at rest costs.

    tests/bench/bench_join.py --build DIR [--joins N] [--group N]

One H.264 camera with a key picture every --group pictures at 30 a second, sent by a real RTSP server
that somebody else watches all the time. From the start of framemux-dump to its first checked frame:
  warm   the camera is connected, its decoder rests; the join falls anywhere into the group
  cold   nothing is connected; of that, what lies beyond the key picture that had to be awaited
CPU of the decoder at rest, as a ratio to the same decoder at work in the same run.
"""
import argparse
import os
import random
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
sys.dont_write_bytecode = True
import harness  # noqa: E402
from bench import cpu_ns, spread  # noqa: E402

RATE = 30
CPU_S = 5


def sent(path):
    """[(index, monotonic ns)] of the pictures that the camera has sent."""
    with open(path) as f:
        return [tuple(map(int, line.split())) for line in f.read().split("\n")[:-1]]


class Stage:
    """A mux with one camera twice, by address and by name (one source is configured once): "watched"
    has a client all the time, "cam" is joined."""

    def __init__(self, scene, port, times, linger):
        self.times = times
        self.mux = scene.mux(f"linger = {linger}\n" + "".join(
            f'camera "{n}" {{\n\turl = "rtsp://{host}:{port}/cam"\n}}\n'
            for n, host in (("watched", "localhost"), ("cam", "127.0.0.1"))), verbose=False)
        self.mux.count = len(scene.processes)  # the clients of the mux before keep their folders
        self.token = self.mux.grant("cam")
        self.watcher = self.mux.dump("watched", self.mux.grant("watched"), frames=0,
            out_name="/dev/null")
        self.watcher.await_frames(1, 60)

    def join(self):
        """(ms to the first frame, when it was acquired)"""
        start = time.monotonic_ns()
        client = self.mux.dump("cam", self.token, "--timeout", "60")
        client.expect(0, 60)
        acquired = client.meta()[0]["acquire_ns"]
        return (acquired - start) / 1e6, acquired

    def await_rest(self):
        def rests():
            n, decoded = len(sent(self.times)), self.mux.camera("cam")["frames_decoded"]
            harness.until(lambda: len(sent(self.times)) >= n + 40, "pictures sent")
            return self.mux.camera("cam")["frames_decoded"] <= decoded + 1
        harness.until(rests, "the decoder to rest", 120)

    def decoder(self, name):
        return next(p for p in self.mux.camera(name)["pids"]
            if harness.command_of(p) == "framemux-decode")

    def rest_ratio(self):
        """CPU of the decoder at rest, to that of the other, which sees the same stream."""
        pids = self.decoder("cam"), self.decoder("watched")
        before = [cpu_ns([p]) for p in pids]
        time.sleep(CPU_S)  # a span of time is what is measured
        rest, work = (cpu_ns([p]) - b for p, b in zip(pids, before))
        return rest / work

    def end(self):
        self.mux.stop()


def measure(scene, args):
    clip = harness.make_clip(scene.path("clip.h264"), "-c:v", "libx264", "-preset", "veryfast",
        "-tune", "zerolatency", "-b:v", "4M", "-g", str(args.group), "-x264-params",
        "slices=1:scenecut=0", size="1280x720", frames=args.group)
    times = scene.path("times")
    port = scene.camserver(f"cam=file:path={clip},fps={RATE},times={times}")
    warm, ratio, cold, beyond = [], [], [], []
    stage = Stage(scene, port, times, 3600)
    stage.join()
    for i in range(args.joins):
        stage.await_rest()
        if i < 3:
            ratio.append(stage.rest_ratio())
        time.sleep(random.uniform(0, args.group / RATE))
        warm.append(stage.join()[0])
        print(f"bench-join: warm {i + 1} of {args.joins}: {warm[-1]:.0f} ms", flush=True)
    stage.end()
    stage = Stage(scene, port, times, 0)
    for i in range(args.joins):
        time.sleep(random.uniform(0, args.group / RATE))
        ms, acquired = stage.join()
        key = max(ns for index, ns in sent(times) if index % args.group == 0 and ns < acquired)
        cold.append(ms)
        beyond.append((acquired - key) / 1e6)
        print(f"bench-join: cold {i + 1} of {args.joins}: {ms:.0f} ms", flush=True)
    stage.end()
    return warm, ratio, cold, beyond


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", required=True)
    p.add_argument("--joins", type=int, default=10)
    p.add_argument("--group", type=int, default=300)
    args = p.parse_args()
    harness.adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="framemux-programs-") as programs, \
            harness.Scene(os.path.abspath(args.build), programs) as scene:
        harness.stage_programs(args.build, programs)
        warm, ratio, cold, beyond = measure(scene, args)
    print(f"\nStart of framemux-dump to its first checked frame, 1280x720 H.264, {RATE} pictures a "
        f"second, a key picture every {args.group / RATE:g} s; median (range) of {args.joins}")
    print(f"  warm, in the middle of a group      {spread(warm, ' ms', 0)}")
    print(f"  cold                                {spread(cold, ' ms', 0)}")
    print(f"  cold, beyond the first key picture  {spread(beyond, ' ms', 0)}")
    print("CPU of the decoder at rest, to the decoder at work on the same stream: "
        f"{spread(ratio, '', 3)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
