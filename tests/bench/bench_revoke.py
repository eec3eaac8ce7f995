#!/usr/bin/env python3
"""How long a revoke takes while everybody watches, and whether its reader is blind each time.

    tests/bench/bench_revoke.py --build DIR [--revokes N] [--stopped N] [--cameras N] [--clients N]

Live pattern cameras, clients spread over them, all without end. Again and again one client's lease
is revoked while a map of its ring is kept, as by a client that does not let go: the map has to be
all zero when the answer is there. Then a new client takes its place. First with all well (--revokes),
then each time with the camera's decoder stopped by SIGSTOP, which is killed for it (--stopped).
A camera whose decoder falls again and again is left alone for longer each time; a build with
--enable-breakage leaves those pauses out, or a thousand would take hours.
Figures: the answer's elapsed_us, in the broker; and from framemuxctl's start to its end. Beside
them the same framemuxctl asking for nothing but the status: what a start costs on this machine.
"""
import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import check, until  # noqa: E402
from test_revoke import is_blank, keep_ring, lease_of  # noqa: E402

SIZE, FPS = "640x368", 15
SAY_EVERY = 50
PATIENCE_S = 300  # a machine that others use, too


def has_breakage(build):
    with open(os.path.join(build, "config.h")) as f:
        return "#define ENABLE_BREAKAGE 1" in f.read()


class Crowd:
    """Cameras, and clients in places; whoever is revoked is followed by another."""

    def __init__(self, scene, cameras, clients):
        self.names = [f"cam-{i}" for i in range(cameras)]
        self.scene = scene
        if has_breakage(scene.build):
            scene.breakage = "daemon-no-pause"
        self.mux = scene.mux("uid_quota_mb = 1024\n" + "".join(f'camera "{n}" {{\n'
            f'\turl = "test:{n}?size={SIZE}&fps={FPS}"\n}}\n' for n in self.names), verbose=False)
        self.places = [self.join(i) for i in range(clients)]

    def camera(self, place):
        return self.names[place % len(self.names)]

    def join(self, place):
        token = self.mux.grant(self.camera(place))
        return self.mux.dump(self.camera(place), token, "--timeout", str(PATIENCE_S),
            frames=0, out_name="/dev/null")

    def leave(self, client):
        client.wait()
        self.scene.processes.remove(client)
        for path in (client.meta_path, client.out_path, client.err_path):
            with contextlib.suppress(FileNotFoundError):  # it has seen nothing
                os.unlink(path)

    def decoder(self, place):
        """The camera's, once it is live."""
        def pid():
            camera = self.mux.camera(self.camera(place))
            found = [p for p in self.mux.roles("framemux-decode") if p in camera["pids"]]
            return found[0] if camera["state"] == "live" and found else 0
        return until(pid, "a live camera's decoder", PATIENCE_S)

    def watching(self, place):
        """The client in this place, once it has a frame; one that its camera's end took has a follower."""
        client = self.places[place]
        if client.running():
            return client.meta() and client
        self.leave(client)
        self.places[place] = self.join(place)
        return None

    def revoke(self, place, stopped):
        """(us in the broker, us with framemuxctl)"""
        client = until(lambda: self.watching(place), "a client that watches", PATIENCE_S)
        decoder = self.decoder(place) if stopped else 0
        ring, lease = keep_ring(client), lease_of(self.mux, client)["id"]
        check(not is_blank(ring), "there is nothing to erase")
        if decoder:
            os.kill(decoder, signal.SIGSTOP)
        begun = time.monotonic_ns()
        answer = json.loads(self.mux.ctl("--json", "revoke", lease))
        took = (time.monotonic_ns() - begun) / 1000
        blind = is_blank(ring)
        ring.close()
        check(blind, "pixels are left after revoke returned")
        check(answer["ended"] == [lease], f"{answer}")
        self.leave(client)
        self.places[place] = self.join(place)
        return answer["elapsed_us"], took

    def asks(self, n):
        times = []
        for _ in range(n):
            begun = time.monotonic_ns()
            self.mux.status()
            times.append((time.monotonic_ns() - begun) / 1000)
        return times


def figures(what, us):
    us = sorted(us)
    at = lambda p: us[min(len(us) - 1, int(p * len(us)))]  # noqa: E731
    print(f"{what:34} {len(us):5}  p50 {at(.5):8.0f}  p99 {at(.99):8.0f}  max {us[-1]:8.0f} us",
        flush=True)


def series(crowd, n, stopped, took):
    """Into took, so that what was measured is told even when one goes wrong."""
    for i in range(n):
        took.append(crowd.revoke(i % len(crowd.places), stopped))
        if (i + 1) % SAY_EVERY == 0:
            print(f"bench-revoke: {i + 1} of {n}, reader blind each time", file=sys.stderr, flush=True)


def report(args, well, stopped, asked, most):
    print(f"\n{args.cameras} cameras of {SIZE} at {FPS} fps, {args.clients} clients; load "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for what, took in (("revoke", well), ("decoder stopped", stopped)):
        if took:
            figures(f"{what}, in the broker", [t[0] for t in took])
            figures(f"{what}, with framemuxctl", [t[1] for t in took])
    if asked:
        figures("framemuxctl status, to compare", asked)
    print(f"{len(well) + len(stopped)} readers, each found blind; the broker's own maximum: {most} us")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", required=True)
    p.add_argument("--revokes", type=int, default=100)
    p.add_argument("--stopped", type=int, default=20)
    p.add_argument("--cameras", type=int, default=8)
    p.add_argument("--clients", type=int, default=16)
    args = p.parse_args()
    harness.adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="framemux-programs-") as programs, \
            harness.Scene(os.path.abspath(args.build), programs) as scene:
        harness.stage_programs(args.build, programs)
        crowd = Crowd(scene, args.cameras, args.clients)
        for client in crowd.places:
            client.await_frames(3, PATIENCE_S)
        well, stopped, asked = [], [], []
        try:
            series(crowd, args.revokes, False, well)
            asked = crowd.asks(100)
            series(crowd, args.stopped, True, stopped)
        finally:
            report(args, well, stopped, asked, crowd.mux.status()["totals"]["revoke_us_max"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
