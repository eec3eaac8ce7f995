"""The evil camera: what a malicious RTSP, HTTP or TLS camera says, case by case.

Each class is the server of a dialogues.Camera; most are a good camera up to the point where they turn.
The rows of REDTEAM that they belong to are in test_camera.py. Python's standard library only.
"""
import random
import re
import select
import socket
import ssl
import struct
import threading
import time

import rtp
from dialogues import RATE, Gone, Rtsp

ELSEWHERE = "127.0.0.9"  # a third host, of ours


class Trap:
    """A host that nobody may speak to: TCP and UDP on one port of an address."""

    def __init__(self, host):
        self.host, self.heard = host, bytearray()
        self.visitors = 0
        self.tcp = socket.create_server((host, 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = []
        for port in (self.port, self.port + 1):
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.append(u)
            u.bind((host, port))
        self.open, self.closing = [], False
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while not self.closing:
            waiting = [self.tcp, *self.udp, *self.open]
            for s in select.select(waiting, [], [], 0.1)[0]:
                if s is self.tcp:
                    self.open.append(s.accept()[0])
                    self.visitors += 1
                    continue
                data = s.recv(65536)
                self.heard += data
                if s in self.udp:
                    self.visitors += 1
                elif not data:
                    self.open.remove(s)
                    s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing = True
        self.thread.join()
        for s in (self.tcp, *self.udp, *self.open):
            s.close()


# ---- leads elsewhere ----------------------------------------------------------------------------

def redirects(method, url, digest=None):
    """302 in answer to a method, after authentication where there is a challenge."""
    return Rtsp(statuses={method: "302 Moved Temporarily"}, lines={method: ["Location: " + url]},
        digest=digest)


class RedirectsLater(Rtsp):
    """A REDIRECT request in mid-stream (RFC 2326 10.10)."""

    def __init__(self, clip, url):
        super().__init__(clip)
        self.url = url

    def play(self, connection):
        sender = self.begin()
        for number in range(5):
            self.send_picture(connection, number, sender)
        connection.send(f"REDIRECT {self.url} RTSP/1.0\r\nCSeq: 9\r\nLocation: {self.url}\r\n\r\n")
        connection.rest(3600)


def points_to(clip, trap):
    """Every place of a dialogue that names an address names the trap's."""
    url = f"rtsp://{trap.host}:{trap.port}/cam"
    sdp = ("v=0", f"o=- 1 1 IN IP4 {trap.host}", "s=-", f"c=IN IP4 {trap.host}", "t=0 0",
        f"a=control:{url}/", f"m=video {trap.port} RTP/AVP 96", f"c=IN IP4 {trap.host}",
        "a=rtpmap:96 {codec}/90000", f"a=control:{url}/trackID=1",
        f"a=rtcp:{trap.port + 1} IN IP4 {trap.host}")
    return Rtsp(clip, sdp=sdp, lines={
        "DESCRIBE": [f"Content-Base: {url}/", f"Content-Location: {url}/"],
        "SETUP": ["Session: 4711;timeout=2", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;"
            f"source={trap.host};destination={trap.host};server_port={trap.port}-{trap.port + 1}",
            f"Location: {url}"],
        "PLAY": ["Session: 4711", f"RTP-Info: url={url}/trackID=1;seq=1;rtptime=0"]})


class HttpRedirects:
    """HTTP: 302, after a digest challenge where asked is set."""

    def __init__(self, url, asked):
        self.url, self.asked = url, asked

    def __call__(self, connection):
        while True:
            request = connection.message()
            if self.asked and not request.authorization:
                connection.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
                    'WWW-Authenticate: Digest realm="cam", nonce="n1"\r\n\r\n')
                continue
            connection.send(f"HTTP/1.1 302 Found\r\nLocation: {self.url}\r\nContent-Length: 0\r\n\r\n")


# ---- never comes to an end ----------------------------------------------------------------------

class HugeBody(Rtsp):
    def answer(self, connection, request):
        if request.method != "DESCRIBE":
            return super().answer(connection, request)
        connection.send(self.reply(request, "Content-Length: 2147483648"))
        while True:
            connection.send(b"v=0\r\n" * 8192)


class EndlessHeaders(Rtsp):
    def answer(self, connection, request):
        connection.send("RTSP/1.0 200 OK\r\n")
        while True:
            connection.send(b"X-Filler: 0123456789\r\n" * 512)


class Drips(Rtsp):
    """A byte a second, of an answer that is right."""

    def answer(self, connection, request):
        for c in super().answer(connection, request):
            connection.send(c)
            connection.rest(1)


class Silent(Rtsp):
    """Says nothing any more after PLAY."""

    def play(self, connection):
        connection.rest(3600)


class Floods(Rtsp):
    """Packets without end or picture: parameter sets, or one NAL unit that never ends."""

    def __init__(self, clip, of):
        super().__init__(clip)
        self.of = of

    def payload(self, number):
        sets = self.clip.parameter_sets()
        if self.of == "sets":
            return sets[number % len(sets)] + bytes(rtp.MTU)
        return bytes([0x7c, 0x85 if number == 0 else 0x05]) + bytes([number & 0x7f | 1]) * rtp.MTU

    def play(self, connection):
        sender, number = self.begin(), 0
        while True:
            batch = []
            for _ in range(64):
                batch.append(rtp.interleaved(sender.packet(self.payload(number),
                    self.of == "sets" and number % 3 == 2)))
                number += 1
                if self.of == "sets" and number % 1000 == 0:
                    sender.timestamp += sender.step
            connection.send(b"".join(batch))
            connection.rest(0.02)  # 4 MB a second


class Closes(Rtsp):
    """Ends each connection at once."""

    def __call__(self, connection):
        connection.message()


# ---- wants what it must not have ----------------------------------------------------------------

def wants_basic(method="DESCRIBE"):
    return Rtsp(statuses={method: "401 Unauthorized"},
        lines={method: ['WWW-Authenticate: Basic realm="cam"']})


class Relays(Rtsp):
    """Passes on the challenge of another camera: realm and nonce are the victim's.

    The first connection is challenged with a realm of its own, so that it is known under that one.
    """

    own = 'realm="evil", nonce="e1"'

    def __init__(self, victim):
        super().__init__()
        self.victim = victim

    def __call__(self, connection):
        while True:
            request = connection.message()
            if request.method == "OPTIONS":
                connection.send(self.reply(request))
                continue
            own = connection.number == 0
            if own and request.authorization:
                raise Gone  # the password is taken; now for the other camera's realm
            connection.send(self.reply(request, "WWW-Authenticate: Digest "
                + (self.own if own else self.victim), status="401 Unauthorized"))


# ---- media --------------------------------------------------------------------------------------

class Fuzzed(Rtsp):
    """A good dialogue with good media, changed at random in one layer; each connection otherwise."""

    SECONDS = 2.5  # of a connection

    def __init__(self, clip, layer, seed, **quirks):
        super().__init__(clip, **quirks)
        self.layer, self.seed = layer, seed

    def dice(self, connection):
        return random.Random(self.seed * 1000 + connection.number)

    def answer(self, connection, request):
        text = super().answer(connection, request)
        if self.layer == "RTSP" and connection.number % 2 == 0:
            return mutate(text.encode("latin-1"), self.dice(connection), 2).decode("latin-1")
        return text

    def description(self):
        text = super().description()
        if self.layer != "SDP":
            return text
        self.seed += 1
        return mutate(text.encode(), random.Random(self.seed), 3).decode("latin-1")

    def damage(self, packet, dice):
        if self.layer == "RTP" and dice.random() < 0.3:
            return mutate(packet[:16], dice, 1) + packet[16:]
        if self.layer == "media" and dice.random() < 0.1:
            return packet[:12] + mutate(packet[12:], dice, 1 + dice.randrange(8))
        return packet

    def play(self, connection):
        dice, sender, number = self.dice(connection), self.begin(), 0
        end = time.monotonic() + self.SECONDS
        while time.monotonic() < end:
            unit = self.clip.units[number % len(self.clip.units)]
            for packet in sender.picture(self.clip.codec, unit):
                connection.send(rtp.interleaved(self.damage(packet, dice)[:65535]))
            if self.layer == "RTSP" and dice.random() < 0.2:
                connection.send(mutate(b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n", dice, 2))
            number += 1
            connection.rest(1 / RATE)
        raise Gone


def mutate(data, dice, times):
    """Bytes flipped, put in, taken out, doubled."""
    data = bytearray(data)
    for _ in range(times):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(5)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 9)))
        elif kind == 2:
            del data[at:at + dice.randrange(1, 17)]
        elif kind == 3:
            data[at:at + 4] = dice.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"9999999999", b"\r\n"))
        else:
            data[at:at] = data[at // 2:at]
    return bytes(data)


class Changes(Rtsp):
    """Another size every few pictures, each change with a key picture."""

    EVERY = 5

    def __init__(self, clips):
        super().__init__(clips[0])
        self.clips = clips

    def play(self, connection):
        sender, number = self.begin(), 0
        while True:
            which = number // self.EVERY % len(self.clips)
            clip = self.clips[which]
            for packet in sender.picture(clip.codec, clip.units[number % self.EVERY]):
                connection.send(rtp.interleaved(packet))
            number += 1
            connection.rest(1 / RATE)


class Bits:
    """Writes Exp-Golomb codes (H.264 9.1)."""

    def __init__(self):
        self.text = ""

    def u(self, bits, value):
        self.text += f"{value:0{bits}b}"
        return self

    def ue(self, value):
        word = f"{value + 1:b}"
        self.text += "0" * (len(word) - 1) + word
        return self

    def rbsp(self):
        """With the stop bit, and emulation prevention."""
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        out, zeros = bytearray(), 0
        for i in range(0, len(text), 8):
            b = int(text[i:i + 8], 2)
            if zeros >= 2 and b <= 3:
                out.append(3)
                zeros = 0
            out.append(b)
            zeros = 0 if b else zeros + 1
        return bytes(out)


def giant_sps(side):
    """An H.264 sequence parameter set (7.3.2.1.1) of side x side, baseline, level 6.2."""
    b = Bits().ue(0).ue(0).ue(2).ue(1).u(1, 0)  # id; frame number; order type 2; one reference
    b.ue(side // 16 - 1).ue(side // 16 - 1).u(1, 1).u(1, 1).u(1, 0).u(1, 0)
    return bytes([0x67, 66, 0xc0, 62]) + b.rbsp()


class Giant(Rtsp):
    """Parameter sets of side x side, and slices for them."""

    sent = 0

    def __init__(self, clip, side):
        super().__init__(clip)
        self.sets = giant_sps(side)

    def play(self, connection):
        sender = self.begin()
        while True:
            unit = [n for n in self.clip.units[0] if rtp.nal_type("H264", n) != 7]
            for packet in sender.picture("H264", [self.sets] + unit):
                connection.send(rtp.interleaved(packet))
            self.sent += 1
            connection.rest(1 / RATE)


class Clocks(Rtsp):
    """Timestamps that jump, wrap, go back, repeat, or never move."""

    sent = 0

    def __init__(self, clip, how):
        super().__init__(clip)
        self.how = how

    def play(self, connection):
        sender, number, dice = self.begin(), 0, random.Random(32)
        if self.how == "wraps":
            sender.timestamp = (1 << 32) - 10 * sender.step
        while True:
            self.send_picture(connection, number, sender)
            number += 1
            self.sent += 1
            if self.how == "jumps" and number % 7 == 0:
                sender.timestamp += dice.randrange(1 << 32)
            elif self.how == "goes back" and number % 7 == 0:
                sender.timestamp -= 50 * sender.step
            elif self.how == "repeats" and number % 3:
                sender.timestamp -= sender.step
            elif self.how == "never moves":
                sender.timestamp = 0
            connection.rest(1 / RATE)


class Injected(Rtsp):
    """RTSP over UDP; a third host sends another clip to the same ports, before they are connected and
    all the time, with the camera's own SSRC."""

    def __init__(self, clip, foreign, third="127.0.0.2"):
        super().__init__(clip)
        self.foreign, self.third = foreign, third
        self.thief, self.injected = rtp.Sender(), 0

    def answer(self, connection, request):
        text = super().answer(connection, request)
        ports = re.search(r"client_port=(\d+)", request.headers.get("transport", ""))
        if request.method != "SETUP":
            return text
        if not ports:
            return self.reply(request, status="461 Unsupported Transport")
        self.to = int(ports[1])
        for _ in range(20):
            self.inject(self.to)
        self.own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.own.bind((self.names["host"], 0))
        port = self.own.getsockname()[1]
        return self.reply(request, "Session: 4711", f"Transport: RTP/AVP;unicast;client_port={self.to}-"
            f"{self.to + 1};server_port={port}-{port + 1}")

    def inject(self, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as third:
            third.bind((self.third, 0))
            unit = self.foreign.units[0]
            for packet in self.thief.picture(self.foreign.codec, unit):
                third.sendto(packet, ("127.0.0.1", port))
                self.injected += 1

    def play(self, connection):
        sender, number = self.begin(), 0
        with self.own:
            while True:
                unit = self.clip.units[number % len(self.clip.units)]
                for packet in sender.picture(self.clip.codec, unit):
                    self.own.sendto(packet, ("127.0.0.1", self.to))
                self.inject(self.to)
                number += 1
                connection.rest(1 / RATE)


class FuzzedMultipart:
    """HTTP multipart MJPEG, changed at random: boundaries, headers of parts, pictures."""

    def __init__(self, clip, seed):
        self.clip, self.seed = clip, seed

    def __call__(self, connection):
        dice, number = random.Random(self.seed * 1000 + connection.number), 0
        connection.message()
        connection.send("HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n")
        end = time.monotonic() + Fuzzed.SECONDS
        while time.monotonic() < end:
            jpeg = self.clip.units[number % len(self.clip.units)][0]
            part = (b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                + jpeg + b"\r\n")
            connection.send(mutate(part, dice, 4) if dice.random() < 0.3 else part)
            number += 1
            connection.rest(1 / RATE)


# ---- TLS ----------------------------------------------------------------------------------------

def tls_wrap(certificate, key):
    """For Camera's wrap: a TLS server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def wrap(sock):
        return context.wrap_socket(sock, server_side=True)
    return wrap
