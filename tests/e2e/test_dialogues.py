"""Dialogues of real cameras and their quirks, replayed over RTSP/TCP: each works, which is a decoded
frame, or is refused for the right reason. Prints the table."""
import contextlib
import glob
import os
import re
import time

import harness
import rtp
from dialogues import SDP, Camera, Rtsp
from harness import UID_A, check
from test_frames import camera
from test_material import material

HANG_S = 15  # 10 s is what a person may have to wait; the rest is for a busy machine
BATCH = 8    # cameras at a time
WORKS = "works"


def lines(*more):
    return SDP[:5] + more


def h264(track="trackID=1", number=96):
    return (f"m=video 0 RTP/AVP {number}", f"a=rtpmap:{number} H264/90000", f"a=control:{track}")


AUDIO = ("m=audio 0 RTP/AVP 97", "a=rtpmap:97 MPEG4-GENERIC/48000/2", "a=control:trackID=2")
VP8 = ("m=video 0 RTP/AVP 98", "a=rtpmap:98 VP8/90000", "a=control:trackID=9")
SETUP = ("Session: 4711;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
PLAY = ("Session: 4711",)
MD5 = 'realm="cam", nonce="a1b2c3"'


def lower_names(head):
    first, *rest = head.split("\r\n")
    return "\r\n".join([first] + [re.sub("^[^:]*", lambda m: m[0].lower(), x) for x in rest])


def padded(head):
    return re.sub(r"(\r\n[^:\r]+):\s*([^\r]+)", r"\1:    \2  ", head)


def continues(head):
    return "RTSP/1.0 100 Continue\r\n\r\n\r\n" + head


class Row:
    """quirks: Rtsp's. The codec of its media, what has to come of it, after how many frames."""

    def __init__(self, name, expected=WORKS, codec="H264", frames=3, server=Rtsp, slices=1, **quirks):
        self.name, self.expected, self.codec, self.frames = name, expected, codec, frames
        self.server, self.slices, self.quirks = server, slices, quirks
        digest = quirks.get("digest")
        self.auth = "digest" if digest else "basic" if "WWW-Authenticate: Basic" in str(quirks) else "none"
        self.got = self.seconds = None


class NotRtsp(Rtsp):
    def answer(self, connection, request):
        return "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class Silent(Rtsp):
    """Answers nothing."""

    def answer(self, connection, request):
        return None


QUIRKS = (
    Row("as it should be"),
    Row("H.265", codec="H265"),
    Row("MJPEG, static type 26 without rtpmap", codec="JPEG", kind=26,
        sdp=lines("m=video 0 RTP/AVP 26", "a=control:trackID=1")),
    Row("Content-Base without scheme", lines={"DESCRIBE": ["Content-Base: {host}:{port}/cam/"]},
        track="/cam/trackID=1"),
    Row("Content-Base is a path", lines={"DESCRIBE": ["Content-Base: /cam/"]}, track="/cam/trackID=1"),
    Row("Content-Base with a query", lines={"DESCRIBE": ["Content-Base: {base}?channel=1&subtype=0/"]},
        track="/cam?channel=1&subtype=0/trackID=1"),
    Row("no Content-Base", lines={"DESCRIBE": []}, track="/cam/trackID=1"),
    Row("control URL of an inner address", track="/cam/trackID=1?profile=P1",
        sdp=lines(*h264("rtsp://192.168.5.106:554/cam/trackID=1?profile=P1"))),
    Row("all URLs of an inner address", lines={"DESCRIBE": ["Content-Base: rtsp://10.1.2.3/cam/"]},
        sdp=("v=0", "a=control:rtsp://10.1.2.3/cam/", *h264("rtsp://10.1.2.3/cam/trackID=1")),
        track="/cam/trackID=1"),
    Row("control URL 0.0.0.0", sdp=lines(*h264("rtsp://0.0.0.0/cam/trackID=1")), track="/cam/trackID=1"),
    Row("no control attribute", sdp=("v=0", *h264()[:2])),
    Row("header values padded", form=padded),
    Row("header names in lower case", form=lower_names),
    Row("lines end in LF", eol="\n", sdp="\n".join(SDP) + "\n"),
    Row("100 Continue and blank lines", form=continues),
    Row("CSeq with a blank behind it", cseq="CSeq: {} "),
    Row("Cseq", cseq="Cseq:{}"),
    Row("Session with blanks and timeout", lines={"SETUP": ["Session:   47 ; timeout = 60", SETUP[1]],
        "PLAY": ["Session: 47"]}),
    Row("no Session in the answer to PLAY", lines={"PLAY": []}),
    Row("odd RTP-Info", lines={"PLAY": [*PLAY, "RTP-Info: url=;seq=-1;rtptime=,,url=rtsp://x/;seq"]}),
    Row("no Public", lines={"OPTIONS": []}),
    Row("OPTIONS: 501", statuses={"OPTIONS": "501 Not Implemented"}),
    Row("GET_PARAMETER: 501, 2 s of session", statuses={"GET_PARAMETER": "501 Not Implemented"},
        lines={"SETUP": ["Session: 4711;timeout=2", SETUP[1]]}, frames=70),
    Row("audio before video", sdp=lines(*AUDIO, *h264())),
    Row("two videos", sdp=lines(*h264(), *h264("trackID=7", 99)), track="trackID=1"),
    Row("another codec before H.264", sdp=lines(*VP8, *h264()), track="trackID=1"),
    Row("port in the description", sdp=lines("m=video 49170 RTP/AVP 96", *h264()[1:])),
    Row("CR LF and LF mixed", sdp="\r\n".join(SDP[:4]) + "\n" + "\n".join(SDP[4:]) + "\r\n"),
    Row("no line end at the end", sdp="\r\n".join(SDP)),
    Row("other channels than asked for", channel=2),
    Row("no Transport in the answer to SETUP", lines={"SETUP": SETUP[:1]}),
    Row("RTP before the answer to PLAY", early=True),
    Row("asks OPTIONS in mid-stream", asks="OPTIONS", frames=10),
    Row("asks SET_PARAMETER in mid-stream", asks="SET_PARAMETER", frames=10),
    Row("marker on each slice", marker="each", slices=4),
    Row("marker on a SEI behind the picture", marker="sei"),
    Row("no marker", marker="none"),
    Row("H.265, no marker", marker="none", codec="H265"),
    Row("401 without CSeq", digest=MD5, bare401=True),
    Row("digest without qop", digest=MD5),
    Row("digest, algorithm=md5, qop list", digest=MD5 + ', algorithm=md5, qop="auth-int,auth"'),
    Row("digest, realm with blanks", digest='realm="IP Camera (12:34)", nonce="x", opaque=""'),
    # Refused, and why.
    Row("Basic alone", "401: camera asks for Basic in the clear", statuses={"DESCRIBE": "401 No"},
        lines={"DESCRIBE": ['WWW-Authenticate: Basic realm="cam"']}),
    Row("unknown digest", "in an unknown way", statuses={"DESCRIBE": "401 No"},
        lines={"DESCRIBE": ["WWW-Authenticate: Digest " + MD5 + ", algorithm=SHA-512-256"]}),
    Row("UDP only (461)", "RTP over TCP", statuses={"SETUP": "461 Unsupported Transport"}),
    Row("UDP in the answer to SETUP", "RTP over TCP",
        lines={"SETUP": ["Session: 1", "Transport: RTP/AVP;unicast;client_port=5000-5001"]}),
    Row("no such stream", "404", statuses={"DESCRIBE": "404 Not Found"}),
    Row("forbidden", "403", statuses={"DESCRIBE": "403 Forbidden"}),
    Row("no bandwidth", "453", statuses={"SETUP": "453 Not Enough Bandwidth"}),
    Row("redirect", "redirects elsewhere", statuses={"DESCRIBE": "302 Moved Temporarily"},
        lines={"DESCRIBE": ["Location: rtsp://192.0.2.1/cam"]}),
    Row("audio alone", "offers no video", sdp=lines(*AUDIO)),
    Row("VP8", "VP8", sdp=lines(*VP8)),
    Row("encrypted RTP", "encrypted", sdp=lines("m=video 0 RTP/SAVP 96", *h264()[1:])),
    Row("a web server", "not RTSP", server=NotRtsp),
    Row("answers nothing", "no answer to OPTIONS", server=Silent),
)


def split_reply(path):
    """Header lines of a recorded reply without those that depend on the request, and its body."""
    with open(path, encoding="latin-1", newline="") as f:
        head, _, body = f.read().partition("\r\n\r\n")
    names = ("cseq", "content-length", "content-type")
    return [x for x in head.split("\r\n")[1:] if x.partition(":")[0].lower() not in names], body


def described(name, body, **quirks):
    """A row that serves this description; codec, type and track are the description's."""
    video = re.search(r"m=video \d+ RTP/AVP (\d+)", body)
    section = body[video.start():].split("\nm=")[0] if video else ""
    codec = "H265" if "H265" in section else "H264" if "H264" in section else "JPEG"
    control = re.search(r"a=control:(\S+)", section)
    quirks["track"] = control[1].rsplit("/", 1)[-1] if control else ""
    return Row(name, WORKS if video else "offers no video", codec=codec, sdp=body,
        kind=int(video[1]) if video else 96, **quirks)


def recorded(root):
    """Rows of material/rtsp-sdp."""
    rows = []
    for path in sorted(glob.glob(f"{root}/retina/*_describe*.txt")):
        name = os.path.basename(path).split("_")[0]
        headers, body = split_reply(path)
        answers = {"DESCRIBE": headers}
        for method in ("SETUP", "PLAY"):
            reply = f"{root}/retina/{name}_{method.lower()}.txt"
            if os.path.exists(reply):
                answers[method] = split_reply(reply)[0]
        if "PLAY" in answers:  # recorded in another session
            session = re.search(r"Session:\s*(\w+)", "\n".join(answers["SETUP"]))[1]
            answers["PLAY"] = [re.sub(r"(Session:\s*)\w+", rf"\g<1>{session}", x) for x in answers["PLAY"]]
        rows.append(described("recorded: " + name, body, lines=answers))
    for path in sorted(glob.glob(f"{root}/retina/*_unauthorized.txt")):
        with open(path, encoding="latin-1", newline="") as f:
            text = f.read()
        rows.append(Row("recorded: " + os.path.basename(path).split("_")[0] + " (401)",
            digest=re.search(r"Digest (.*?)\r", text)[1],
            cseq=re.sub(r"\d+", "{}", re.search(r"CSeq:.*?(?=\r)", text)[0])))
    for path in sorted(glob.glob(f"{root}/*/*.sdp")):
        with open(path, encoding="latin-1", newline="") as f:
            rows.append(described("recorded: " + os.path.basename(path)[:-4], f.read()))
    return rows


def clip_of(s, clips, row):
    key = row.codec, row.slices
    if key not in clips:
        clips[key] = rtp.clip(s, row.codec, slices=row.slices)
    return clips[key]


def play_batch(mux, batch):
    """Leases these cameras and waits for what becomes of each."""
    clients = {}
    for name, row, _ in batch:
        clients[name] = mux.dump(name, mux.grant(name, uid=UID_A), "--timeout", "60", uid=UID_A,
            frames=row.frames)

    def settled():
        # While it is on its way, the reason is only the step.
        reasons = {c["name"]: c["reason"] if c["state"] in ("lost", "blocked") else ""
            for c in mux.status()["cameras"]}
        for name, row, cam in batch:
            if row.got or not cam.connections:
                continue
            seconds = time.monotonic() - cam.connections[0].begun
            if not clients[name].running() and clients[name].popen.returncode == 0:
                row.got, row.seconds = WORKS, seconds
            elif reasons[name]:
                row.got, row.seconds = reasons[name], seconds
            elif seconds > 2 * HANG_S:
                row.got, row.seconds = "nothing", seconds
        return all(row.got for _, row, _ in batch)
    harness.until(settled, "a result of each dialogue", 3 * HANG_S)
    for client in clients.values():
        client.signal(15)
        client.wait()


def play(s, rows):
    clips = {}
    secret = s.write("cam.secret", Rtsp.password + "\n")
    with contextlib.ExitStack() as stack:
        cameras, config = [], "linger = 1\n"
        for i, row in enumerate(rows):
            server = row.server(clip_of(s, clips, row), **row.quirks)
            cam = stack.enter_context(Camera(server))
            cameras.append((f"cam{i}", row, cam))
            config += camera(f"cam{i}", f"rtsp://127.0.0.1:{cam.port}/cam", '\ttransport = "tcp"\n'
                f'\tusername = "{Rtsp.user}"\n\tpassword_file = "{secret}"\n')
        mux = s.mux(config)
        for i in range(0, len(cameras), BATCH):
            play_batch(mux, cameras[i:i + BATCH])
        wrong = []
        for _, row, cam in cameras:
            strays = {r.uri for r in cam.requests()
                if not r.uri.startswith(f"rtsp://127.0.0.1:{cam.port}/")}
            right = row.got == WORKS if row.expected == WORKS else row.expected in row.got
            problems = [*cam.problems(), *strays] + ([] if row.seconds <= HANG_S else ["hangs"])
            if not right or problems:
                wrong.append(f"{row.name}: {row.got}, not {row.expected} {problems or ''}")
            result = WORKS if row.got == WORKS else "refused: " + row.got
            print(f"      {row.name:40} tcp  {row.auth:6}  {row.seconds:4.1f} s  {result}")
            check(Rtsp.password.encode() not in cam.received(), f"{row.name} was told the password")
        check(not wrong, "\n".join(wrong))


def test_quirks(s):
    play(s, QUIRKS)


def test_recorded_dialogues(s):
    root = os.path.join(material(), "rtsp-sdp")
    play(s, recorded(root))
