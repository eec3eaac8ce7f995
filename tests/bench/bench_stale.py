#!/usr/bin/env python3
"""How long after a camera's last picture its clients' memory is blank.

    tests/bench/bench_stale.py --build DIR [--rounds N]

A real RTSP server is stopped in mid-stream; measured is from the last frame's publish_ns to the moment
at which the ring is all zero, beyond stale_after. Then it goes on, and the camera is live again.
"""
import argparse
import os
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
sys.dont_write_bytecode = True
import harness  # noqa: E402
from bench import spread  # noqa: E402
from test_revoke import is_blank, keep_ring  # noqa: E402

STALE_MS = 1000
POLL_S = 0.001


def round_ms(server, client):
    """ms beyond stale_after."""
    client.await_frames(len(client.meta()) + 10)
    ring = keep_ring(client)
    server.signal(signal.SIGSTOP)
    while not is_blank(ring):
        time.sleep(POLL_S)
    blank = time.monotonic_ns()
    ring.close()
    last = max(m["publish_ns"] for m in client.meta())
    server.signal(signal.SIGCONT)
    return (blank - last) / 1e6 - STALE_MS


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", required=True)
    p.add_argument("--rounds", type=int, default=20)
    args = p.parse_args()
    harness.adopt_orphans()
    beyond = []
    with tempfile.TemporaryDirectory(prefix="framemux-programs-") as programs, \
            harness.Scene(os.path.abspath(args.build), programs) as scene:
        harness.stage_programs(args.build, programs)
        clip = harness.make_clip(scene.path("clip.h264"), "-c:v", "libx264", "-preset", "ultrafast",
            "-tune", "zerolatency", "-g", "30", size="320x240", frames=300)
        port = scene.camserver(f"cam=file:path={clip},fps=30")
        server = scene.processes[-1]
        mux = scene.mux(f'stale_after = {STALE_MS}\ncamera "cam" {{\n'
            f'\turl = "rtsp://127.0.0.1:{port}/cam"\n}}\n', verbose=False)
        client = mux.dump("cam", mux.grant("cam"), frames=0, out_name="/dev/null")
        for i in range(args.rounds):
            beyond.append(round_ms(server, client))
            print(f"bench-stale: {i + 1} of {args.rounds}: {beyond[-1]:.1f} ms", flush=True)
    print(f"\nLast frame published to ring all zero, beyond stale_after ({STALE_MS} ms); median "
        f"(range) of {args.rounds}: {spread(beyond, ' ms', 1)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
