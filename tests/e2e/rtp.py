"""Media of the cameras that tests play: clips as access units, and RTP packets made of them.

Payload formats: RFC 6184 (H.264), RFC 7798 (H.265), RFC 2435 (JPEG). Python's standard library;
clips are encoded by ffmpeg.
"""
import base64
import random
import struct

import harness

MTU = 1200
CLOCK = 90000
ENCODERS = {
    "H264": ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-x264-params",
        "keyint=10:scenecut=0:aud=1:slices={slices}:threads=1", "-f", "h264"),
    "H265": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
        "keyint=10:bframes=0:aud=1:repeat-headers=1:log-level=error:pools=1", "-f", "hevc"),
    "JPEG": ("-c:v", "mjpeg", "-huffman", "default", "-q:v", "6", "-pix_fmt", "yuvj420p", "-f",
        "mjpeg"),
}


class Clip:
    """codec; units: of each picture its NAL units (H.264, H.265) or one whole JPEG."""

    def __init__(self, codec, units):
        self.codec, self.units = codec, units

    def parameter_sets(self):
        return [n for n in self.units[0] if is_parameter_set(self.codec, n)]

    def fmtp(self):
        """Of a description that names the parameter sets."""
        sets = [base64.b64encode(n).decode() for n in self.parameter_sets()]
        if self.codec == "H264":
            return "packetization-mode=1;sprop-parameter-sets=" + ",".join(sets)
        return "sprop-vps={};sprop-sps={};sprop-pps={}".format(*sets)


def clip(scene, codec, size="320x240", frames=20, slices=1):
    path = scene.path(f"{codec}-{size}-{slices}")
    encoder = [word.format(slices=slices) for word in ENCODERS[codec]]
    harness.make_clip(path, *encoder, size=size, frames=frames)
    with open(path, "rb") as f:
        data = f.read()
    if codec == "JPEG":
        return Clip(codec, [[b"\xff\xd8" + part] for part in data.split(b"\xff\xd8")[1:]])
    return Clip(codec, pictures(codec, nal_units(data)))


def nal_units(annexb):
    parts = annexb.split(b"\0\0\1")[1:]
    return [p.rstrip(b"\0") for p in parts]


def nal_type(codec, nal):
    return nal[0] & 0x1f if codec == "H264" else nal[0] >> 1 & 0x3f


def is_parameter_set(codec, nal):
    return nal_type(codec, nal) in ((7, 8) if codec == "H264" else (32, 33, 34))


def pictures(codec, nals):
    """Cut at access unit delimiters, which are left out, as cameras do."""
    units = []
    for nal in nals:
        if nal_type(codec, nal) == (9 if codec == "H264" else 35):
            units.append([])
        else:
            units[-1].append(nal)
    return units


def payloads(codec, nal):
    """A NAL unit or a JPEG as payloads of packets."""
    if codec == "JPEG":
        return jpeg_payloads(nal)
    if len(nal) <= MTU:
        return [nal]
    if codec == "H264":
        head = [nal[0] & 0xe0 | 28]
        kind, body = nal[0] & 0x1f, nal[1:]
    else:
        head = [nal[0] & 0x81 | 49 << 1, nal[1]]
        kind, body = nal[0] >> 1 & 0x3f, nal[2:]
    cuts = range(0, len(body), MTU)
    return [bytes(head + [kind | (0x80 if i == 0 else 0) | (0x40 if i == cuts[-1] else 0)])
        + body[i:i + MTU] for i in cuts]


def jpeg_payloads(jpeg):
    tables, at = b"", 2
    while True:
        marker, length = struct.unpack(">HH", jpeg[at:at + 4])
        body = jpeg[at + 4:at + 2 + length]
        if marker == 0xffdb:
            tables += b"".join(body[i + 1:i + 65] for i in range(0, len(body), 65))
        if marker == 0xffc0:
            height, width = struct.unpack(">HH", body[1:5])
        at += 2 + length
        if marker == 0xffda:
            break
    scan = jpeg[at:].rstrip(b"\0").removesuffix(b"\xff\xd9")
    parts = []
    for i in range(0, len(scan), MTU):
        head = struct.pack(">IBBBB", i, 1, 255, width // 8, height // 8)
        if i == 0:
            head += struct.pack(">HH", 0, len(tables)) + tables
        parts.append(head + scan[i:i + MTU])
    return parts


class Sender:
    """One RTP stream: sequence numbers, timestamps, markers."""

    def __init__(self, kind=96, rate=25, seed=1):
        dice = random.Random(seed)
        self.kind, self.step = kind, CLOCK // rate
        self.sequence, self.timestamp = dice.randrange(1 << 16), dice.randrange(1 << 32)
        self.ssrc = dice.randrange(1 << 32)

    def packet(self, payload, marker):
        self.sequence = (self.sequence + 1) & 0xffff
        return struct.pack(">BBHII", 0x80, self.kind | marker << 7, self.sequence,
            self.timestamp & 0xffffffff, self.ssrc) + payload

    def picture(self, codec, unit, marker="last"):
        """The packets of one picture. marker: on the "last" packet, "each" slice, or "none"; "sei":
        on a SEI behind the slices."""
        if marker == "sei":
            unit = unit + [b"\x06\x05\x01\x00\x80" if codec == "H264" else b"\x50\x01\x05\x01\x00\x80"]
        parts = [payloads(codec, nal) for nal in unit]
        packets = []
        for i, part in enumerate(parts):
            for j, payload in enumerate(part):
                ends = j == len(part) - 1
                marked = ends and (marker == "each" or marker in ("last", "sei") and i == len(parts) - 1)
                packets.append(self.packet(payload, marked))
        self.timestamp += self.step
        return packets


def interleaved(packet, channel=0):
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet
