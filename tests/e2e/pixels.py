"""Pictures as bytes: cutting a dump into frames, comparing two of them. Standard library only."""
import hashlib
import math
import subprocess

import harness
from harness import check

FFMPEG = ("ffmpeg", "-v", "error", "-nostdin")


def psnr(a, b):
    """Over all bytes; infinite when nothing differs."""
    check(len(a) == len(b) and a, f"pictures of {len(a)} and {len(b)} bytes")
    if a == b:
        return math.inf
    error = sum((x - y) * (x - y) for x, y in zip(a, b)) / len(a)
    return 10 * math.log10(255 * 255 / error)


def hashes(client):
    """The MD5 of each frame of a dump whose frames are all of one size, without holding them."""
    count = len(client.meta())
    with open(client.frames_path, "rb") as f:
        size = f.seek(0, 2) // count if count else 0
        check(size and f.tell() == size * count, f"{client.name}: no whole frames")
        f.seek(0)
        return [hashlib.md5(f.read(size)).hexdigest() for _ in range(count)]


def decode(path, *options, before=()):
    """The bytes that ffmpeg makes of a file, one frame after another."""
    argv = [*FFMPEG, *before, "-i", path, *options, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    done = subprocess.run(argv, capture_output=True, timeout=120)
    check(done.returncode == 0, f"ffmpeg: {done.stderr.decode()}")
    return done.stdout


def encode(path, source, *options):
    """A clip of what lavfi or a file (source: its options) shows."""
    harness.run([*FFMPEG, *source, *options, "-y", path])
    return path


def cut(data, size):
    check(len(data) % size == 0, f"{len(data)} bytes are no frames of {size}")
    return [data[i:i + size] for i in range(0, len(data), size)]


def yuv420_bytes(width, height):
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def semi_planar(data):
    """NV12 of YUV420 whose sides are even."""
    luma, quarter = len(data) * 2 // 3, len(data) // 6
    chroma = bytearray(2 * quarter)
    chroma[0::2], chroma[1::2] = data[luma:luma + quarter], data[luma + quarter:]
    return data[:luma] + bytes(chroma)


def only_rgb(data, fourcc):
    """XRGB8888 without the byte that means nothing; everything else as it is."""
    if fourcc != "XRGB8888":
        return data
    return b"".join((data[0::4], data[1::4], data[2::4]))


def places(seqs, got, reference):
    """Where each frame stands in the reference going round, by seq; None when it does not fit."""
    n = len(reference)
    for k in range(n):
        at = [(k + s - seqs[0]) % n for s in seqs]
        if all(reference[i] == h for i, h in zip(at, got)):
            return at
    return None


def best_places(seqs, got, reference):
    """The same for frames that are not quite equal: (places, number exact) of the best start."""
    n = len(reference)
    best, most = [], -1
    for k in range(n):
        at = [(k + s - seqs[0]) % n for s in seqs]
        exact = sum(reference[i] == h for i, h in zip(at, got))
        if exact > most:
            best, most = at, exact
    return best, most
