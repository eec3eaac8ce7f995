"""framemux-protocol(7) and framemux-capability(7) as a hostile client speaks them: bytes by hand, not
a line of libframemux. Nothing here keeps to the rules unless it is told to."""
import array
import base64
import contextlib
import hashlib
import mmap
import os
import select
import socket
import struct
import time

MAGIC, VERSION = 0x31584D46, 1
HELLO, OPEN, ATTACHED, REPORT, SHUT = 1, 2, 3, 4, 5
WELCOME, LEASE, STATE, ATTACH = 0x81, 0x82, 0x83, 0x84
FRAME, BEAT, CREDIT = 0x101, 0x102, 0x181
CONNECTING, LIVE, STALE, LOST, REVOKED, REFUSED, CLOSED = range(1, 8)
FINAL = (REVOKED, REFUSED, CLOSED)
DUMP, VERIFY_FULL = 1, 2
NV12, XRGB8888 = (struct.unpack("<I", x)[0] for x in (b"NV12", b"XR24"))
NAME_BYTES, PROOF_BYTES, TAG_BYTES, HEAD_BYTES = 64, 32, 32, 21
CAMERA, UID, UNIT, EXPIRY, SIZE, FPS, MASK, NO_DUMP, LABEL = range(1, 10)
TRAILER_BYTES = 24
FDS_MAX = 253  # of one message: SCM_MAX_FD
ANSWER_S = 15

LAYOUTS = {
    WELCOME: ("version challenge", "<I32s"),
    LEASE: ("view lease", "<IQ"),
    STATE: ("view state reason", "<II160s"),
    ATTACH: ("view lease attach generation camera camera_id width height fourcc slots ring_bytes "
        "color_encoding color_range sar_num sar_den tag_mode stale_ns key",
        "<IQQQ64s32sIIIIQIIIIIQ32s"),
    FRAME: ("slot flags seq capture_ns arrival_ns publish_ns publish_boot_ns tag", "<IIQQQQQ16s"),
    BEAT: ("boot_ns", "<Q"),
}


def message(kind, body=b""):
    return struct.pack("<HH", kind, 4 + len(body)) + body


def hello(magic=MAGIC, version=VERSION):
    return message(HELLO, struct.pack("<II", magic, version))


def blake(key, *parts):
    return hashlib.blake2b(b"".join(parts), key=key, digest_size=32).digest()


class Token:
    """A token taken apart: what travels, and the tag that does not."""

    def __init__(self, body, tag):
        self.body, self.tag = body, tag

    @classmethod
    def parse(cls, text):
        raw = base64.urlsafe_b64decode(text[5:] + "=" * (-len(text[5:]) % 4))
        return cls(raw[:-TAG_BYTES], raw[-TAG_BYTES:])

    def narrowed(self, kind, value=b""):
        caveat = bytes((kind, len(value))) + value
        return Token(self.body + caveat, blake(self.tag, b"framemux caveat 1\0", caveat))

    def caveats(self):
        found, at = [], HEAD_BYTES
        while at < len(self.body):
            end = at + 2 + self.body[at + 1]
            found.append(self.body[at:end])
            at = end
        return found

    def with_caveats(self, caveats):
        """The same tag over other caveats: what a forger can do."""
        return Token(self.body[:HEAD_BYTES] + b"".join(caveats), self.tag)


NO_TOKEN = Token(b"", bytes(TAG_BYTES))


def open_message(camera, token=NO_TOKEN, challenge=None, view=1, width=0, height=0, fourcc=0, fps=0,
        slots=0, flags=DUMP, proof=None):
    """Proven against the challenge, or with that proof, or with none."""
    def build(bytes_of_proof):
        return message(OPEN, struct.pack("<7I", view, width, height, fourcc, fps, slots, flags)
            + camera.encode().ljust(NAME_BYTES, b"\0") + bytes_of_proof
            + struct.pack("<H", len(token.body)) + token.body)

    bare = build(bytes(PROOF_BYTES))
    if proof is None:
        if challenge is None:
            return bare
        proof = blake(token.tag, b"framemux proof 1\0", challenge, bare)
    return build(proof)


class Message:
    def __init__(self, data, fds=()):
        self.kind, self.fds = struct.unpack("<H", data[:2])[0], list(fds)
        names, layout = LAYOUTS[self.kind]
        for name, value in zip(names.split(), struct.unpack(layout, data[4:])):
            if isinstance(value, bytes) and name in ("reason", "camera"):
                value = value.rstrip(b"\0").decode()
            setattr(self, name, value)

    def __repr__(self):
        return f"{self.kind:#x} {({k: v for k, v in vars(self).items() if k not in ('key', 'tag')})}"


def receive(sock):
    """The next message, or None at the end."""
    fds = array.array("i")
    try:
        data, control, _, _ = sock.recvmsg(4096, socket.CMSG_SPACE(FDS_MAX * 4))
    except (ConnectionResetError, BrokenPipeError):
        return None
    for level, kind, value in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(value[:len(value) - len(value) % fds.itemsize])
    return Message(data, fds) if data else None


class Connection:
    """To the client socket, greeted."""

    def __init__(self, path, greet=True):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(ANSWER_S)
        self.sock.connect(path)
        self.view = 0
        self.challenge = bytes(32)
        if greet:
            self.sock.send(hello())
            self.challenge = self.expect(WELCOME).challenge

    def send(self, data):
        """False when the mux has closed the connection."""
        try:
            self.sock.send(data)
            return True
        except (ConnectionResetError, BrokenPipeError):
            return False

    def receive(self):
        return receive(self.sock)

    def expect(self, *kinds):
        """The next message of these kinds; None at the end."""
        while True:
            m = self.receive()
            if m is None or m.kind in kinds:
                return m

    def request(self, camera, token, **terms):
        """Asks; the next view's number."""
        self.view += 1
        terms.setdefault("view", self.view)
        self.send(open_message(camera, token, self.challenge, **terms))
        return terms["view"]

    def verdict(self, camera, token, **terms):
        """What the mux says to it: "leased", "refused: why", "closed"."""
        self.request(camera, token, **terms)
        return self.answer()

    def answer(self):
        while True:
            m = self.receive()
            if m is None:
                return "closed"
            if m.kind == STATE and m.state == REFUSED:
                return "refused: " + m.reason
            if m.kind == LEASE:  # not an ATTACH, which may be of a view from before
                return "leased"

    def is_closed(self):
        """Waits for the end, reading whatever still comes; the messages that did."""
        came = []
        while (m := self.receive()) is not None:
            came.append(m)
        return came

    def attach(self, camera, token, **terms):
        self.request(camera, token, **terms)
        return self.next_attach()

    def next_attach(self, acknowledge=True):
        m = self.expect(ATTACH)
        assert m, "the mux closed the connection"
        if acknowledge:
            self.acknowledge(m)
        return Attach(self, m)

    def acknowledge(self, m, status=0):
        self.send(message(ATTACHED, struct.pack("<IQI", m.view, m.attach, status)))

    def shut(self, view):
        return self.send(message(SHUT, struct.pack("<I", view)))

    def close(self):
        self.sock.close()


class Attach:
    """Ring, dead page and lease socket, as they came."""

    def __init__(self, connection, m):
        self.connection, self.view, self.m = connection, m.view, m
        self.ring_fd, self.dead_fd, sock_fd = m.fds
        self.sock = socket.socket(fileno=sock_fd)
        self.sock.settimeout(ANSWER_S)
        self.slot_bytes = m.ring_bytes // m.slots

    def map(self):
        return mmap.mmap(self.ring_fd, 0, prot=mmap.PROT_READ)

    def frame(self):
        """The next frame message, None at the end. It is not given back."""
        while True:
            m = receive(self.sock)
            if m is None or m.kind == FRAME:
                return m

    def credit(self, slot, seq, acquired=1):
        try:
            self.sock.send(message(CREDIT, struct.pack("<IIQ", slot, acquired, seq)))
            return True
        except (ConnectionResetError, BrokenPipeError):
            return False

    def take(self, n):
        """n frames, each given back; their seqs. Each slot ends as its message says."""
        ring, seqs = self.map(), []
        with contextlib.closing(ring):
            while len(seqs) < n:
                m = self.frame()
                assert m, "the lease socket ended"
                end = (m.slot + 1) * self.slot_bytes
                seq, tag = struct.unpack("<Q16s", ring[end - TRAILER_BYTES:end])
                assert (seq, tag) == (m.seq, m.tag), f"slot {m.slot} is not of frame {m.seq}"
                seqs.append(m.seq)
                self.credit(m.slot, m.seq)
        return seqs

    def close(self):
        self.sock.close()
        os.close(self.ring_fd)
        os.close(self.dead_fd)


def send_fds(sock, data, fds):
    return sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def is_blank(memory):
    return not memory[:].strip(b"\0")


def ended(sock, seconds=ANSWER_S):
    """Whether the other end closes within the time; what is still queued is passed over."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([sock], [], [], left)[0] and receive(sock) is None:
            return True
    return False
