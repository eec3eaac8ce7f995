#!/usr/bin/env python3
"""Writes what fuzzing begins with: tests/fuzz/seeds.py FOLDER makes FOLDER/TARGET/NAME.

Each function is a target's seeds: texts and bytes of ours, in the form that fuzz_TARGET.c reads.
"""
import base64
import os
import struct
import sys

SDP = ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=Media Server\r\nt=0 0\r\na=control:*\r\n"
    "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000\r\na=control:trackID=1\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\na=fmtp:96 {fmtp}\r\na=control:trackID=0\r\n")
H264_FMTP = ("packetization-mode=1;profile-level-id=42c01e;"
    "sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==")
H265_FMTP = ("sprop-vps=QAEMAf//AWAAAAMAAAMAAAMAAAMAlqwJ;"
    "sprop-sps=QgEBAWAAAAMAAAMAAAMAAAMAlqABICAFEWNrkkya5ZwCAAADAAIAAAMAHhA=;sprop-pps=RAHgdrAmQA==")
DIGEST = 'Digest realm="cam", nonce="5f3a", qop="auth", algorithm=MD5'


def reply(cseq, headers="", body="", status="200 OK"):
    return (f"RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n{body}")


def sdp(codec="H264", fmtp=H264_FMTP):
    return SDP.format(codec=codec, fmtp=fmtp)


def rtp(payload, sequence=1, timestamp=3000, marker=False, kind=96):
    return struct.pack(">BBHII", 0x80, kind | marker << 7, sequence, timestamp, 7) + payload


def frame(packet, channel=0):
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet


def pieces(*packets):
    return b"".join(struct.pack(">H", len(p)) + p for p in packets)


H264_PACKETS = (rtp(bytes.fromhex("6742c01ed903c5684000000300400000" "0c03c58b92"), 1),
    rtp(bytes.fromhex("68cb8cb2"), 2), rtp(bytes.fromhex("6588840000112233"), 3, marker=True),
    rtp(bytes.fromhex("180004674201020003680102"), 4, 6000),     # STAP-A
    rtp(bytes.fromhex("7c85aabbcc"), 5, 6000), rtp(bytes.fromhex("7c05dd"), 6, 6000),
    rtp(bytes.fromhex("7c45eeff"), 7, 6000, marker=True),        # FU-A
    rtp(bytes.fromhex("419a0102"), 9, 9000, marker=True))
H265_PACKETS = (rtp(bytes.fromhex("40010c01ffff016000000300000300"), 1),
    rtp(bytes.fromhex("6001000442010203000344010203"), 2),       # aggregation
    rtp(bytes.fromhex("620193aabb"), 3), rtp(bytes.fromhex("620153ccdd"), 4, marker=True),
    rtp(bytes.fromhex("02010203"), 5, 6000, marker=True))
JPEG_PACKETS = (rtp(bytes.fromhex("000000000140140f") + bytes(range(64)), 1, kind=96),
    rtp(bytes.fromhex("000000400140140f") + bytes(32), 2, marker=True),
    rtp(bytes.fromhex("0000000001ff140f" "00000080") + bytes(range(128)) + bytes(16), 3, 6000, True))


def dialogue(how=0x7f, headers="", body=None, media=b""):
    """how: see fuzz_session.c."""
    body = sdp() if body is None else body
    text = (reply(1, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n")
        + reply(2, "Content-Base: rtsp://cam.lan/live/\r\n" + headers, body)
        + reply(3, "Session: 12345678;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
        + reply(4, "Session: 12345678\r\nRTP-Info: url=trackID=0;seq=1;rtptime=3000\r\n"))
    return bytes([how]) + text.encode() + media


def seeds_rtsp():
    return {"describe": reply(2, "Content-Base: rtsp://h/x/\r\n", sdp()),
        "setup": reply(3, " Session:  1 ; timeout = 60\r\nTransport: RTP/AVP/TCP;interleaved=2-3\r\n"),
        "lower": "RTSP/1.0 401 No\ncseq: 1 \nwww-authenticate: Digest realm=\"r\",\n nonce=\"n\"\n\n",
        "request": "OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n\r\n" + reply(1),
        "frames": frame(H264_PACKETS[0]) + frame(b"", 1) + frame(H264_PACKETS[1]),
        "huge": "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 2147483648\r\n\r\n",
        "many": "RTSP/1.0 200 OK\r\n" + "A: b\r\n" * 70 + "\r\n",
        "long": "RTSP/1.0 200 OK\r\nA: " + "x" * 9000}


def seeds_session():
    challenge = (bytes([0x7f]) + reply(1).encode()
        + reply(2, f"WWW-Authenticate: {DIGEST}\r\n", status="401 Unauthorized").encode()
        + reply(3, "", sdp()).encode()
        + reply(4, "Session: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n").encode()
        + reply(5).encode())
    media = b"".join(frame(p) for p in H264_PACKETS)
    return {"whole": dialogue(media=media), "bytewise": dialogue(how=0, media=media),
        "challenge": challenge, "stale": challenge.replace(b"qop", b"stale=true, qop"),
        "elsewhere": dialogue(body=sdp().replace("trackID=0", "rtsp://192.168.5.106:554/x/trackID=0")),
        "redirect": bytes([0x7e]) + reply(1, "Location: rtsp://evil/\r\n", status="302 Moved").encode(),
        "asks": dialogue(media=b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n" + media
            + b"REDIRECT rtsp://cam.lan/ RTSP/1.0\r\nCSeq: 10\r\nLocation: rtsp://evil/\r\n\r\n"),
        "udp": bytes([0x7e]) + (reply(1) + reply(2, "", sdp())
            + reply(3, status="461 Unsupported Transport")).encode()}


def seeds_sdp():
    return {"h264": sdp(), "h265": sdp("H265", H265_FMTP), "jpeg": "v=0\nm=video 0 RTP/AVP 26\n",
        "mpeg4": sdp("MP4V-ES", "config=000001"), "no-end": sdp().rstrip(),
        "two": sdp() + "m=video 5000/2 RTP/AVP 98 99\r\na=rtpmap:99 H265/90000\r\n",
        "secure": "v=0\r\nm=video 0 RTP/SAVP 96\r\na=rtpmap:96 H264/90000\r\n",
        "vendor": "v=0\nm=application/TP-LINK 0 RTP/AVP smart/1/90000\na=rtpmap:95 TP-LINK/90000\n"
            "m=vana 0 RTP/AVP 108\n" + sdp().replace("\r\n", "\n")}


def seeds_challenge():
    return {"digest": DIGEST, "basic": 'Basic realm="cam"', "several": DIGEST.replace("MD5",
        "SHA-256") + '\nBasic realm="a", ' + DIGEST, "escaped": r'Digest realm="a\"b", nonce=xyz',
        "sess": 'Digest realm="r",nonce="n",algorithm=MD5-sess,qop="auth-int,auth",opaque="o",stale=TRUE',
        "odd": 'Digest realm=, nonce="n'}


def seeds_depay():
    return {"h264": b"\0" + H264_FMTP.encode() + b"\n" + pieces(*H264_PACKETS),
        "h265": b"\1" + H265_FMTP.encode() + b"\n" + pieces(*H265_PACKETS),
        "h265-don": b"\1sprop-max-don-diff=1\n" + pieces(*H265_PACKETS),
        "jpeg": b"\2\n" + pieces(*JPEG_PACKETS), "bare": b"\0\n" + pieces(*H264_PACKETS)}


def seeds_http():
    jpeg = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043000101") + bytes(64) \
        + bytes.fromhex("ffc0000b080010001001011100ffda0008010100003f00d2cf20ffd9")
    part = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\nX-Timestamp: 1.5\r\n\r\n" % len(jpeg) + jpeg
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n"
    chunk = b"%x\r\n" % len(part) + part + b"\r\n"
    return {"parts": b"\xff" + head + b"\r\n" + part * 3, "bytes": b"\0" + head + b"\r\n" + part,
        "chunks": b"\x20" + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2 + b"0\r\n\r\n",
        "bare": b"\x40HTTP/1.0 200 OK\n\n" + jpeg * 2, "cut": b"\x7f" + head + b"\r\n" + part[:-40] + part,
        "401": b"\xffHTTP/1.1 401 No\r\nWWW-Authenticate: " + DIGEST.encode() + b"\r\nContent-Length: 9\r\n\r\n"}


def seeds_media():
    report = struct.pack(">BBHIQIII", 0x80, 200, 6, 7, 0xe8000000 << 32, 3000, 1, 100)
    bye = struct.pack(">BBHIBBHI", 0x80, 201, 1, 7, 0x81, 203, 1, 7)
    data = [b"\x14" + p for p in H264_PACKETS]
    return {"order": b"\1" + pieces(*data), "mixed": b"\1" + pieces(*data[::-1]),
        "rtcp": b"\1" + pieces(*data[:3], b"\x11" + report, *data[3:], b"\1" + bye),
        "twice": b"\1" + pieces(*data, *data), "tcp": b"\3" + pieces(*(b"\x12" + p for p in H264_PACKETS)),
        "jpeg": b"\0" + pieces(*(b"\x14" + p for p in JPEG_PACKETS))}


def seeds_au():
    key = "00000001674201 0000000168cb 00000001 0605ffff80 000001658884"
    return {"h264": b"\0" + bytes.fromhex(key), "late": b"\0" + bytes.fromhex(key + key),
        "sei": b"\0" + bytes.fromhex("0000000106060180 80 00000001 419a"),
        "h265": b"\1" + bytes.fromhex("0000000140010c 0000000142010c 0000000144010c 000001 2601af")
            + bytes.fromhex("0000000142010d 000001 0201")}


def seeds_control():
    pairs = {"relative": ("rtsp://cam.lan/live/", "trackID=1"), "none": ("", "*"),
        "inner": ("rtsp://192.168.5.106:554/live/", "rtsp://192.168.5.106:554/live/trackID=1?a&b"),
        "no-scheme": ("cam.lan:554/live/", "/live/track1"), "v6": ("rtsp://[::1]:554/x", "?q"),
        "user": ("rtsp://u:p@cam.lan/live", "rtsp://u@0.0.0.0/x"), "http": ("", "http://evil/x")}
    return {name: "\n".join(pair) for name, pair in pairs.items()}


def seeds_config_url():
    return {name: "\n".join(pair) for name, pair in {
        "rtsp": ("rtsp://u:p%40@Cam.lan:8554/live?x=1", "rtsp://cam.lan:8554/live/trackID=1"),
        "v6": ("rtsps://[fe80::1]/", "rtsps://[fe80::1]:322/"), "http": ("https://cam/m.mjpg?a", ""),
        "file": ("file:///srv/a%20b.mp4", ""), "v4l2": ("v4l2:///dev/video0", ""),
        "test": ("test:porch?size=640x480&fps=30", ""), "dots": ("rtsp://h/a/../b/./c", "")}.items()}


def seeds_link():
    """wire.h: u16 type, u16 length, fields; the types as in mux/link/numbers.c, the lengths by trial."""
    seeds = {}
    ask = struct.pack("<IIIII", 1, 1, 1, 1, 2) + b"realm".ljust(256, b"\0") \
        + b"nonce".ljust(512, b"\0") + bytes(512) + b"rtsp://cam.lan/live".ljust(1024, b"\0")
    for base in (0x1081, 0x1181, 0x1281):
        for number in range(base, base + 8):
            for size in (8, 12, 40, 44, 168, 172, 516, 4 + len(ask)):
                body = ask if size > 1000 else bytes(size - 4)
                seeds[f"{number:x}-{size}"] = struct.pack("<HH", number, size) + body
    return seeds


def seeds_stream():
    def message(kind, body):
        return struct.pack("<II", kind, len(body)) + body

    codec = message(2, struct.pack("<IIIIIIIII", 1, 640, 360, 0, 0, 1, 1, 2, 0) + b"extradata")
    unit = message(3, struct.pack("<QQQI", 1, 2, 3, 1) + b"an access unit")
    return {"units": b"\1" + codec + unit + message(4, b"") + unit, "cut": b"\1" + codec + unit[:-3],
        "stranger": b"\0" + message(1, bytes(40)) + unit, "huge": b"\1" + struct.pack("<II", 3, 1 << 31)}


def caveat(kind, value):
    return bytes([kind, len(value)]) + value


def seeds_policy():
    """Those that others verify too, and each statement by itself."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../unit/policy")
    seeds = {}
    for name in os.listdir(folder):
        if name.endswith(".policy"):
            with open(os.path.join(folder, name), "rb") as f:
                seeds[name] = f.read()
    head = ("framemux-policy 1\nversion 18446744073709551615\nissued 1970-01-01T00:00:00Z\n"
        "expires never\n")
    for n, line in enumerate(('block vendor "a b"', "block model a b", 'permit model a "b c"',
            "require tls", "fleet x", "# x", "block pin sha256//" + "A" * 43 + "=")):
        seeds[f"line{n}"] = head + line + "\n"
    return seeds | {"many": head + "require tls\n" * 1025, "long": head + "#" * 600 + "\n"}


def seeds_token():
    """common/token.h: version, key id, id, caveats; as text with prefix, base64url and tag."""
    head = b"\1" + struct.pack("<I", 7) + bytes(range(16))
    camera, uid = b"porch\0" + struct.pack("<I", 1), struct.pack("<I", 1000)
    seeds = {"head": b"\0" + head}
    for kind in range(1, 13):
        for name, value in {"4": uid, "8": bytes(8), "16": struct.pack("<IIII", 2, 2, 64, 32), "0": b"",
                "text": b"front door", "camera": struct.pack("<I", 1) + b"porch"}.items():
            seeds[f"{kind}-{name}"] = b"\0" + head + caveat(kind, value)
    body = head + caveat(1, struct.pack("<I", 1) + b"porch") + caveat(2, uid) + caveat(4, b"\xff" * 8)
    text = base64.urlsafe_b64encode(body + bytes(32)).rstrip(b"=")
    return seeds | {"text": b"\1fmx1_" + text, "line": b"\1fmx1_" + text + b"\n", "cut": b"\1fmx1_" + text[:9],
        "other": b"\0" + camera}


def seeds_config():
    with open(os.path.join(os.path.dirname(__file__), "../../data/framemux.conf"), "rb") as f:
        example = f.read()
    camera = 'camera "a" {\n  url = "%s"\n%s}\n'
    full = ('standby = "warm"\n tls_pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="\n'
        'transport = "udp"\n fingerprint = "first"\n vendor = "v"\n model = "m"\n memory_mb = 128\n'
        'max_picture = "1920x1080"\n patience = 5\n masks = {"0,0,16x16", "8,8,2x2"}\n auth = "basic"\n')
    grant = ('grant "g" {\n user = "root"\n cameras = {"a"}\n max_size = "640x360"\n max_fps = 5\n'
        'expires = "never"\n dump = true\n label = "l"\n token_file = "/tmp/x/t"\n}\n')
    return {"example": example, "one": camera % ("test:a", ""), "full": camera % ("rtsps://u:p@h/x", full),
        "grant": camera % ("test:a", "") + grant, "twice": camera % ("test:a", "") * 2,
        "top": 'socket = "/run/x"\nstale_after = "500ms"\nlinger = "3s"\nuid_quota_mb = 64\nadmins = {"root"}\n',
        "include": 'include "other.conf"\ninclude "*.conf"\n', "comment": "# a\n/* b\n */ // c\n",
        "env": 'socket = "${HOME}/x"\n', "open": 'camera "a" {', "quote": 'socket = "a\\\"b\n'}


def seeds_lease():
    """fuzz_lease.c: what to do; a good frame, or a message; then whether the client looks."""
    good = b"\x0d" + b"\0\1\0\x55"
    beat = struct.pack("<HHQ", 0x0102, 12, 1)
    seeds = {"frames": (good + b"\x0d\1\1\0\x66" + b"\x0d\2\1\0\x77") * 2,
        "held": b"\5\0\1\0\x55" * 3, "same": b"\5\0\1\0\x55" * 2 + b"\5\1\0\0\x55",
        "erased": b"\x0f\0\1\0\x55", "old": b"\5\0\x11\xff\0\x55", "late": b"\5\0\x09\xff\0\x55",
        "changed": b"\5\0\x41\0\x55\7"}
    for kind in range(0x100, 0x104):
        for size in (12, 20, 52, 60, 64):
            body = struct.pack("<HH", kind, size) + beat[4:12].ljust(size - 4, b"\0")
            seeds[f"{kind:x}-{size}"] = b"\4" + struct.pack(">H", size) + body
    return seeds


def seeds_broker():
    """fuzz_broker.c: bits 0 and 1 who, 2 to 5 what, 6 whether more follows at once, 7 bytes of any kind."""
    def does(who, what, *more):
        return bytes([who | what << 2, *more])

    a, b, control, decoder = range(4)
    both = does(a, 0) + does(b, 0)
    born = does(decoder, 0, 0, 0, 0, 0, 0) + does(decoder, 1, 1, 100, 0, 0, 0)
    mapped = does(decoder, 2, 0, 0, 0, 0, 0)
    given = both + does(a, 1, 0, 0) + born + mapped + does(a, 3, 0, 0)
    seeds = {"lease": given, "revoked": given + does(control, 0) + does(control, 1 + 8),
        "two": given + does(b, 1, 1, 16) + mapped + does(b, 3, 1, 0), "dies": given + does(decoder, 7, 0, 0, 0, 0, 0),
        "reported": given + does(a, 4, 0, 1), "shut": given + does(a, 4, 0, 0), "gone": given + does(a, 5),
        "status": given + does(control, 0) + does(control, 2) + does(control, 3)}
    types = {a: range(0x1, 0x6), control: range(0x201, 0x205), decoder: range(0x1301, 0x1306)}
    for who, kinds in types.items():
        for kind in kinds:
            for size in (8, 16, 20, 24, 36, 44, 48, 72, 148, 212, 276):
                seeds[f"{kind:x}-{size}"] = given + does(control, 0) + bytes([0x80 | who]) \
                    + struct.pack(">H", size) + struct.pack("<HH", kind, size) + bytes(size - 4)
    return seeds


def seeds_ctl():
    """fuzz_ctl.c: JSON or not, and which verb; messages, each behind its length."""
    def message(kind, layout, *values):
        body = struct.pack("<" + layout, *values)
        m = struct.pack("<HH", kind, 4 + len(body)) + body
        return struct.pack(">H", len(m)) + m

    done = message(0x287, "IIQ160s", 1, 0, 7, b"")
    records = {
        "mux": message(0x281, "32sIQI512s6Q", b"0.1", 9, 10**10, 0, b"seccomp uid", 1, 2, 3, 4, 5, 6),
        "camera": message(0x282, "64s64sII160sQ16sIIIQQQQIIQQ", b"porch", b"v\xc3\xa4", 1, 3, b"gone",
            2, b"h264", 640, 360, 25000, 7, 0, 40, 1, 10, 11, 12, 13),
        "lease": message(0x283, "Q16s64sIII64sIIII7Q", 5, bytes(16), b"porch", 2, 9, 1000, b"hall",
            640, 360, 0x3231564e, 4, 1 << 20, 1795392000, 0, 1, 2, 3, 4),
        "uid": message(0x284, "IIQQ", 1000, 1, 1 << 20, 4096),
        "token": message(0x285, "16sQ2048s", bytes(16), 1795392000, b"fmx1_AAAA"),
        "ended": message(0x286, "Q", 5),
        "change": message(0x288, "32s64s32s512s", b"camera", b"porch", b"changed", b"url\x1b[2J\xff"),
        "fault": message(0x289, "1024s", b"/etc/framemux.conf:3: wrong")}
    refused = message(0x287, "IIQ160s", 0, 13, 0, b"not an administrator")
    seeds = {"none": b"\1", "refused": b"\0" + refused, "other": b"\1" + message(0x287, "IIQ160s", 7, 0, 0, b"")}
    for how in range(10):
        seeds[f"all-{how}"] = bytes([how]) + b"".join(records.values()) + done
        for name, record in records.items():
            seeds[f"{name}-{how}"] = bytes([how]) + record * 2 + done
    return seeds


# What fuzz_pair.c's ingest and decode say is 24 or 27, which message, and the values of all of them.
def pair_ingest(which, failed=0, *texts):
    return bytes([24, which, 1, 1, 0, 17, failed, *texts, 1])


def pair_decode(which, *more):
    return bytes([27, which, 1, 0, 100, *more, 1])


def seeds_pair():
    """fuzz_pair.c: what camera; then what is done, its values, and whether framemuxd looks."""
    want, wait = bytes([7, 1, 1]), bytes([5 | 15 << 3, 1])
    born = want + bytes([6, 1]) + pair_ingest(0) + pair_decode(0)
    live = born + pair_decode(2, 1, 0)
    ends = {"ingest-ends": [0, 1], "ingest-crashes": [8, 3, 1], "decode-ends": [3, 1],
        "decode-exits": [11, 0, 1], "bytes": [16, 2, 0, 4, 1, 2, 4, 0, 1]}
    does = {"kill": [23, 1], "abort": [31, 1], "served": [39, 1], "accept": [47, 1], "retire": [55, 1],
        "restart": [63, 1], "warm": [71, 1, 1], "survey": [79, 1], "no-memory": [87, 1],
        "linger": [95, 3, 1], "unwanted": [7, 0, 1]}
    both_die = bytes([8, 5, 1, 11, 5, 1])
    seeds = {"live": live, "no-source": want + bytes([6 | 2 << 3, 1]) + wait, "late": want + bytes([6, 1]) + wait,
        "silent": live + wait, "bound": born + pair_ingest(5) + both_die + wait,
        "udp": born + pair_ingest(5) + pair_ingest(6) + both_die + wait,
        "faces": live + pair_ingest(4, 0, 2, 3) + both_die + wait + live + pair_ingest(4, 0, 1, 3) + both_die}
    for name, deed in ends.items():
        seeds[name] = live + bytes(deed) + both_die + wait + live
    for name, deed in does.items():
        seeds[name] = live + bytes(deed) + both_die + wait + want + live
    for what in range(8):
        seeds[f"failed-{what}"] = born + pair_ingest(2, what, 1) + both_die + wait + live
    for text in range(12):
        seeds[f"challenge-{text}"] = born + bytes([24, 3, 1, 1, 0, 17, 0, 7, 1, 0, 1, 2, text, 1, text, 1])
    return {f"{n}-{how}": bytes([how]) + seed for n, seed in seeds.items() for how in (0, 7, 8, 0x72, 0xb0, 0xc0)}


def seeds_daemon():
    """fuzz_daemon.c: which configuration; then what is done, its values, and whether framemuxd looks."""
    disk, read, wait = bytes([5, 1]), bytes([5 | 1 << 3, 1]), bytes([7 | 15 << 3, 1])
    ready = disk * 3
    want = bytes([48, 0x12, 0, 0, 1, 48, 0x12, 0, 1, 1])
    live = want + bytes([6, 1, 6, 1, 3, 0, 1, 3, 1, 1])
    dies = bytes([8, 1]) + bytes([3 | 3 << 3, 0, 1, 3 | 11 << 3, 0, 1, 3 | 3 << 3, 1, 1, 3 | 11 << 3, 1, 1])

    def reloads(config, asked=False):
        ask = bytes([40, 2, config, 1]) if asked else bytes([255, config, 1])
        return ask + read + disk * 2 + dies[2:] + disk * 4

    seeds = {"live": ready + live, "dies": ready + live + dies + wait + ready + live,
        "ends": ready + live + bytes([0, 1]) + dies + wait, "survey": ready + live + bytes([40, 4, 1]),
        "revoke": ready + live + bytes([40, 1, 1]) + disk, "full": ready + live + bytes([40, 1, 1, 5 | 8 << 3, 1]),
        "kill": ready + live + bytes([48, 0, 0, 0, 1]) + dies[2:] + wait,
        "accept": ready + live + bytes([48, 1, 0, 1, 1]) + disk,
        "mute": bytes([32, 1]) + ready + bytes([24, 0, 1, 24, 1, 1, 24, 2, 1]),
        "bytes": ready + bytes([16, 2, 0, 4, 1, 0x10, 4, 0, 1]) + dies + wait + ready}
    for config in range(8):
        seeds[f"reload-{config}"] = ready + live + reloads(config) + live + reloads(0, True) + live
        seeds[f"reload-dies-{config}"] = ready + live + reloads(config)[:9] + dies + wait + ready + live
        seeds[f"reload-full-{config}"] = ready + live + bytes([255, config, 1]) + read \
            + bytes([5 | 6 << 3, 1]) * 3 + live
    return {f"{n}-{config}": bytes([config]) + seed for n, seed in seeds.items() for config in range(6)}


def main():
    for name, function in list(globals().items()):
        if not name.startswith("seeds_"):
            continue
        folder = os.path.join(sys.argv[1], name[6:])
        os.makedirs(folder, exist_ok=True)
        for seed, data in function().items():
            with open(os.path.join(folder, seed), "wb") as f:
                f.write(data.encode() if isinstance(data, str) else data)


if __name__ == "__main__":
    main()
