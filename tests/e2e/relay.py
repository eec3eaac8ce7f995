"""A network as bad as one likes, between framemux and an RTSP camera over UDP.

A relay takes a control connection, passes it on to the server with the ports of RTP and RTCP
replaced by its own, and moves the datagrams: in another order, late, twice or not at all, as a
seeded random says. It also knows how to be somebody else who sends to the client's ports.
"""
import heapq
import random
import re
import select
import socket
import threading
import time

GATHER_S = 0.002  # packets of one burst, to have some to put out of order


def udp_pair(host="127.0.0.1"):
    """Two sockets on adjacent ports, the first even."""
    while True:
        first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        first.bind((host, 0))
        second = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port = first.getsockname()[1]
        try:
            if port % 2 == 0:
                second.bind((host, port + 1))
                break
        except OSError:
            pass
        first.close()
        second.close()
    for s in (first, second):
        s.setblocking(False)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return first, second


class Messages:
    """One direction of a control connection: whole RTSP messages and interleaved frames."""

    def __init__(self):
        self.data = b""

    def take(self, data):
        self.data += data
        while self.data:
            if self.data[0] == ord("$"):
                size = 4 + int.from_bytes(self.data[2:4], "big") if len(self.data) >= 4 else None
            else:
                head = self.data.find(b"\r\n\r\n")
                size = None
                if head >= 0:
                    body = re.search(rb"(?i)^content-length: *(\d+)", self.data[:head], re.M)
                    size = head + 4 + (int(body.group(1)) if body else 0)
            if size is None or len(self.data) < size:
                return
            yield self.data[:size]
            self.data = self.data[size:]


class Session:
    """One control connection and its datagrams."""

    def __init__(self, relay, client):
        self.relay, self.client = relay, client
        self.server = socket.create_connection(("127.0.0.1", relay.server_port))
        self.up, self.down = Messages(), Messages()
        self.to_client, self.to_server = udp_pair(), udp_pair()
        self.client_ports = self.server_ports = None

    def sockets(self):
        return [self.client, self.server, *self.to_client, *self.to_server]

    def close(self):
        for s in self.sockets():
            s.close()

    def request(self, message):
        found = re.search(rb"client_port=(\d+)-(\d+)", message)
        if found:
            self.client_ports = [int(p) for p in found.groups()]
            ours = self.to_server[0].getsockname()[1]
            message = message.replace(found.group(), b"client_port=%d-%d" % (ours, ours + 1))
        return message

    def reply(self, message):
        found = re.search(rb"server_port=(\d+)-(\d+)", message)
        if found:
            self.server_ports = [int(p) for p in found.groups()]
            ours = self.to_client[0].getsockname()[1]
            message = message.replace(found.group(), b"server_port=%d-%d" % (ours, ours + 1))
            message = re.sub(rb"client_port=\d+-\d+",
                b"client_port=%d-%d" % tuple(self.client_ports), message)
            self.relay.strangers_first(self)
        return message

    def ready(self, s):
        """False: the connection is over."""
        if s in (self.client, self.server):
            data = s.recv(65536)
            if not data:
                return False
            there, way, change = ((self.server, self.up, self.request) if s is self.client
                else (self.client, self.down, self.reply))
            for message in way.take(data):
                if message[0] != ord("$") or s is self.client or not self.relay.mute_tcp:
                    there.sendall(change(message))
        elif s is self.to_server[0]:
            time.sleep(GATHER_S)
            self.relay.move(self, drain(s))
        elif s is self.to_server[1]:
            for packet in drain(s):
                self.to_client[1].sendto(packet, ("127.0.0.1", self.client_ports[1]))
        else:
            here = self.to_client.index(s)
            for packet in drain(s):
                self.relay.reports += here == 1 and len(packet) > 8  # not the first, empty one
                self.to_server[here].sendto(packet, ("127.0.0.1", self.server_ports[here]))
        return True

    def media(self, packet):
        self.to_client[0].sendto(packet, ("127.0.0.1", self.client_ports[0]))


def drain(s):
    packets = []
    while True:
        try:
            packets.append(s.recv(65536))
        except OSError:  # nothing more, or a port that is closed at the other side
            return packets


class Relay:
    """Used in a `with`. port: where it listens, on 127.0.0.1.

    Each packet: lost with the probability of drop, sent twice with that of twice, late by up to
    late_s with that of late. shuffle: packets of a burst change places by up to so many. strangers:
    a third party sends changed copies of every packet to the client's port, before the right ones.
    mute_tcp: what the camera sends interleaved in its connection is lost.
    """

    def __init__(self, server_port, drop=0, twice=0, late=0, late_s=0, shuffle=0, strangers=False,
            mute_tcp=False, seed=1):
        self.server_port, self.drop, self.twice = server_port, drop, twice
        self.mute_tcp = mute_tcp
        self.late, self.late_s, self.shuffle = late, late_s, shuffle
        self.random = random.Random(seed)
        self.moved = self.dropped = self.displaced = self.reports = self.strange = 0
        self.stranger = None
        if strangers:
            self.stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.stranger.bind(("127.0.0.9", 0))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.wake, self.waker = socket.socketpair()
        self.sessions, self.waiting, self.count = [], [], 0
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.waker.close()
        self.thread.join()
        for s in (self.wake, self.listener, self.stranger):
            if s:
                s.close()
        for session in self.sessions:
            session.close()

    def run(self):
        while True:
            sockets = {s: session for session in self.sessions for s in session.sockets()}
            wait = max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else None
            ready = select.select([self.wake, self.listener, *sockets], [], [], wait)[0]
            if self.wake in ready:
                return
            if self.listener in ready:
                self.accept()
            self.release()
            over = set()
            for s in ready:
                session = sockets.get(s)
                if session is None or session in over:
                    continue
                try:
                    alive = session.ready(s)
                except OSError:
                    alive = False
                if not alive:
                    over.add(session)
            for session in over:
                session.close()
                self.sessions.remove(session)
                self.waiting = [w for w in self.waiting if w[2] is not session]
                heapq.heapify(self.waiting)

    def accept(self):
        client = self.listener.accept()[0]
        try:
            self.sessions.append(Session(self, client))
        except OSError:  # the camera is not there
            client.close()

    def move(self, session, packets):
        order = sorted(range(len(packets)),
            key=lambda i: i + (self.random.uniform(0, self.shuffle) if self.shuffle else 0))
        for place, i in enumerate(order):
            self.displaced += place != i
            self.send(session, packets[i])

    def send(self, session, packet):
        self.moved += 1
        if self.random.random() < self.drop:
            self.dropped += 1
            return
        if self.stranger:
            self.strange += 1
            changed = packet[:20] + bytes(255 - b for b in packet[20:])
            self.stranger.sendto(changed, ("127.0.0.1", session.client_ports[0]))
        for _ in range(2 if self.random.random() < self.twice else 1):
            if self.random.random() < self.late:
                due = time.monotonic() + self.random.uniform(0, self.late_s)
                self.count += 1
                heapq.heappush(self.waiting, (due, self.count, session, packet))
            else:
                session.media(packet)

    def release(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, session, packet = heapq.heappop(self.waiting)
            session.media(packet)

    def strangers_first(self, session):
        """Before the client can know whom to listen to."""
        for i in range(50 if self.stranger else 0):
            self.stranger.sendto(b"\x80\x60" + i.to_bytes(2, "big") + bytes(200),
                ("127.0.0.1", session.client_ports[0]))
