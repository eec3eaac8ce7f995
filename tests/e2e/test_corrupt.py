"""Damaged streams, each beside a healthy camera: they harm nobody but their own picture.

The healthy one is a pattern camera: each of its frames says which it is. Its client misses none
while the damaged ones come and go, the mux and its broker stay the processes that they were, no pair
grows beyond its cap, and nothing is left behind.
"""
import glob
import os
import random

import harness
import pattern
import pixels
from harness import UID_A, UID_B, UNHURRIED_FPS, Skipped, check, until
from test_codecs import MJPEG, X264, X265, source
from test_frames import camera
from test_material import framemd5, is_full, material

RSS_CAP_KIB = 400 * 1024  # of a pair; the largest picture's decoder needs most of it
WIDTH, HEIGHT = 160, 112
AT_ONCE = 4
WATCH_S = 15  # for a damaged camera to show something, or to say why not
HEALTHY = camera("healthy", f"test:healthy?size={WIDTH}x{HEIGHT}&fps={UNHURRIED_FPS}")


class Bystander:
    """The healthy camera's client; ends by itself never, and is read at the end."""

    def __init__(self, mux):
        self.mux = mux
        self.pids = (mux.pid, *mux.roles("framemux-broker"))
        self.client = mux.dump("healthy", mux.grant("healthy", uid=UID_B), uid=UID_B,
            frames=1000000).takes_turns_first()
        self.client.await_frames(5)

    def check(self):
        """Every frame is the healthy camera's, in order, and none is missing."""
        seen = len(self.client.meta())
        self.client.await_frames(seen + 5)
        check((self.mux.pid, *self.mux.roles("framemux-broker")) == self.pids,
            "the mux or its broker is another process")
        self.client.signal(2)
        self.client.wait()
        meta = self.client.meta()
        self.client.check_missed_none()
        check({m["generation"] for m in meta} == {1}, "the healthy camera began anew")
        with open(self.client.frames_path, "rb") as f:
            for i, m in enumerate(meta):
                frame = f.read(pixels.yuv420_bytes(WIDTH, HEIGHT))
                value = pattern.read(frame, WIDTH)
                check(value is not None and value >> 10 == pattern.code("healthy", 0) >> 10
                    and frame == pattern.yuv420(value, WIDTH, HEIGHT), f"frame {m['seq']} is odd")
                if i == 0 or m["seq"] < meta[i - 1]["seq"]:  # the latter is another attach: a gap
                    first = value - m["seq"]
                check((value - m["seq"] - first) % 1024 == 0, f"frame {m['seq']} is another's")
        return len(meta)


def damaged_run(s, clips, transports=("file",), references=None):
    """Each clip by each transport; prints what became of it. clips: {name: path}."""
    before = set(os.listdir(s.dir))
    cases = [(f"{n}-{t}", n, t) for n in clips for t in transports]
    sent = [f"{n}=file:path={clips[n]},fps=25" for n in clips]
    port = s.camserver(*sent) if "tcp" in transports else 0
    mux = s.mux("linger = 0\n" + HEALTHY + "".join(camera(c,
        f"file://{clips[n]}" if t == "file" else f"rtsp://127.0.0.1:{port}/{n}")
        for c, n, t in cases))
    bystander = Bystander(mux)
    rows, most = [], 0
    for first in range(0, len(cases), AT_ONCE):
        group = cases[first:first + AT_ONCE]
        clients = [mux.dump(c, mux.grant(c, uid=UID_A), "--timeout", str(WATCH_S), uid=UID_A,
            frames=len((references or {}).get(n, range(20)))) for c, n, _ in group]
        largest = watch(mux, [name for name, _, _ in group], clients)
        for (name, clip, _), client in zip(group, clients):
            rss = largest[name]
            most = max(most, rss)
            rows.append(outcome(mux, name, client, (references or {}).get(clip), rss))
            check(rss < RSS_CAP_KIB, f"{name}: the pair has grown to {rss} KiB")
    healthy = bystander.check()
    print("".join(f"      {row}\n" for row in rows)
        + f"      {len(cases)} damaged streams, {healthy} healthy frames and none lost; the largest "
        f"pair {most} KiB", flush=True)
    left = set(os.listdir(s.dir)) - before
    left = {n for n in left if not n.endswith((".d", ".out", ".err", ".sock", ".kill", ".conf"))} - {"state"}
    check(not left, f"files left: {left}")


def watch(mux, names, clients):
    """Until their clients end or WATCH_S have passed; the most memory that was seen of each pair."""
    largest = dict.fromkeys(names, 0)

    def are_over():
        for c in mux.status()["cameras"]:
            if c["name"] in largest:
                largest[c["name"]] = max(largest[c["name"]], c["rss_kib"])
        return not any(c.running() for c in clients)
    try:
        until(are_over, "", WATCH_S + 5)
    except harness.Failed:
        for client in clients:
            client.signal(15)
            client.wait()
    return largest


def outcome(mux, name, client, reference, rss):
    status, meta = mux.camera(name), client.meta()
    concealed = sum(m["flags"] & 1 for m in meta)
    text = f"{name:34} {len(meta):3} frames, {concealed:3} concealed, {rss:6} KiB"
    if reference and meta and len({(m["width"], m["height"]) for m in meta}) == 1:
        _, exact = pixels.best_places([m["seq"] for m in meta], pixels.hashes(client), reference)
        text += f", {exact} of {len(meta)} as ffmpeg conceals"
    return text + (f"; {status['state']}: {status['reason']}" if not meta else "")


def flip(data, seed, ratio, spare):
    """Bits of data flipped at random, but for its first bytes; the same for one seed."""
    chance, out = random.Random(seed), bytearray(data)
    for _ in range(max(1, int(len(data) * 8 * ratio))):
        at = chance.randrange(spare, len(out))
        out[at] ^= 1 << chance.randrange(8)
    return bytes(out)


def broken(s, name, path, seed, ratio=.00004, spare=200):
    with open(path, "rb") as f:
        data = flip(f.read(), seed, ratio, spare)
    target = s.path(name + os.path.splitext(path)[1])
    with open(target, "wb") as f:
        f.write(data)
    return target


def test_flipped_bits(s):
    made = {
        "h264": pixels.encode(s.path("h.h264"), source(frames=40), *X264, "-pix_fmt", "yuv420p"),
        "h265": pixels.encode(s.path("h.h265"), source(frames=40), *X265, "-pix_fmt", "yuv420p"),
        "mjpeg": pixels.encode(s.path("h.mjpeg"), source(frames=40), *MJPEG, "-huffman", "default",
            "-pix_fmt", "yuvj420p"),
        "mpeg4": pixels.encode(s.path("h.m4v"), source(frames=40), "-c:v", "mpeg4", "-g", "8"),
    }
    seeds = range(1, 7 if is_full() else 2)
    clips = {f"{n}-s{k}": broken(s, f"{n}-s{k}", p, k) for n, p in made.items() for k in seeds}
    damaged_run(s, clips, ("file", "tcp"))


def test_flipped_bits_in_containers(s):
    """Where the file's own structure is hit as well."""
    made = {
        "mp4": pixels.encode(s.path("c.mp4"), source(frames=30), *X264, "-pix_fmt", "yuv420p"),
        "mkv": pixels.encode(s.path("c.mkv"), source(frames=30), *X265, "-pix_fmt", "yuv420p"),
        "av1": pixels.encode(s.path("c.ivf"), source(frames=10), "-c:v", "libaom-av1",
            "-cpu-used", "8"),
    }
    seeds = range(1, 7 if is_full() else 2)
    clips = {f"{n}-s{k}": broken(s, f"{n}-s{k}", p, k, .0001, 40)
        for n, p in made.items() for k in seeds}
    with open(made["mp4"], "rb") as f:
        whole = f.read()
    for name, data in (("half", whole[:len(whole) // 2]), ("empty", b""), ("zeros", bytes(5000)),
            ("noise", random.Random(1).randbytes(20000))):
        clips[name] = s.path(name + ".mp4")
        with open(clips[name], "wb") as f:
            f.write(data)
    damaged_run(s, clips)


def test_material_zzuf(s):
    folder = material()
    paths = sorted(p for p in glob.glob(os.path.join(folder, "corrupt-zzuf/*")) if "SOURCE" not in p)
    if not paths:
        raise Skipped(f"no corrupt-zzuf in {folder}")
    clips = {os.path.basename(p).split(".")[0]: p for p in paths}
    references = {n: framemd5(folder, p) for n, p in clips.items()}
    damaged_run(s, clips, ("file",), references)


def test_material_zzuf_over_rtsp(s):
    folder = material()
    paths = sorted(glob.glob(os.path.join(folder, "corrupt-zzuf/*.[hm]*")))
    if not paths:
        raise Skipped(f"no corrupt-zzuf in {folder}")
    damaged_run(s, {os.path.basename(p).split(".")[0]: p for p in paths}, ("tcp",))


def test_material_jpegs(s):
    """JPEGs that broke decoders, each as a still and all of them as one stream."""
    folder = material()
    paths = sorted(glob.glob(os.path.join(folder, "corrupt-jpeg/**/*.jpg"), recursive=True))
    if not paths:
        raise Skipped(f"no corrupt-jpeg in {folder}")
    clips, data = {}, b""
    for i, p in enumerate(paths):
        with open(p, "rb") as f:
            content = f.read()
        data += content
        clips[f"still{i}"] = s.path(f"still{i}.jpg")  # a colon in a name is no path for a file URL
        with open(clips[f"still{i}"], "wb") as f:
            f.write(content)
    clips["stream"] = s.path("stream.mjpeg")
    with open(clips["stream"], "wb") as f:
        f.write(data * 10)
    damaged_run(s, clips)


def test_material_rtp(s):
    """Payloads that broke RTP depacketisers, as the slices of an H.264 stream."""
    folder = material()
    paths = sorted(glob.glob(os.path.join(folder, "fuzz-rtp/**/*.bin"), recursive=True))
    if not paths:
        raise Skipped(f"no fuzz-rtp in {folder}")
    clip = pixels.encode(s.path("k.h264"), source(frames=20), *X264, "-pix_fmt", "yuv420p")
    with open(clip, "rb") as f:
        data = f.read()
    for p in paths:
        with open(p, "rb") as f:
            content = f.read()
        data += b"\0\0\0\1" + content + b"\0\0\0\1\x65" + content
    path = s.path("payloads.h264")
    with open(path, "wb") as f:
        f.write(data)
    damaged_run(s, {"payloads": path}, ("file", "tcp"))
