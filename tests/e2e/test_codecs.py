"""Every codec and form of picture: the right pixels, shape and colour; and what changes in mid-stream.

The clips are made here, small, by ffmpeg; its own decode of them is what is compared with.
"""
import hashlib
import math
import os
import re

import harness
import pixels
from harness import UID_A, check
from test_frames import camera

PSNR_MIN = 47  # a right conversion is above, a mix-up below
PSNR_ODD = 40  # of odd sizes: libyuv and swscale halve the chroma of 161 columns differently
FRAMES = 8
BT601, BT709, BT2020 = "BT.601", "BT.709", "BT.2020"
LIMITED, FULL = "limited", "full"
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "4")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=4")
AV1 = ("-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "30", "-g", "4")
MJPEG = ("-c:v", "mjpeg", "-q:v", "3", "-strict", "-1")
SCALE = ("-sws_flags", "area+accurate_rnd+full_chroma_int")


def source(size="160x120", kind="testsrc2", frames=FRAMES):
    return ("-f", "lavfi", "-i", f"{kind}=size={size}:rate=25", "-frames:v", str(frames))


# (name, ending, size, pixel format, encoder, whether each byte is ffmpeg's)
FORMS = (
    ("h264-420", "h264", "162x122", "yuv420p", X264, True),
    ("h264-422", "h264", "162x122", "yuv422p", X264, False),
    ("h264-444", "h264", "161x121", "yuv444p", X264, False),
    ("h264-grey", "h264", "162x122", "gray", X264, True),
    ("h264-full", "h264", "160x120", "yuvj420p", X264, True),
    ("h264-interlaced", "h264", "160x128", "yuv420p", X264 + ("-flags", "+ildct+ilme"), True),
    ("h264-10", "h264", "162x122", "yuv420p10le", X264, False),
    ("h264-422-10", "mp4", "162x122", "yuv422p10le", X264, False),
    ("h265-420", "h265", "162x122", "yuv420p", X265, True),
    ("h265-10", "h265", "162x122", "yuv420p10le", X265, False),
    ("h265-12", "h265", "162x122", "yuv420p12le", X265, False),
    ("h265-422-10", "mp4", "162x122", "yuv422p10le", X265, False),
    ("h265-444", "h265", "161x121", "yuv444p", X265, False),
    ("mjpeg-420", "mjpeg", "162x122", "yuvj420p", MJPEG, True),
    ("mjpeg-422", "mjpeg", "162x122", "yuvj422p", MJPEG, False),
    ("mjpeg-444", "mjpeg", "161x121", "yuvj444p", MJPEG, False),
    ("mjpeg-limited", "mjpeg", "160x120", "yuv420p", MJPEG, True),
    ("mpeg4", "mp4", "162x122", "yuv420p", ("-c:v", "mpeg4", "-g", "4"), True),
    ("mpeg4-b", "mp4", "162x122", "yuv420p", ("-c:v", "mpeg4", "-bf", "2"), True),
    ("mpeg4-raw", "m4v", "162x122", "yuv420p", ("-c:v", "mpeg4", "-g", "4"), True),
    ("av1-mp4", "mp4", "162x122", "yuv420p", AV1, True),
    ("av1-obu", "obu", "160x120", "yuv420p", AV1, True),
    ("av1-10", "ivf", "162x122", "yuv420p10le", AV1, False),
)


def make(s, name, ending, size, pixel_format, encoder, *more):
    width, height = (int(n) for n in size.split("x"))  # the source itself is of even sizes
    shape = f"format={pixel_format},crop={width}:{height}:0:0:exact=1"
    return pixels.encode(s.path(f"{name}.{ending}"), source(f"{width + 1}x{height + 1}"), "-vf",
        shape, "-pix_fmt", pixel_format, *encoder, *more)


def compare(client, clip, exact):
    """The least PSNR of a dump's frames against the clip's, placed by seq."""
    frames, seqs = client.frames(), [m["seq"] for m in client.meta()]
    data = pixels.decode(clip, "-map", "0:v:0", *SCALE, "-pix_fmt",
        "yuvj420p" if client.meta()[0]["color_range"] == FULL else "yuv420p")
    reference = pixels.cut(data, len(frames[0]))
    n = len(reference)
    start = max(range(n), key=lambda k: pixels.psnr(frames[0], reference[k]))
    least = min(pixels.psnr(f, reference[(start + q - seqs[0]) % n]) for q, f in zip(seqs, frames))
    if exact:
        check(math.isinf(least), f"not bit for bit: {least:.1f} dB")
    odd = client.meta()[0]["width"] % 2
    check(least >= (PSNR_ODD if odd else PSNR_MIN), f"{least:.1f} dB")
    return least


def test_file_with_a_date(s):
    """What it means is not looked up: there is nothing that ingest may open."""
    clip = pixels.encode(s.path("dated.mp4"), source(), *X264, "-pix_fmt", "yuv420p", "-metadata",
        "creation_time=2020-01-31T12:00:00Z")
    mux = s.mux(camera("cam", "file://" + clip))
    mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=FRAMES).expect(0)


def test_every_form_of_picture(s):
    rows, problems = [], []
    clips = {f[0]: make(s, *f[:5]) for f in FORMS}
    mux = s.mux("linger = 0\n" + "".join(camera(n, "file://" + c) for n, c in clips.items()))
    for first in range(0, len(FORMS), 6):
        group = FORMS[first:first + 6]
        clients = [mux.dump(f[0], mux.grant(f[0], uid=UID_A), uid=UID_A, frames=FRAMES)
            for f in group]
        for (name, _, size, pixel_format, _, exact), client in zip(group, clients):
            try:
                client.expect(0)
                meta = client.meta()[0]
                check(f"{meta['width']}x{meta['height']}" == size, f"{meta}")
                full = pixel_format.startswith("yuvj") or pixel_format == "gray"
                check(meta["color_range"] == (FULL if full else LIMITED), f"{meta}")
                check(all(m["flags"] == 0 for m in client.meta()), "concealed frames")
                rows.append(f"{name:16} {pixel_format:12} {compare(client, clips[name], exact):.1f}")
            except harness.Failed as e:
                problems.append(f"{name}: {e}")
    print("".join(f"      {row} dB\n" for row in rows), end="", flush=True)
    check(not problems, "\n".join(problems))


def test_mpeg4_over_rtp(s):
    """With its headers in the description and in the stream."""
    clip = pixels.encode(s.path("clip.mp4"), source("320x240", frames=30), "-c:v", "mpeg4", "-g",
        "10", "-q:v", "3")
    port = s.camserver(f"cam=file:path={clip},fps=25")
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=50)
    client.expect(0)
    check(pixels.places([m["seq"] for m in client.meta()], pixels.hashes(client),
        harness.frame_hashes(clip)) is not None, "not the clip's frames in order")
    check(mux.camera("cam")["codec"] == "mpeg4", f"{mux.camera('cam')}")


# --- colour ---

MATRICES = (("smpte170m", BT601), ("bt709", BT709), ("bt2020nc", BT2020))
SWS_NAME = {"smpte170m": "smpte170m", "bt709": "bt709", "bt2020nc": "bt2020"}
FOURCCS = (("XRGB8888", "bgr0"), ("RGB565", "rgb565le"), ("YUV420", ""), ("NV12", ""))
# Chroma is repeated, not smoothed, as libyuv does it: what is compared is matrix and range.
TO_RGB = "neighbor+accurate_rnd+full_chroma_int+bitexact"


def colour_clip(s, name, matrix, value_range):
    scale = f"scale=out_color_matrix={SWS_NAME[matrix]}:out_range={value_range}:flags={TO_RGB}"
    return pixels.encode(s.path(name + ".h264"), source("160x120", "smptebars", 2), "-vf",
        f"{scale},format=yuv420p", *X264, "-qp", "4", "-colorspace", matrix, "-color_range",
        value_range)


def widened_565(data):
    """RGB565 as three planes of the bits' places: what is compared are colours, not bytes."""
    pairs = list(zip(data[0::2], data[1::2]))
    return bytes(b & 0xf8 for _, b in pairs) + bytes((b & 7) << 5 | (a & 0xe0) >> 3
        for a, b in pairs) + bytes((a & 0x1f) << 3 for a, _ in pairs)


def as_colours(data, fourcc):
    return widened_565(data) if fourcc == "RGB565" else pixels.only_rgb(data, fourcc)


def test_colour_in_every_format(s):
    kinds = [(m, e, r) for m, e in MATRICES for r in ("tv", "pc")]
    clips = {f"{m}-{r}": colour_clip(s, f"{m}-{r}", m, r) for m, _, r in kinds}
    mux = s.mux("".join(camera(n, "file://" + c) for n, c in clips.items()))
    rows, problems = [], []
    for matrix, encoding, value_range in kinds:
        name = f"{matrix}-{value_range}"
        token = mux.grant(name, uid=UID_A)
        clients = [mux.dump(name, token, "--fourcc", f, uid=UID_A) for f, _ in FOURCCS]
        values = []
        for (fourcc, pixel_format), client in zip(FOURCCS, clients):
            client.expect(0)
            meta = client.meta()[0]
            check((meta["color_encoding"], meta["color_range"])
                == (encoding, FULL if value_range == "pc" else LIMITED), f"{name}: {meta}")
            scale = (f"scale=in_color_matrix={SWS_NAME[matrix]}:in_range={value_range}"
                f":flags={TO_RGB}:sws_dither=none")
            if fourcc in ("YUV420", "NV12"):  # as the pictures are
                want = pixels.decode(clips[name], "-frames:v", "1", "-pix_fmt",
                    "yuv420p" if value_range == "tv" else "yuvj420p")
                want = pixels.semi_planar(want) if fourcc == "NV12" else want
            else:
                want = pixels.decode(clips[name], "-vf", scale, "-frames:v", "1", "-pix_fmt",
                    pixel_format)
            got = client.frames()[0]
            values.append(pixels.psnr(as_colours(got, fourcc), as_colours(want, fourcc)))
            if fourcc == "XRGB8888":
                check(set(got[3::4]) == {255}, f"{name}: the X byte is not 255")
            least = 36 if fourcc == "RGB565" else PSNR_MIN  # 5 bits: a step of 8
            if values[-1] < least:
                problems.append(f"{name} {fourcc}: {values[-1]:.1f} dB")
        rows.append(f"{name:14}" + "".join(f" {f} {v:6.1f}" for (f, _), v in zip(FOURCCS, values)))
    print("".join(f"      {row} dB\n" for row in rows), end="", flush=True)
    check(not problems, "\n".join(problems))


def test_shape_and_colour_of_the_container(s):
    """What only the file says holds where the pictures are silent; what they say goes first."""
    silent = "h264_metadata=matrix_coefficients=2:colour_primaries=2:transfer_characteristics=2"
    bt2020 = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "bt709")
    matrix = pixels.encode(s.path("matrix.mp4"), source(), *X264, *bt2020, "-bsf:v", silent,
        "-movflags", "+write_colr")
    plain = pixels.encode(s.path("plain.mp4"), source(), "-vf", "setsar=0", *X264)
    aspect = pixels.encode(s.path("aspect.mp4"), ("-i", plain), "-c", "copy", "-aspect", "16:9")
    own = pixels.encode(s.path("own.h264"), source(), *X264, "-vf", "setsar=12/11", "-colorspace",
        "bt709", "-color_range", "pc")
    rows = (("matrix", matrix, "1:1", BT2020, LIMITED), ("aspect", aspect, "4:3", BT601, LIMITED),
        ("own", own, "12:11", BT709, FULL))
    mux = s.mux("".join(camera(n, "file://" + c) for n, c, *_ in rows))
    for name, _, sar, encoding, value_range in rows:
        client = mux.dump(name, mux.grant(name, uid=UID_A), uid=UID_A)
        client.expect(0)
        meta = client.meta()[0]
        check((meta["sar"], meta["color_encoding"], meta["color_range"])
            == (sar, encoding, value_range), f"{name}: {meta}")


# --- joining ---

H265_CRA, H265_PARAMETERS, H265_AUD = 21, (32, 33, 34), 35


def nal_units(data):
    """[(type byte, bytes with the start code)] of an Annex-B stream."""
    at = [m.start() for m in re.finditer(rb"\x00?\x00\x00\x01", data)] + [len(data)]
    units = [data[a:b] for a, b in zip(at, at[1:])]
    return [(u[4] if u[2] == 0 else u[3], u) for u in units]


def test_joined_at_an_open_gop(s):
    """H.265 from its second CRA picture on: what leads it and cannot be decoded is not shown."""
    clip = pixels.encode(s.path("whole.h265"), source(frames=30), "-pix_fmt", "yuv420p", "-c:v",
        "libx265", "-preset", "fast", "-x265-params",
        "log-level=error:keyint=10:min-keyint=10:scenecut=0:open-gop=1:bframes=3:b-adapt=0")
    reference = harness.frame_hashes(clip)
    with open(clip, "rb") as f:
        units = [(kind >> 1 & 63, u) for kind, u in nal_units(f.read())]
    cra = [i for i, (kind, _) in enumerate(units) if kind == H265_CRA]
    check(len(cra) >= 2 and len(reference) == 30, f"CRA pictures at {cra}")
    joined = s.path("joined.h265")
    with open(joined, "wb") as f:
        for kind, u in units[:cra[0]]:
            if kind in H265_PARAMETERS:
                f.write(u)
        for _, u in units[cra[1]:]:
            f.write(u)
    leading = sum(kind in (8, 9) for kind, _ in units[cra[1]:cra[1] + 6])
    check(leading, "the CRA picture has no leading pictures that are skipped")
    mux = s.mux(camera("cam", "file://" + joined))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=24)
    client.expect(0)
    got = pixels.hashes(client)
    odd = [i for i, h in enumerate(got) if h not in reference]
    check(not odd, f"frames {odd} are none of the clip's")
    check(all(m["flags"] == 0 for m in client.meta()), "concealed frames")
    shown = sorted({reference.index(h) for h in got})
    check(len(shown) > 4 and shown[0] >= 10, f"shown: {shown}")


def test_joined_during_gradual_refresh(s):
    """H.264 without key pictures: nothing is shown as whole before the refresh is through."""
    clip = pixels.encode(s.path("whole.h264"), source(frames=50), "-pix_fmt", "yuv420p", "-c:v",
        "libx264", "-x264-params",
        "keyint=10:intra-refresh=1:bframes=0:scenecut=0:threads=1:sliced-threads=0")
    reference = harness.frame_hashes(clip)
    with open(clip, "rb") as f:
        units = [(kind & 31, u) for kind, u in nal_units(f.read())]
    slices = [i for i, (kind, _) in enumerate(units) if kind in (1, 5)]
    joined = s.path("joined.h264")
    with open(joined, "wb") as f:
        for kind, u in units[:slices[0]]:
            if kind in (7, 8):
                f.write(u)
        for _, u in units[slices[4] + 1:]:  # in the middle of a refresh
            f.write(u)
    mux = s.mux(camera("cam", "file://" + joined))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=40)
    client.expect(0)
    whole = [h for h, m in zip(pixels.hashes(client), client.meta()) if not m["flags"] & 1]
    check(whole, "no whole frame")
    odd = [i for i, h in enumerate(whole) if h not in reference]
    check(not odd, f"frames {odd[:5]} of {len(whole)} are none of the clip's and not marked")
    print(f"      {len(whole)} whole frames of 40", flush=True)


# --- what changes in mid-stream ---

def each_by_meta(client):
    """[(meta, MD5)] of a dump with a file for each frame."""
    rows, folder = [], os.path.dirname(client.frames_path)
    names = sorted(n for n in os.listdir(folder) if n.endswith(".raw"))
    check(len(names) == len(client.meta()), f"{len(names)} files for {len(client.meta())} frames")
    for name, meta in zip(names, client.meta()):
        with open(os.path.join(folder, name), "rb") as f:
            frame = f.read()
        check(len(frame) == pixels.yuv420_bytes(meta["width"], meta["height"]), f"{name}: {meta}")
        rows.append((meta, hashlib.md5(frame).hexdigest()))
    return rows


def changing(s, codec):
    """(path of one stream that changes, [(width, height, encoding, range, sar, hashes)])."""
    rows, data = [], b""
    h26x = X264 if codec == "h264" else X265
    more = ("-x264-params", "repeat-headers=1") if codec == "h264" else ()
    # Each says its colour: libavcodec keeps H.264's where the next one says nothing.
    sd, hd = (("-pix_fmt", "yuv420p", "-colorspace", matrix, "-color_primaries", matrix,
        "-color_trc", matrix, "-color_range", r) for matrix, r in (("smpte170m", "tv"),
        ("bt709", "pc")))
    kinds = [("160x120", sd, BT601, LIMITED, "1:1"),
        ("320x240", (*sd, "-vf", "setsar=4/3"), BT601, LIMITED, "4:3"),
        ("320x240", hd, BT709, FULL, "1:1")]
    if codec == "mjpeg":
        h26x, more = ("-c:v", "mjpeg", "-huffman", "default", "-q:v", "3"), ()
        kinds = [("160x120", ("-pix_fmt", "yuvj420p"), BT601, FULL, "1:1"),
            ("320x240", ("-pix_fmt", "yuvj420p"), BT601, FULL, "1:1"),
            ("256x128", ("-pix_fmt", "yuvj420p"), BT601, FULL, "1:1")]
    for i, (size, options, *what) in enumerate(kinds):
        part = pixels.encode(s.path(f"part{i}.{codec}"), source(size, frames=40), *options, *h26x,
            *more)
        with open(part, "rb") as f:
            data += f.read()
        rows.append((*(int(n) for n in size.split("x")), *what, harness.frame_hashes(part)))
    path = s.path("changing." + codec)
    with open(path, "wb") as f:
        f.write(data)
    return path, rows


def watch_changes(s, url, rows):
    """A client at the camera's own size sees each form whole, one of a fixed size keeps its ring."""
    mux = s.mux(camera("cam", url))
    token = mux.grant("cam", uid=UID_A)
    own = mux.dump("cam", token, uid=UID_A, frames=150, out_name="f-%05d.raw")
    fixed = mux.dump("cam", token, "--size", "64x48", "--fourcc", "XRGB8888", uid=UID_A, frames=100,
        out_name="f-%05d.raw")
    own.expect(0)
    fixed.expect(0)
    seen = set()
    for meta, digest in each_by_meta(own):
        form = (meta["width"], meta["height"], meta["color_encoding"], meta["color_range"],
            meta["sar"])
        fits = [i for i, row in enumerate(rows) if row[:5] == form and digest in row[5]]
        check(fits, f"a frame is none of the stream's: {meta}")
        seen.update(fits)
    check(seen == set(range(len(rows))), f"only forms {seen} were seen")
    check(len({m["generation"] for m in own.meta()}) == 1, "the camera began anew")
    return fixed


def changes_in_a_file(codec):
    def test(s):
        path, rows = changing(s, codec)
        fixed = watch_changes(s, "file://" + path, rows)
        if codec == "mjpeg":  # only the size changes: one ring for all of it
            seqs = [m["seq"] for m in fixed.meta()]
            check(seqs == sorted(set(seqs)), f"the ring of a fixed size was another: {seqs}")
    return test


def test_changes_over_rtsp(s):
    path, rows = changing(s, "h264")
    port = s.camserver(f"cam=file:path={path},fps=25,parameters")
    watch_changes(s, f"rtsp://127.0.0.1:{port}/cam", rows)


def test_alternating_sizes_are_seen(s):
    """A camera whose pictures are of two sizes in turn: both, at a fixed size; one, at its own."""
    stills = [pixels.encode(s.path(f"{size}.jpg"), ("-f", "lavfi", "-i",
        f"color=c={colour}:size={size}", "-frames:v", "1"), *MJPEG, "-pix_fmt", "yuvj420p")
        for size, colour in (("320x240", "red"), ("160x120", "blue"))]
    data = b"".join(open(p, "rb").read() for p in stills)
    path = s.path("turns.mjpeg")
    with open(path, "wb") as f:
        f.write(data * 50)
    mux = s.mux(camera("cam", "file://" + path))
    token = mux.grant("cam", uid=UID_A)
    fixed = mux.dump("cam", token, "--size", "64x48", "--fourcc", "XRGB8888", uid=UID_A, frames=40)
    own = mux.dump("cam", token, uid=UID_A, frames=20, out_name="f-%05d.raw")
    fixed.expect(0)
    own.expect(0)
    seqs = [m["seq"] for m in fixed.meta()]
    check(seqs == sorted(set(seqs)), f"the ring of a fixed size was another: {seqs}")
    colours = {("red" if f[2] > 200 else "blue" if f[0] > 200 else f[:4].hex())
        for f in fixed.frames()}
    check(colours == {"red", "blue"}, f"seen: {colours}")
    check({(m["width"], m["height"]) for m in own.meta()} <= {(320, 240), (160, 120)}, "sizes")


# --- what is refused ---

def test_jpegs_beyond_baseline(s):
    """12 bits are shown in 8; arithmetic coding is a sentence, and no picture."""
    still = pixels.encode(s.path("still.jpg"), source(frames=1), *MJPEG, "-pix_fmt", "yuvj420p")
    with open(still, "rb") as f:
        data = f.read()
    at = data.index(b"\xff\xc0")
    twelve = data[:at + 4] + b"\x0c" + data[at + 5:]
    arithmetic = data[:at + 1] + b"\xc9" + data[at + 2:]
    configuration = ""
    for name, content in (("twelve", twelve), ("arithmetic", arithmetic)):
        with open(s.path(name + ".mjpeg"), "wb") as f:
            f.write(content * 60)
        configuration += camera(name, "file://" + s.path(name + ".mjpeg"))
    mux = s.mux(configuration)
    client = mux.dump("twelve", mux.grant("twelve", uid=UID_A), uid=UID_A, frames=3)
    client.expect(0)
    compare(client, s.path("twelve.mjpeg"), False)
    client = mux.dump("arithmetic", mux.grant("arithmetic", uid=UID_A), "--timeout", "30", uid=UID_A)
    harness.until(lambda: re.search("cannot be decoded|no whole picture|can be played",
        mux.camera("arithmetic")["reason"]), "a sentence for arithmetic coding", 45)
    client.signal(15)
    client.wait()
    check(not client.meta(), "a picture")


def test_files_with_more_than_video(s):
    """Sound and a second video beside the first; and nothing but sound."""
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1")
    both = s.path("both.mkv")
    harness.run([*pixels.FFMPEG, *tone, "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25",
        "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25", "-map", "0", "-map", "1", "-map", "2",
        "-t", "1", *X264, "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", "-y", both])
    sound = pixels.encode(s.path("sound.mp4"), tone, "-c:a", "aac")
    mux = s.mux(camera("both", "file://" + both) + camera("sound", "file://" + sound))
    client = mux.dump("both", mux.grant("both", uid=UID_A), uid=UID_A, frames=30)
    silent = mux.dump("sound", mux.grant("sound", uid=UID_A), "--timeout", "5", uid=UID_A)
    client.expect(0)
    meta = client.meta()[0]
    check((meta["width"], meta["height"]) == (320, 240), f"{meta}")
    harness.until(lambda: "no video" in mux.camera("sound")["reason"],
        "a reason for a file without video")
    check(silent.wait() in (69, 75), "a client of a file without video")


TESTS = [(f"changes in a file of {c}", changes_in_a_file(c)) for c in ("h264", "h265", "mjpeg")]
