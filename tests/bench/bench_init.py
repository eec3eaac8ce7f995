#!/usr/bin/env python3
"""What an init system waits for, and what the roles cost while nobody looks and while somebody does.

    tests/bench/bench_init.py --build DIR [--runs N] [--hangs N]

From the start to the word that it is ready, a reload that changes nothing and one that changes every
camera (with framemuxctl, whose own start is shown beside them), from SIGTERM to the end: with 1 and with
8 cameras, the last also with every camera watched. The proportional set size of each role, idle and with
a 1080p camera. Under a real systemd, as in tests/e2e/test_init.py: a broker that hangs, until the
watchdog ends it (WatchdogSec=4 there) and a client that comes back has a picture again (--hangs).
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
import test_init  # noqa: E402
from harness import Skipped, children_of, command_of  # noqa: E402
from test_reload import configure  # noqa: E402

COUNTS = (1, 8)
SETTLED_S = 3  # of a decoder's buffers


def painted(n, more=""):
    return "".join(f'camera "cam-{i}" {{\n\turl = "test:cam-{i}?size=640x368&fps=15"\n{more}}}\n'
        for i in range(n))


def ms_of(function, *args):
    begun = time.monotonic_ns()
    function(*args)
    return (time.monotonic_ns() - begun) / 1e6


def row(what, ms):
    ms = sorted(ms)
    print(f"{what:56} {len(ms):4}  p50 {ms[len(ms) // 2]:8.1f}  max {ms[-1]:8.1f} ms", flush=True)


class Times:
    def __init__(self, scene, cameras, runs):
        self.scene, self.cameras, self.runs = scene, cameras, runs
        self.start, self.asked, self.same, self.changed, self.stop, self.busy = ([] for _ in range(6))
        self.mux = scene.mux(painted(cameras), verbose=False)
        self.mux.stop()

    def life(self):
        mux = self.mux
        configure(mux, painted(self.cameras))
        self.start.append(ms_of(mux.start, False))
        self.asked.append(ms_of(mux.ctl, "status"))
        self.same.append(ms_of(mux.ctl, "reload"))
        configure(mux, painted(self.cameras, '\tmask = { "0,0,16x16" }\n'))
        self.changed.append(ms_of(mux.ctl, "reload"))
        self.stop.append(ms_of(mux.stop))

    def busy_end(self):
        mux = self.mux
        mux.start(False)
        clients = [mux.dump(f"cam-{i}", mux.grant(f"cam-{i}"), frames=0, out_name="/dev/null")
            for i in range(self.cameras)]
        for client in clients:
            client.await_frames(2, 60)
        self.busy.append(ms_of(mux.stop))
        for client in clients:
            client.wait()
        self.scene.processes.clear()

    def show(self):
        for _ in range(self.runs):
            self.life()
        for _ in range(self.runs // 3 or 1):
            self.busy_end()
        n = f"{self.cameras} camera{'s' if self.cameras > 1 else ''}"
        row(f"{n}: start to ready", self.start)
        row(f"{n}: framemuxctl status, to compare", self.asked)
        row(f"{n}: reload, nothing changed", self.same)
        row(f"{n}: reload, each of them changed", self.changed)
        row(f"{n}: stop, nobody watching", self.stop)
        row(f"{n}: stop, each of them watched", self.busy)


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def roles_of(pid):
    found, todo = [], [pid]
    while todo:
        at = todo.pop()
        found.append((command_of(at), pss_kib(at)))
        todo += children_of(at)
    return sorted(found)


def memory(scene):
    """Of each role: {name: KiB}, idle and with one 1080p camera that one client watches."""
    try:
        port = scene.camserver("cam=live:size=1920x1080,fps=25")
        url, what = f"rtsp://127.0.0.1:{port}/cam", "H.264 over RTSP"
    except Skipped:
        url, what = "test:cam?size=1920x1080&fps=25", "a pattern"
    mux = scene.mux(f'camera "cam" {{\n\turl = "{url}"\n}}\n', verbose=False)
    mux.status()
    idle = roles_of(mux.pid)
    client = mux.dump("cam", mux.grant("cam"), frames=0, out_name="/dev/null")
    client.await_frames(5, 60)
    time.sleep(SETTLED_S)
    busy = roles_of(mux.pid)
    rings = sum(lease["bytes"] for lease in mux.status()["leases"])
    print(f"\nPSS, KiB{'':22} idle   1080p at 25 fps, {what}, one client")
    for name, kib in busy:
        print(f"  {name:20} {dict(idle).get(name, ''):>13}   {kib:>6}")
    print(f"  {'together':20} {sum(k for _, k in idle):>13}   {sum(k for _, k in busy):>6}   "
        f"(in it the ring of {rings >> 10} KiB)")


def hang(scene, container, witness, n):
    """(ms from the hang to the loss, ms from the loss to a picture)"""
    broker, = container.find("framemux-broker")
    begun = time.monotonic_ns()
    os.kill(broker, signal.SIGSTOP)
    lost, seen = witness.await_gaps(n)[-1]
    return (lost - begun) / 1e6, (seen - lost) / 1e6


def hangs(scene, n):
    with test_init.installed(scene) as container:
        test_init.activate(container)
        witness = test_init.Witness(scene, container, "porch")
        witness.await_gaps(0)
        found = [hang(scene, container, witness, i + 1) for i in range(n)]
        witness.process.signal(signal.SIGTERM)
        container.run("systemctl", "stop", "framemux.socket", "framemux-control.socket", test_init.UNIT)
    print()
    row(f"broker hangs: until the watchdog's kill is felt ({test_init.WATCHDOG_S} s)", [a for a, _ in found])
    row("from there to the next picture, a second's pause in it", [b for _, b in found])


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", required=True)
    p.add_argument("--runs", type=int, default=30)
    p.add_argument("--hangs", type=int, default=5)
    args = p.parse_args()
    harness.adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="framemux-programs-") as programs:
        harness.stage_programs(args.build, programs)
        for cameras in COUNTS:
            with harness.Scene(args.build, programs) as scene:
                Times(scene, cameras, args.runs).show()
        with harness.Scene(args.build, programs) as scene:
            memory(scene)
        if args.hangs:
            try:
                with harness.Scene(args.build, programs) as scene:
                    hangs(scene, args.hangs)
            except Skipped as e:
                print(f"\nbroker hangs: NOT MEASURED: {e}")
    print(f"\nload {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
