"""REDTEAM 50: reloads that reorder, rename, remove and re-home cameras at random moments, while clients
join, cameras connect and pairs are born. Every frame that anybody gets is of the camera that his token
was made for: of a pattern camera by its pixels, of a network camera by the source that it had then."""
import json
import os
import random
import select
import subprocess

import harness
import pattern
import table
from harness import UID_A, UID_B, check, fds_of, until
from test_frames import camera
from test_reload import configure, exact, painted

RELOADS = 32
CLIENTS = 4  # at a time
NAMES = [f"p{i}" for i in range(6)]
HOMES = {"dark": 40, "middle": 120, "bright": 200}  # luma of the sources that cameras move between
ROAMERS = ("cam1", "cam2")
SIZE = (160, 128)


class Storm:
    def __init__(self, s, seed):
        self.s, self.random = s, random.Random(seed)
        specs = []
        for home, luma in HOMES.items():
            clip = harness.make_clip(s.path(home + ".h264"), "-c:v", "libx264", "-preset", "ultrafast",
                "-tune", "zerolatency", "-g", "10", frames=30, source="color",
                size=f"{SIZE[0]}x{SIZE[1]}:color=0x{luma:02x}{luma:02x}{luma:02x}")
            specs.append(f"{home}=file:path={clip},fps=30")
        self.port = s.camserver(*specs)
        self.running, self.over = [], []
        self.homes, self.minted = {}, {}
        self.mux = s.mux(self.config())
        self.tokens = self.mint()

    def config(self):
        """Another one: some cameras, in any order, with any sources, no two the same."""
        r = self.random
        names = r.sample(NAMES, r.randint(3, len(NAMES)))
        labels = r.sample(NAMES, len(names))  # a source of its own for each, another one now and then
        if r.random() < 0.6:
            labels = names
        parts = [painted(n, r.choice(("", '\tstandby = "warm"\n')), l, fps=30)
            for n, l in zip(names, labels)]
        self.homes = dict(zip(r.sample(ROAMERS, r.randint(1, 2)), r.sample(sorted(HOMES), 2)))
        parts += [camera(n, f"rtsp://127.0.0.1:{self.port}/{h}", '\tfingerprint = "off"\n')
            for n, h in self.homes.items()]
        r.shuffle(parts)
        return "linger = 0\n" + "".join(parts)

    def mint(self):
        """[(camera, token, what its frames must show)] of the cameras as they are now."""
        made = {}
        for c in self.mux.status()["cameras"]:
            key = c["name"], c["epoch"]
            made[key] = self.minted.get(key)
            if not made[key]:
                uid = self.random.choice((UID_A, UID_B))
                made[key] = (c["name"], self.mux.grant(c["name"], uid=uid), uid,
                    self.homes.get(c["name"]))
        self.minted.update(made)
        return list(made.values())

    def join(self):
        for entry in [e for e in self.running if not e[0].running()]:
            self.running.remove(entry)
            self.over.append(entry)
            self.s.processes.remove(entry[0])  # hundreds: their words would bury the others'
        while len(self.running) < CLIENTS:
            name, token, uid, home = self.random.choice(self.tokens)
            client = self.mux.dump(name, token, "--timeout", "60", uid=uid,
                frames=self.random.randint(1, 30))
            self.running.append((client, name, home))

    def reload(self):
        tokens = self.tokens
        configure(self.mux, self.config())
        argv = [self.s.program("framemuxctl"), "-s", self.mux.control, "--json", "reload"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env=self.s.env()) as ctl:
            for _ in range(3):  # clients with the tokens of before come in the midst of it
                self.join()
                select.select([], [], [], self.random.random() * 0.05)
            out, err = ctl.communicate(timeout=60)
        check(ctl.returncode == 0, f"reload: {ctl.returncode} {err}")
        self.tokens = self.mint()
        stale = [t for t in tokens if t[0] not in {n[0] for n in self.tokens}]
        if stale:
            self.tokens.append(self.random.choice(stale))  # some keep knocking with a dead one
        return len(json.loads(out)["changes"])

    def judge(self):
        """How many frames of how many clients were looked at."""
        frames = served = 0
        for client, name, home in self.over:
            check(client.popen.returncode in (0, 69, 77), f"{client.name}: {client.popen.returncode}"
                f" {client.err()}")
            check(not any(m in client.err() for m in harness.SANITIZER_MARKS), client.err())
            if not os.path.exists(client.frames_path):
                continue
            n = exact(client, name) if home is None else self.of_home(client, home)
            frames += n
            served += n > 0
        return frames, served

    def of_home(self, client, home):
        size = len(pattern.yuv420(0, *SIZE))
        with open(client.frames_path, "rb") as f:
            data = f.read()
        for at in range(0, len(data) - size + 1, size):
            luma = data[at:at + SIZE[0] * SIZE[1]]
            mean = sum(luma) / len(luma)
            nearest = min(HOMES, key=lambda h: abs(16 + HOMES[h] * 219 / 255 - mean))
            check(nearest == home, f"{client.name}: of {nearest} (luma {mean:.0f}), not of {home}")
        return len(data) // size


@table.row(50, "reloads that reorder, rename, remove, re-home cameras in a storm",
    "no camera under another's id; old tokens refused")
def test_reloads_in_a_storm(s):
    seed = int(os.environ.get("STORM_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"      STORM_SEED={seed}", flush=True)
    storm = Storm(s, seed)
    mux = storm.mux
    broker = mux.roles("framemux-broker")
    first = configure_quiet(mux)
    changes = 0
    for _ in range(RELOADS):
        storm.join()
        select.select([], [], [], storm.random.random() * 0.3)
        changes += storm.reload()
    check(mux.roles("framemux-broker") == broker, f"the broker did not live through it:\n{mux.log()}")
    configure_quiet(mux)
    for client, _, _ in storm.running:
        client.wait()
    storm.over += storm.running
    frames, served = storm.judge()
    print(f"      {RELOADS} reloads, {changes} changes, {len(storm.over)} clients, {served} of them got "
        f"{frames} frames", flush=True)
    check(served > RELOADS / 2, "hardly anybody was served: it shows nothing")
    totals = mux.status()["totals"]
    check(totals["provenance_failures"] == 0 and "PROVENANCE" not in mux.log(), f"{totals}")
    if first is not None:  # what the last client had mapped is held until it is seen to be gone
        until(lambda: descriptors(mux) == first, f"framemuxd's and the broker's {first} descriptors again")
    return f"{RELOADS} reloads, {changes} changes: {frames} frames of {served} clients, all their own"


def descriptors(mux):
    return [len(fds_of(p)) for p in (mux.pid, *mux.roles("framemux-broker"))]


def configure_quiet(mux):
    """One idle camera: what framemuxd and the broker hold then (as root; else None)."""
    configure(mux, painted("p0"))
    mux.ctl("reload")
    until(lambda: not mux.camera("p0")["pids"] and not mux.status()["leases"], "quiet")
    try:
        until(lambda: descriptors(mux) == descriptors(mux), "the last connection's end")
        return descriptors(mux)
    except harness.Skipped:
        return None
