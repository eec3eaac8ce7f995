"""An RTSP camera in Python that tests can bend: it says what a real one said, with its quirks.

A Camera listens and gives each connection to its server, an Rtsp or something that behaves worse.
Everything it was sent is kept, so that a test can see what never left the mux.
"""
import hashlib
import re
import select
import socket
import threading
import time

import rtp

PATIENCE_S = 30  # for a peer that neither speaks nor reads
RATE = 25


class Gone(Exception):
    """The other side has closed the connection."""


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.uri = lines[0].split(" ")[:2]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    @property
    def cseq(self):
        return self.headers.get("cseq", "")

    @property
    def authorization(self):
        return self.headers.get("authorization", "")


class Connection:
    """One connection of the mux: what it was sent, what it asked, when."""

    def __init__(self, sock, number):
        self.sock, self.number = sock, number
        self.begun, self.ended = time.monotonic(), None
        self.asked = self.begun  # the moment of the last request
        self.received, self.buffer = bytearray(), b""
        self.requests = []
        self.error = None  # of the server: a mistake of the test
        sock.settimeout(PATIENCE_S)

    def read(self):
        try:
            data = self.sock.recv(65536)
        except (OSError, ValueError):
            raise Gone from None
        if not data:
            raise Gone
        self.received += data
        self.buffer += data

    def send(self, data):
        try:
            self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        except (OSError, ValueError):
            raise Gone from None

    def pending(self, seconds=0):
        """Whether there is something to read within seconds."""
        try:
            return bool(self.buffer or select.select([self.sock], [], [], seconds)[0])
        except (OSError, ValueError):
            raise Gone from None

    def message(self):
        """The next request; None for an answer to one of ours, or an interleaved report."""
        while len(self.buffer) < 4:
            self.read()
        if self.buffer[0] == ord("$"):
            end = 4 + int.from_bytes(self.buffer[2:4], "big")
            while len(self.buffer) < end:
                self.read()
            self.buffer = self.buffer[end:]
            return None
        while b"\r\n\r\n" not in self.buffer:
            self.read()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if head.startswith(b"RTSP/"):
            return None
        request = Request(head)
        self.requests.append(request)
        self.asked = time.monotonic()
        return request

    def rest(self, seconds):
        """Waits for so long, or until the other side is gone."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.pending(max(0, end - time.monotonic())):
                self.read()
                self.buffer = b""


class Camera:
    """Listens on a port of its own. server(connection) is called for each connection, in a thread."""

    def __init__(self, server, host="127.0.0.1", port=0, wrap=None):
        self.server, self.host, self.wrap = server, host, wrap
        self.connections = []
        self.listener = socket.create_server((host, port))
        self.listener.settimeout(0.1)
        self.port = self.listener.getsockname()[1]
        if hasattr(server, "at"):
            server.at(host, self.port)
        self.closing = False
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        while not self.closing:
            try:
                sock, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            connection = Connection(sock, len(self.connections))
            self.connections.append(connection)
            thread = threading.Thread(target=self.talk, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def talk(self, connection):
        try:
            if self.wrap:
                connection.sock = self.wrap(connection.sock)
            self.server(connection)
        except (Gone, OSError):
            pass
        except Exception as e:  # said by problems()
            connection.error = e
        finally:
            connection.ended = time.monotonic()
            connection.sock.close()

    def received(self):
        return b"".join(bytes(c.received) for c in self.connections)

    def requests(self, method=None):
        return [r for c in self.connections for r in c.requests if method in (None, r.method)]

    def pauses(self):
        """Seconds from the end of each connection to the beginning of the next."""
        c = self.connections
        return [b.begun - a.ended for a, b in zip(c, c[1:]) if a.ended]

    def problems(self):
        return [repr(c.error) for c in self.connections if c.error]

    def close(self):
        self.closing = True
        self.listener.close()
        for c in self.connections:
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except (OSError, ValueError):
                pass
        for thread in self.threads:
            thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def digest_is_right(request, user, password, realm, nonce):
    """RFC 2617, MD5, with qop or without."""
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', request.authorization))
    ha1, ha2 = md5(user, realm, password), md5(request.method, fields.get("uri", ""))
    middle = (fields["nc"], fields["cnonce"], "auth") if "qop" in fields else ()
    return fields.get("uri") == request.uri and fields.get("nonce") == nonce and \
        fields.get("response") == md5(ha1, nonce, *middle, ha2)


SDP = ("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=Session", "t=0 0", "a=control:*",
    "m=video 0 RTP/AVP 96", "a=rtpmap:96 {codec}/90000", "a=control:trackID=1")
PUBLIC = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"


class Rtsp:
    """
    A camera that answers as one should; what it does otherwise is in its arguments:
    sdp: lines or text; statuses: {method: "404 Not Found"}; lines: {method: header lines, in place
    of the usual}, with {base}, {host}, {port}; form: a function on each head; eol; cseq: how the
    number is written; digest: a challenge without scheme, and bare401 without CSeq; channel of RTP;
    early: RTP before the answer to PLAY; asks: a request of its own in mid-stream; marker, kind: see
    rtp.py; track: how the URL of SETUP has to end; user, password.
    """

    user, password = "viewer", "s3cret-Word-9"

    def __init__(self, clip=None, **quirks):
        self.clip = clip
        self.sdp = quirks.pop("sdp", SDP)
        self.statuses = quirks.pop("statuses", {})
        self.lines = quirks.pop("lines", {})
        self.form = quirks.pop("form", lambda head: head)
        self.eol = quirks.pop("eol", "\r\n")
        self.cseq = quirks.pop("cseq", "CSeq: {}")
        self.digest = quirks.pop("digest", None)
        self.bare401 = quirks.pop("bare401", False)
        self.channel = quirks.pop("channel", 0)
        self.early = quirks.pop("early", False)
        self.asks = quirks.pop("asks", None)
        self.marker = quirks.pop("marker", "last")
        self.kind = quirks.pop("kind", 96)
        self.track = quirks.pop("track", "")
        assert not quirks, quirks
        self.names = {"codec": clip.codec if clip else "H264"}

    def at(self, host, port):
        self.names.update(host=host, port=port, base=f"rtsp://{host}:{port}/cam")

    def fill(self, text):
        for name, value in self.names.items():
            text = text.replace("{%s}" % name, str(value))
        return text

    def description(self):
        text = self.sdp if isinstance(self.sdp, str) else "".join(x + "\r\n" for x in self.sdp)
        return self.fill(text)

    def reply(self, request, *lines, body="", status="200 OK"):
        head = [f"RTSP/1.0 {status}", self.cseq.format(request.cseq), *lines]
        if body:
            head += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        return self.form(self.eol.join([*filter(None, head), "", ""])) + body

    def usual(self, method):
        return {"OPTIONS": [PUBLIC], "DESCRIBE": ["Content-Base: {base}/"],
            "SETUP": ["Session: 4711;timeout=60",
                f"Transport: RTP/AVP/TCP;unicast;interleaved={self.channel}-{self.channel + 1}"],
            "PLAY": ["Session: 4711", "RTP-Info: url=trackID=1;seq=1;rtptime=0"],
            "GET_PARAMETER": ["Session: 4711"], "TEARDOWN": []}.get(method)

    def challenge(self, connection, request):
        """True when the request has to be authorised and is not."""
        if not self.digest or request.method == "OPTIONS":
            return False
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', self.digest))
        if request.authorization and digest_is_right(request, self.user, self.password,
                fields["realm"], fields["nonce"]):
            return False
        text = self.reply(request, "WWW-Authenticate: Digest " + self.digest,
            status="401 Unauthorized")
        if self.bare401:
            text = re.sub(r"CSeq:[^\n]*\n", "", text)
        connection.send(text)
        return True

    def answer(self, connection, request):
        """The answer to a request as text, or None when all is said."""
        if self.challenge(connection, request):
            return None
        method = request.method
        lines = self.lines.get(method, self.usual(method))
        status = self.statuses.get(method)
        if lines is None:
            status, lines = status or "501 Not Implemented", []
        if method == "SETUP" and not request.uri.endswith(self.fill(self.track)):
            status, lines = "404 Not Found", []
        lines = [self.fill(x) for x in lines]
        body = self.description() if method == "DESCRIBE" and not status else ""
        return self.reply(request, *lines, body=body, status=status or "200 OK")

    def __call__(self, connection):
        while True:
            request = connection.message()
            if request is None:
                continue
            text = self.answer(connection, request)
            if text is None:
                continue
            plays = request.method == "PLAY" and "RTSP/1.0 200" in text
            if plays and self.early:
                self.send_picture(connection, 0, self.begin())
                connection.send(text)
                self.play(connection)
            connection.send(text)
            if plays:
                self.play(connection)

    def begin(self):
        self.sender = rtp.Sender(self.kind)
        return self.sender

    def send_picture(self, connection, number, sender):
        units = self.clip.units
        packets = sender.picture(self.clip.codec, units[number % len(units)], self.marker)
        connection.send(b"".join(rtp.interleaved(p, self.channel) for p in packets))

    def play(self, connection):
        """Sends the clip round and round, and answers what is asked meanwhile."""
        sender = self.sender if self.early else self.begin()
        if not self.clip:
            connection.rest(3600)
        due, number = time.monotonic(), 1 if self.early else 0
        while True:
            self.send_picture(connection, number, sender)
            number += 1
            if self.asks and number == 3:
                connection.send(self.fill(f"{self.asks} {{base}} RTSP/1.0\r\nCSeq: 900\r\n"
                    "Session: 4711\r\n\r\n"))
            due += 1 / RATE
            while connection.pending(max(0, due - time.monotonic())):
                self.between(connection)

    def between(self, connection):
        request = connection.message()
        if request:
            text = self.answer(connection, request)
            connection.send(text or "")
            if request.method == "TEARDOWN":
                raise Gone
