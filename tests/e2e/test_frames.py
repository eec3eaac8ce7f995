"""The right pixels: what a client gets is what the camera sent, bit for bit, in order."""
import hashlib
import struct
import zlib

import harness
import pattern
from harness import UID_A, UID_B, check


def camera(name, url, more=""):
    return f'camera "{name}" {{\n\turl = "{url}"\n{more}}}\n'


def expect_sequence(client, reference, what):
    """The client's frames are the reference, going round, each at the place its seq says."""
    got = [hashlib.md5(f).hexdigest() for f in client.frames()]
    seqs = [m["seq"] for m in client.meta()]
    generations = {m["generation"] for m in client.meta()}
    check(len(generations) == 1, f"{what}: generations {generations}")
    n = len(reference)
    starts = [k for k in range(n)
        if all(reference[(k + s - seqs[0]) % n] == h for s, h in zip(seqs, got))]
    if not starts:
        odd = [i for i, h in enumerate(got) if h not in set(reference)]
        raise harness.Failed(f"{what}: not the reference's frames in order ({len(odd)} of "
            f"{len(got)} are not in it at all, the first at {odd[:3]}; seq {seqs[:5]}...)")


def test_pattern_camera_bit_for_bit(s):
    width, height = 328, 250  # neither is whole blocks
    mux = s.mux(camera("porch", f"test:porch?size={width}x{height}&fps=30")
        + camera("garden", "test:garden?size=321x241&fps=25"))
    porch = mux.dump("porch", mux.grant("porch", uid=UID_A), uid=UID_A, frames=40)
    garden = mux.dump("garden", mux.grant("garden", uid=UID_B), uid=UID_B, frames=20)
    for client, name, w, h in ((porch, "porch", width, height), (garden, "garden", 321, 241)):
        client.expect(0)
        seen = []
        for frame, meta in zip(client.frames(), client.meta()):
            value = pattern.read(frame, w)
            check(value is not None and value >> 10 == pattern.code(name, 0) >> 10,
                f"{name}: a frame says {value}")
            check(frame == pattern.yuv420(value, w, h), f"{name}: frame {value & 1023} differs")
            seen.append(((value & 1023) - meta["seq"]) % 1024)
            check((meta["camera"], meta["width"], meta["height"]) == (name, w, h), f"{meta}")
            check(meta["verified"] and meta["fourcc"] == "YU12", f"{meta}")
        check(len(set(seen)) == 1, f"{name}: frame numbers do not go with seq: {seen}")


def live(s, codec, reference_options=(), camera_options="", size="640x360"):
    """A file-fed live camera of codec, dumped as raw, against ffmpeg's decode of that file."""
    endings = {"h264": "h264", "h265": "h265", "mjpeg": "mjpeg"}
    encoders = {
        "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30",
            "-x264-params", "slices=1:threads=1" if "parameters" not in camera_options
            else "slices=4:threads=1"],
        "h265": ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params",
            "keyint=30:log-level=error"],
        "mjpeg": ["-c:v", "mjpeg", "-huffman", "default", "-q:v", "4", "-pix_fmt", "yuvj420p"],
    }
    clip = harness.make_clip(s.path("clip." + endings[codec]), *encoders[codec], size=size)
    reference = harness.frame_hashes(clip, *reference_options)
    check(len(reference) == 60, f"the clip has {len(reference)} frames")
    port = s.camserver(f"cam=file:path={clip},fps=30{camera_options}")
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    token = mux.grant("cam", uid=UID_A)
    client = mux.dump("cam", token, uid=UID_A, frames=90)
    client.expect(0)
    expect_sequence(client, reference, codec)
    reported = mux.camera("cam")
    check(reported["codec"] == codec and reported["state"] == "live", f"{reported}")
    return mux, token, reference


def test_live_h264_equals_ffmpeg(s):
    mux, token, reference = live(s, "h264")
    # y4m is the same pixels in another wrapping.
    client = mux.dump("cam", token, "--verify", "full", uid=UID_A, frames=10, form="y4m")
    client.expect(0)
    with open(client.frames_path, "rb") as f:
        head = f.readline()
        check(head.startswith(b"YUV4MPEG2 ") and b" W640 H360" in head, f"y4m head {head}")
        for _ in range(10):
            check(f.readline().startswith(b"FRAME"), "y4m: no FRAME line")
            check(hashlib.md5(f.read(640 * 360 * 3 // 2)).hexdigest() in reference, "y4m differs")
        check(not f.read(1), "y4m: bytes after the last frame")


def test_live_h264_parameter_sets_between_slices(s):
    live(s, "h264", camera_options=",parameters")


def test_live_h264_of_odd_size(s):
    live(s, "h264", size="322x182")


def test_live_h265_equals_ffmpeg(s):
    live(s, "h265")


def test_live_mjpeg_equals_ffmpeg(s):
    live(s, "mjpeg")


def read_png(path):
    """(width, height, rows of RGB bytes) of an 8-bit RGB or RGBA picture."""
    with open(path, "rb") as f:
        data = f.read()
    check(data[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG")
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    check(depth == 8 and color in (2, 6), f"{path}: depth {depth}, colour type {color}")
    n = 3 if color == 2 else 4
    raw, rows, last = zlib.decompress(packed), [], bytes(width * n)
    for y in range(height):
        line = raw[y * (width * n + 1):(y + 1) * (width * n + 1)]
        last = unfilter(line[0], bytearray(line[1:]), last, n)
        rows.append(b"".join(last[i:i + 3] for i in range(0, len(last), n)))
    return width, height, rows


def unfilter(kind, line, above, n):
    for i in range(len(line)):
        left = line[i - n] if i >= n else 0
        corner = above[i - n] if i >= n else 0
        if kind == 1:
            add = left
        elif kind == 2:
            add = above[i]
        elif kind == 3:
            add = (left + above[i]) // 2
        elif kind == 4:
            p = left + above[i] - corner
            add = min((abs(p - left), 0, left), (abs(p - above[i]), 1, above[i]),
                (abs(p - corner), 2, corner))[2]
        else:
            add = 0
        line[i] = (line[i] + add) & 255
    return bytes(line)


def test_forms_and_sizes(s):
    """png, ppm, a given size, a limited size, NV12, and the frame rate."""
    mux = s.mux(camera("porch", "test:porch?size=320x240&fps=30"))
    token = mux.grant("porch", uid=UID_A)
    png = mux.dump("porch", token, uid=UID_A, form="png")
    ppm = mux.dump("porch", token, uid=UID_A, form="ppm")
    half = mux.dump("porch", token, "--size", "160x120", uid=UID_A)
    nv12 = mux.dump("porch", token, "--fourcc", "NV12", uid=UID_A)
    slow = mux.dump("porch", token, "--fps", "5", uid=UID_A, frames=6)
    for client in (png, ppm, half, nv12, slow):
        client.expect(0)
    width, height, rows = read_png(png.frames_path)
    check((width, height) == (320, 240), f"png of {width}x{height}")
    greens = b"".join(row[1::3] for row in rows)
    bits = pattern.code("porch", 0) >> 10
    check(pattern.read(greens, 320) >> 10 == bits, "png shows another camera")
    with open(ppm.frames_path, "rb") as f:
        data = f.read()
    check(data.startswith(b"P6\n320 240\n255\n") and len(data) == 15 + 320 * 240 * 3, "ppm is odd")
    check(pattern.read(data[15 + 1::3], 320) >> 10 == bits, "ppm shows another camera")
    frame = half.frames()[0]
    check(len(frame) == 160 * 120 * 3 // 2, f"half size is {len(frame)} bytes")
    check(pattern.read(frame, 160, cell=2) >> 10 == bits, "half size cannot be read")
    check(nv12.frames()[0][320 * 240:] == bytes([128]) * (320 * 120), "NV12 chroma is not grey")
    times = [m["publish_ns"] for m in slow.meta()]
    rate = (len(times) - 1) * 1e9 / (times[-1] - times[0])
    check(rate < 5.6, f"5 frames a second were {rate:.1f}")


def test_limits_hold_in_the_pixels(s):
    """A token's size and rate bound what is delivered, whatever is asked for."""
    mux = s.mux(camera("porch", "test:porch?size=320x240&fps=30"))
    token = mux.grant("porch", "--max-size", "200x200", "--max-fps", "5", uid=UID_A)
    own = mux.dump("porch", token, uid=UID_A, frames=6)
    more = mux.dump("porch", token, "--size", "320x240", uid=UID_A)
    fast = mux.dump("porch", token, "--fps", "30", uid=UID_A, frames=6)
    own.expect(0)
    more.expect(77)
    fast.expect(0)
    meta = own.meta()[0]
    check((meta["width"], meta["height"]) == (200, 150), f"fitted to {meta}")
    for client in (own, fast):
        times = [m["publish_ns"] for m in client.meta()]
        rate = (len(times) - 1) * 1e9 / (times[-1] - times[0])
        check(rate < 5.6, f"at most 5 frames a second were {rate:.1f}")


def test_masks_are_black(s):
    """The camera's own mask and a capability's are black in what is delivered."""
    mux = s.mux(camera("porch", "test:porch?size=320x240&fps=30", '\tmask = { "0,0,64x32" }\n'))
    client = mux.dump("porch", mux.grant("porch", "--mask", "160,120,32x16", uid=UID_A), uid=UID_A)
    client.expect(0)
    frame = client.frames()[0]
    want = bytearray(pattern.yuv420(pattern.read(frame, 320, 304, 224), 320, 240))
    for x, y, w, h in ((0, 0, 64, 32), (160, 120, 32, 16)):
        for row in range(y, y + h):
            want[row * 320 + x:row * 320 + x + w] = bytes([16]) * w
    check(frame == bytes(want), "masks are not black, or more than they are")
