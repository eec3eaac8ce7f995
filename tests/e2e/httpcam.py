#!/usr/bin/env python3
"""An HTTP camera with the habits of real ones, and worse. The path of the URL says which.

    httpcam.py CLIP [--fps N] [--user NAME --password-file FILE]

CLIP: JPEGs one behind another. Prints "READY PORT". Python's standard library only.
"""
import argparse
import hashlib
import re
import socket
import socketserver
import sys
import threading
import time

BOUNDARY = b"framesfollow"


def split(clip):
    """The JPEGs of a clip. Not by markers in the data: made by one encoder, they begin alike."""
    starts = [m.start() for m in re.finditer(re.escape(clip[:6]), clip)] + [len(clip)]
    return [clip[a:b] for a, b in zip(starts, starts[1:])]


def segment(code, payload):
    return bytes([0xff, code]) + (len(payload) + 2).to_bytes(2, "big") + payload


def without_tables(jpeg):
    """Without its Huffman tables, as webcams send it."""
    at, out = 2, jpeg[:2]
    while jpeg[at + 1] != 0xda:
        end = at + 2 + int.from_bytes(jpeg[at + 2:at + 4], "big")
        if jpeg[at + 1] != 0xc4:
            out += jpeg[at:end]
        at = end
    return out + jpeg[at:]


def part(jpeg, boundary=b"--" + BOUNDARY, length=True, more=b"", eol=b"\r\n"):
    lines = [boundary, b"Content-Type: image/jpeg"]
    if length is not False:
        lines.append(b"Content-Length: " + (str(len(jpeg)).encode() if length is True else length))
    return eol.join(lines + ([more] if more else []) + [b"", jpeg, b""])


def lying(change):
    return lambda jpeg, i: part(jpeg, length=change(len(jpeg)))


def stamp(jpeg, i):
    return part(jpeg, more=b"X-Timestamp: %.6f" % (time.time() - 0.25))


def cut(jpeg, i):
    """Every third picture ends too early, and now and then one within a long segment."""
    if i % 3 == 1:
        return part(jpeg[:len(jpeg) // 2], length=str(len(jpeg)).encode())
    if i % 9 == 2:
        return part(jpeg[:len(jpeg) // 2] + segment(0xfe, b"x" * 60000)[:10])
    return part(jpeg)


def noisy(jpeg, i):
    """Other parts, and garbage between the parts."""
    page = b"<p>\xff\xd8 no picture \xff</p>"
    return part(jpeg) + b"\0\xff\xff\xd8\0garbage\r\n" + part(page, more=b"X-Note: odd")


def thumbnail(jpeg, i):
    """A whole small picture and a boundary's beginning within the segments of the picture."""
    inner = segment(0xe1, b"Exif\0\0" + b"\xff\xd8\xff\xdb\0\x04ab\xff\xda\0\x02x\xff\xd9\r\n--fra")
    return part(jpeg[:2] + inner + segment(0xfe, b"\xff\xd8\xff\xd9") + jpeg[2:])


MIXED = "multipart/x-mixed-replace; boundary=" + BOUNDARY.decode()

# name: (Content-Type or "", how a picture is sent)
STREAMS = {
    "plain": (MIXED, lambda jpeg, i: part(jpeg)),
    "length-short": (MIXED, lying(lambda n: str(n // 2).encode())),
    "length-long": (MIXED, lying(lambda n: str(n + 4000).encode())),
    "length-2gb": (MIXED, lying(lambda n: b"2147483648")),
    "length-odd": (MIXED, lying(lambda n: b"-1")),
    "length-padded": (MIXED, lying(lambda n: b"      %d    " % n)),
    "length-none": (MIXED, lambda jpeg, i: part(jpeg, length=False)),
    "line-feeds": (MIXED, lambda jpeg, i: part(jpeg, eol=b"\n")),
    "boundary-quoted": (f'Multipart/X-Mixed-Replace;BOUNDARY="{BOUNDARY.decode()}"',
        lambda jpeg, i: part(jpeg)),
    "boundary-dashes": ("multipart/x-mixed-replace;boundary=--" + BOUNDARY.decode(),
        lambda jpeg, i: part(jpeg)),
    "boundary-more-dashes": ("multipart/x-mixed-replace;boundary=--" + BOUNDARY.decode(),
        lambda jpeg, i: part(jpeg, boundary=b"----" + BOUNDARY)),
    "boundary-bare": (MIXED, lambda jpeg, i: part(jpeg, boundary=BOUNDARY)),
    "boundary-other": (MIXED, lambda jpeg, i: part(jpeg, boundary=b"--another")),
    "boundary-none": ("multipart/x-mixed-replace", lambda jpeg, i: part(jpeg)),
    "no-type": ("", lambda jpeg, i: part(jpeg)),
    "concatenated": ("image/jpeg", lambda jpeg, i: jpeg),
    "bytes": ("application/octet-stream", lambda jpeg, i: jpeg),
    "no-tables": (MIXED, lambda jpeg, i: part(without_tables(jpeg))),
    "thumbnail": (MIXED, thumbnail),
    "noisy": (MIXED, noisy),
    "stamped": (MIXED, stamp),
    "cut": (MIXED, cut),
}


class Gone(Exception):
    """The client has left."""


class Handler(socketserver.BaseRequestHandler):
    def send(self, data):
        try:
            self.request.sendall(data)
        except OSError:
            raise Gone from None

    def read_request(self):
        """Method, target, and the headers in lower case."""
        text = b""
        while b"\r\n\r\n" not in text:
            try:
                got = self.request.recv(4096)
            except OSError:
                got = b""
            if not got:
                raise Gone
            text += got
        first, *lines = text.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        headers = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines)}
        assert version == "HTTP/1.1" and headers["host"] and headers["user-agent"], text
        return method, target, headers

    def handle(self):
        try:
            while True:
                method, target, headers = self.read_request()
                name, _, rest = target.lstrip("/").partition("?")[0].partition("/")
                print(f"{method} {target}{' authorised' if 'authorization' in headers else ''}",
                    file=sys.stderr, flush=True)
                if not getattr(self, "do_" + name.replace("-", "_"), self.stream)(
                        name, rest, target, headers):
                    return
        except Gone:
            pass

    def reply(self, status, kind, body=b"", more="", keep=True):
        self.send(f"HTTP/1.1 {status}\r\n{more}Content-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: {'keep-alive' if keep else 'close'}\r\n\r\n"
            .encode("latin-1") + body)
        return keep

    def wait_for_end(self):
        try:
            self.request.recv(1)
        except OSError:
            pass

    # ---- streams

    def pictures(self):
        i, start = 0, time.monotonic()
        while True:
            yield i, self.server.frames[i % len(self.server.frames)]
            i += 1
            time.sleep(max(0, start + i / self.server.fps - time.monotonic()))

    def stream(self, name, rest, target, headers):
        kind, make = STREAMS[name]
        self.send(b"HTTP/1.1 200 OK\r\nServer: httpcam\r\n"
            + (f"Content-Type: {kind}\r\n".encode() if kind else b"") + b"\r\n")
        for i, jpeg in self.pictures():
            self.send(make(jpeg, i))

    def do_old(self, name, rest, target, headers):
        """HTTP/1.0, without words behind the status, folded and padded lines, line feeds."""
        self.send(b"HTTP/1.0 200\nContent-Type:   multipart/x-mixed-replace;\n\t boundary=\""
            + BOUNDARY + b"\"   \nX-Empty:\n\n")
        for i, jpeg in self.pictures():
            self.send(part(jpeg))

    def do_chunked(self, name, rest, target, headers):
        """Chunks of odd sizes that end anywhere; extensions; a 100 first."""
        self.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: " + MIXED.encode() + b"\r\n\r\n")
        for i, jpeg in self.pictures():
            data, size = part(jpeg), 1
            while data:
                size = size * 7 % 4093 + 1
                piece, data = data[:size], data[size:]
                self.send(b"%X;note=1\r\n" % len(piece) + piece + b"\r\n")

    # ---- refusals

    def do_moved(self, name, rest, target, headers):
        return self.reply("302 Found", "text/html", more="Location: http://127.0.0.1:1/plain\r\n")

    def do_status(self, name, rest, target, headers):
        return self.reply(f"{rest} It Says", "text/plain", b"no\n")

    def do_page(self, name, rest, target, headers):
        return self.reply("200 OK", "text/html; charset=utf-8", b"<html>log in</html>")

    def do_still(self, name, rest, target, headers):
        return self.reply("200 OK", "image/jpeg", self.server.frames[0])

    def do_still_unsized(self, name, rest, target, headers):
        self.send(b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + self.server.frames[0])

    def do_other_protocol(self, name, rest, target, headers):
        self.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.wait_for_end()

    def do_endless_headers(self, name, rest, target, headers):
        self.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.send(b"X-More: and more\r\n")

    def do_dribble(self, name, rest, target, headers):
        """A byte now and then, for ever: each wait is short, the whole is not."""
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 100000:
            self.send(bytes([byte]))
            time.sleep(0.2)

    def do_silent(self, name, rest, target, headers):
        self.wait_for_end()

    def do_stall(self, name, rest, target, headers):
        """Ten pictures and a half."""
        self.send(b"HTTP/1.1 200 OK\r\nContent-Type: " + MIXED.encode() + b"\r\n\r\n")
        for i, jpeg in self.pictures():
            self.send(part(jpeg if i < 10 else jpeg[:len(jpeg) // 2]))
            if i == 10:
                self.wait_for_end()
                return

    def do_garbage(self, name, rest, target, headers):
        self.send(b"HTTP/1.1 200 OK\r\nContent-Type: " + MIXED.encode() + b"\r\n\r\n")
        while True:
            self.send(b"\xff\xd8\xff\xd9 none " * 10000)
            time.sleep(0.01)

    def do_bad_chunk(self, name, rest, target, headers):
        self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: "
            + MIXED.encode() + b"\r\n\r\nFFFFFFFFF\r\n")
        self.wait_for_end()

    def do_huge(self, name, rest, target, headers):
        """Pictures that say they are 65500x65500."""
        self.send(b"HTTP/1.1 200 OK\r\nContent-Type: " + MIXED.encode() + b"\r\n\r\n")
        for i, jpeg in self.pictures():
            at = jpeg.index(b"\xff\xc0") + 5
            self.send(part(jpeg[:at] + b"\xff\xdc\xff\xdc" + jpeg[at + 4:]))

    # ---- passwords

    def do_basic(self, name, rest, target, headers):
        return self.reply("401 Unauthorized", "text/plain", more='WWW-Authenticate: Basic realm="cam"\r\n')

    def is_right(self, algorithm, target, headers):
        """RFC 7616 by the book; a nonce is good until the server says otherwise, a count once."""
        kind, _, rest = headers.get("authorization", "").partition(" ")
        said = {k: (q or v) for k, q, v in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', rest)}
        if kind != "Digest" or said.get("nonce") not in self.server.nonces:
            return False
        name = algorithm.lower().removesuffix("-sess")
        h = lambda *x: (hashlib.sha256 if name == "sha-256" else hashlib.md5)(
            ":".join(x).encode()).hexdigest()
        ha1 = h(self.server.user, "cam", self.server.password)
        if algorithm.lower().endswith("-sess"):
            ha1 = h(ha1, said["nonce"], said["cnonce"])
        ha2 = h("GET", target)
        if "qop" in said:
            count = (said["nonce"], said["nc"])
            if count in self.server.counts:
                return False
            self.server.counts.add(count)
            want = h(ha1, said["nonce"], said["nc"], said["cnonce"], said["qop"], ha2)
        else:
            want = h(ha1, said["nonce"], ha2)
        return said["response"] == want and said["uri"] == target and \
            said["username"] == self.server.user

    def do_secret(self, name, rest, target, headers):
        """secret/HABIT/ALGORITHM: HABIT keep, close, late (closes in spite of its word), stale."""
        habit, _, algorithm = rest.partition("/")
        if self.is_right(algorithm or "md5", target, headers):
            if habit != "stale" or self.server.stale:
                return self.stream("plain", "", target, headers)
            self.server.stale = True
        with self.server.lock:
            nonce = f"nonce{len(self.server.nonces)}"
            self.server.nonces.add(nonce)
        challenge = f'Digest realm="cam", nonce="{nonce}"'
        if algorithm:
            challenge += f", algorithm={algorithm}"
        if algorithm != "MD5":
            challenge += ', qop="auth,auth-int", opaque="dark"'
        if habit == "stale" and self.server.stale:
            challenge += ", stale=true"
        keep = self.reply("401 Unauthorized", "text/html", b"<html>no</html>" * 50,
            f'WWW-Authenticate: Basic realm="cam"\r\nWWW-Authenticate: {challenge}\r\n',
            keep=habit != "close")
        return keep and habit != "late"


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True


def main():
    p = argparse.ArgumentParser()
    p.add_argument("clip")
    p.add_argument("--fps", type=float, default=25)
    p.add_argument("--user", default="viewer")
    p.add_argument("--password-file")
    args = p.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    with open(args.clip, "rb") as f:
        server.frames = split(f.read())
    server.fps, server.user, server.password = args.fps, args.user, None
    if args.password_file:
        with open(args.password_file) as f:
            server.password = f.read().strip()
    server.nonces, server.counts, server.lock, server.stale = set(), set(), threading.Lock(), False
    print(f"READY {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
