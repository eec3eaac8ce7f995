"""A client that speaks the raw wire and breaks its rules: it alone is dropped."""
import base64
import hashlib
import socket
import struct

from harness import UID_A, UID_B, check, fds_of, until
from test_memory import UNHURRIED, watching

MAGIC, VERSION = 0x31584D46, 1
# Numbers of common/protocol.c and of enum framemux_state.
HELLO, OPEN = 0x0001, 0x0002
LEASE, STATE, ATTACH = 0x0082, 0x0083, 0x0084
REFUSED = 6
NAME_BYTES, PROOF_BYTES, TAG_BYTES = 64, 32, 32
ANSWER_S = 5


def message(kind, body):
    return struct.pack("<HH", kind, 4 + len(body)) + body


def hello(magic=MAGIC, version=VERSION):
    return message(HELLO, struct.pack("<II", magic, version))


def open_lease(camera, token=b"", proof=bytes(PROOF_BYTES), width=0, height=0, slots=0):
    return message(OPEN, struct.pack("<7I", 1, width, height, 0, 0, slots, 1)
        + camera.encode().ljust(NAME_BYTES, b"\0") + proof
        + struct.pack("<H", len(token)) + token)


def converse(path, *messages):
    """The kinds of the broker's answers, how many descriptors came with them, and how it ended:
    closed, refused (a final state), leased, or silent."""
    kinds, descriptors = [], 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
        c.settimeout(ANSWER_S)
        c.connect(path)
        try:
            for m in messages:
                c.send(m)
            while True:
                data, control, _, _ = c.recvmsg(4096, 1024)
                descriptors += sum(len(d) // 4 for _, _, d in control)
                if not data:
                    return kinds, descriptors, "closed"
                kinds.append(struct.unpack("<H", data[:2])[0])
                if kinds[-1] == STATE and struct.unpack("<I", data[8:12])[0] == REFUSED:
                    return kinds, descriptors, "refused"
                if kinds[-1] in (LEASE, ATTACH):
                    return kinds, descriptors, "leased"
        except (ConnectionResetError, BrokenPipeError):
            return kinds, descriptors, "closed"
        except socket.timeout:
            return kinds, descriptors, "silent"


RUBBISH = {
    "wrong magic": (hello(magic=1),),
    "wrong version": (hello(version=0),),
    "open before hello": (open_lease("porch"),),
    "hello twice": (hello(), hello()),
    "an empty message": (b"",),
    "one byte": (b"x",),
    "a wrong length": (struct.pack("<HHII", HELLO, 400, MAGIC, VERSION),),
    "an unknown message": (hello(), message(0x7777, b"")),
    "4096 bytes of nothing": (hello(), bytes(4096)),
    "more than a message may be": (bytes(65537),),
    "a name without end": (hello(), open_lease("x" * NAME_BYTES)),
}


def test_rubbish_drops_its_sender_only(s):
    mux, clients = watching(s, config=UNHURRIED)
    broker = mux.roles("framemux-broker")[0]
    before = len(fds_of(broker))
    for name, messages in RUBBISH.items():
        answers, descriptors, end = converse(mux.socket, *messages)
        check(end == "closed", f"{name}: {end} after {len(answers)} answers")
        check(descriptors == 0, f"{name}: was given descriptors")
    check(mux.roles("framemux-broker") == [broker], "the broker did not survive")
    until(lambda: len(fds_of(broker)) <= before, f"the broker's {before} descriptors again")
    for client in clients:
        client.await_frames(len(client.meta()) + 5)
        client.check_missed_none()


def test_open_without_a_right(s):
    mux, _ = watching(s, 1)
    cases = {
        "no token": open_lease("porch"),
        "rubbish for a token": open_lease("porch", b"\x01" * 64),
        "absurd geometry": open_lease("porch", b"\x01" * 64, width=0xFFFFFFFF, height=0xFFFFFFFF),
        "absurd slots": open_lease("porch", b"\x01" * 64, slots=0xFFFFFFFF),
    }
    for name, request in cases.items():
        answers, descriptors, end = converse(mux.socket, hello(), request)
        check(end in ("refused", "closed"), f"{name}: {end}")
        check(descriptors == 0, f"{name}: was given descriptors")
    refused = mux.status()["totals"]["leases_refused"]
    check(refused >= 2, f"{refused} refusals counted")


def test_somebody_elses_token_without_its_secret(s):
    """The chain tag never travels: who has only what was on the wire can prove nothing."""
    mux, _ = watching(s, 1)
    token = mux.grant("porch")  # for our own uid: nothing but the proof is wrong
    raw = base64.urlsafe_b64decode(token[5:] + "=" * (-len(token[5:]) % 4))
    body = raw[:-TAG_BYTES]
    for proof in (bytes(PROOF_BYTES), raw[-TAG_BYTES:], hashlib.sha256(body).digest()):
        _, descriptors, end = converse(mux.socket, hello(), open_lease("porch", body, proof))
        check(end in ("refused", "closed") and not descriptors,
            f"a token without its secret: {end}, {descriptors} descriptors")


def test_descriptors_sent_are_not_kept(s):
    mux, _ = watching(s, 1)
    broker = mux.roles("framemux-broker")[0]
    before = len(fds_of(broker))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
        c.settimeout(ANSWER_S)
        c.connect(mux.socket)
        for _ in range(50):
            try:
                socket.send_fds(c, [hello()], [0] * 50)
            except OSError:
                break
        after = fds_of(broker)
        # The connection itself is a socket and the pidfd of its peer.
        check(len(after) <= before + 2, f"the broker took descriptors: {before}, {after}")
    mux.dump("porch", mux.grant("porch", uid=UID_B), uid=UID_B).expect(0)
