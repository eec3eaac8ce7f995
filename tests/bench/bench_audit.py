#!/usr/bin/env python3
"""What a record of the audit log costs, and how long a day of them takes to query and to verify.

    tests/bench/bench_audit.py --build DIR [--records N]

A log as of one day is written by the mux's own code, then a mux is started on it and framemuxctl asks.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
sys.dont_write_bytecode = True
import harness  # noqa: E402

CAMERA = 'camera "camera1" { url = "test:camera1?size=320x240&fps=5" }\n'


def write_log(build, folder, records):
    os.makedirs(folder, 0o700, exist_ok=True)
    done = subprocess.run([os.path.join(build, "tests/bench/bench_audit"), folder, str(records)],
        check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def timed(mux, *args):
    start = time.monotonic()
    out = mux.ctl(*args)
    return time.monotonic() - start, out


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", required=True)
    p.add_argument("--records", type=int, default=200000)
    args = p.parse_args()
    harness.adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="framemux-programs-") as programs, \
            harness.Scene(os.path.abspath(args.build), programs) as scene:
        harness.stage_programs(args.build, programs)
        cost = write_log(args.build, scene.path("state"), args.records)
        memory = {}
        if os.access("/dev/shm", os.W_OK):
            with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                memory = write_log(args.build, folder, 20000)
        start = time.monotonic()
        mux = scene.mux(CAMERA)
        ready = time.monotonic() - start
        query = timed(mux, "audit", "--camera", "camera3", "--since", "13h", "--until", "12h")
        query_json = timed(mux, "--json", "audit", "--camera", "camera3")
        verify = timed(mux, "audit", "verify")
        mux.stop()
    print(f"A record: {cost['alone_us']:.0f} us where it waits for the disk by itself, {cost['batched_us']:.0f} us in "
        "batches of 64")
    if memory:
        print(f"  in memory, so that only its making counts: {memory['alone_us']:.0f} us with a seal of its own, "
            f"{memory['batched_us']:.1f} us in batches")
    print(f"{args.records} records of a day: the mux is ready after {ready:.2f} s")
    print(f"  one camera, one hour     {query[0]:.2f} s, {query[1].count(chr(10))} records")
    print(f"  one camera, all of it    {query_json[0]:.2f} s, {query_json[1].count(chr(10))} records, as JSON")
    print(f"  verify                   {verify[0]:.2f} s: {verify[1].strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
