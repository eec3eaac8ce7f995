"""rtsps: verified by pin or by certificates, or no picture and not a byte of a request."""
import base64
import os
import re
import socket
import ssl
import subprocess
import threading

import harness
from harness import UID_A, Skipped, check, until
from test_frames import camera, expect_sequence

PASSWORD = "correct-horse-battery-7Q"
# As framemux.conf(5) has it.
PIN = ("openssl s_client -connect {} </dev/null 2>/dev/null | openssl x509 -pubkey -noout | "
    "openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl enc -base64")


def certificate(s, name="camera"):
    """A certificate of its own signature for 127.0.0.1, and its key: (certificate, key)."""
    paths = s.path(name + ".crt"), s.path(name + ".key")
    try:
        harness.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-addext",
            "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]])
    except FileNotFoundError:
        raise Skipped("no openssl to make certificates with") from None
    return paths


def pin_at(port):
    text = subprocess.run(["sh", "-c", PIN.format(f"127.0.0.1:{port}")], capture_output=True,
        text=True, timeout=30).stdout.strip()
    check(len(text) == 44, f"no pin: {text!r}")
    return "sha256//" + text


def other_pin(pin):
    raw = bytearray(base64.b64decode(pin[8:]))
    raw[0] ^= 1
    return "sha256//" + base64.b64encode(raw).decode()


def rtsps(port, more):
    return camera("cam", f"rtsps://127.0.0.1:{port}/cam", more)


class FakeCamera:
    """Listens, with TLS where it has a certificate, and keeps what it was told. Used in a `with`."""

    def __init__(self, answer=b"", identity=None):
        self.answer, self.context = answer, None
        self.connections, self.received = 0, b""
        if identity:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*identity)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            connection.settimeout(5)
            try:
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                self.converse(connection)
            except OSError:  # an ssl.SSLError is one
                pass
            connection.close()

    def converse(self, connection):
        while True:
            data = connection.recv(4096)
            if not data:
                return
            self.received += data
            number = re.search(rb"CSeq: (\d+)", data)
            answer = self.answer.replace(b"@", number.group(1) if number else b"0")
            connection.sendall(answer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        check(not self.thread.is_alive(), "the fake camera does not end")


def live(s, more=lambda port, identity: "", **options):
    """A TLS camera that plays a clip, its mux, and the clip's frames."""
    identity = certificate(s)
    clip = harness.make_clip(s.path("clip.h264"), "-c:v", "libx264", "-preset", "ultrafast",
        "-tune", "zerolatency", "-g", "30", "-x264-params", "slices=1:threads=1", size="320x240")
    port = s.camserver(f"cam=file:path={clip},fps=30", tls_cert=identity[0], tls_key=identity[1],
        **options)
    return s.mux(rtsps(port, more(port, identity))), harness.frame_hashes(clip)


def by_pin(port, identity):
    return f'\ttls_pin = "{pin_at(port)}"\n'


def plays(mux, reference):
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=40)
    client.expect(0)
    expect_sequence(client, reference, "over TLS")


def refused(mux, reason):
    """No frame, and a reason that says that."""
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "3", uid=UID_A)
    until(lambda: re.search(reason, mux.camera("cam")["reason"]), f"a reason like {reason!r}")
    check(mux.camera("cam")["state"] != "live", "the camera is live")
    check(client.wait() in (69, 75), "how the client ended")
    check(not client.meta(), "a frame was shown")


def pin_reason(mux):
    reason = mux.camera("cam")["reason"]
    return reason if "pin differs" in reason else ""


def test_by_pin(s):
    plays(*live(s, by_pin))


def test_by_certificate(s):
    plays(*live(s, lambda port, identity: f'\ttls_ca = "{identity[0]}"\n'))


def test_self_signed_against_the_system(s):
    if not os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
        raise Skipped("this machine has no certificates that it trusts")
    with FakeCamera(identity=certificate(s)) as fake:
        pin = pin_at(fake.port)
        mux = s.mux(rtsps(fake.port, ""))
        refused(mux, "not signed by anyone trusted.*" + re.escape(pin))
        check(not fake.received, f"the camera was sent {fake.received!r}")


def test_another_certificate_authority(s):
    other = certificate(s, "other")
    with FakeCamera(identity=certificate(s)) as fake:
        refused(s.mux(rtsps(fake.port, f'\ttls_ca = "{other[0]}"\n')), "not signed by anyone")
        check(not fake.received, f"the camera was sent {fake.received!r}")


def test_wrong_pin(s):
    with FakeCamera(identity=certificate(s)) as fake:
        pin = pin_at(fake.port)
        mux = s.mux(rtsps(fake.port, f'\ttls_pin = "{other_pin(pin)}"\n'))
        client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "3", uid=UID_A)
        reason = until(lambda: fake.received or pin_reason(mux), "a reason that names the pin")
        check(not fake.received, f"the camera was sent {fake.received!r}")
        check(pin in reason, f"{reason!r} does not say {pin}")
        check(client.wait() in (69, 75) and not client.meta(), "a frame was shown")


def test_plain_text_at_the_port(s):
    with FakeCamera(b"RTSP/1.0 400 Bad Request\r\nCSeq: @\r\n\r\n") as fake:
        pin = "sha256//" + base64.b64encode(bytes(32)).decode()
        refused(s.mux(rtsps(fake.port, f'\ttls_pin = "{pin}"\n')), "does not speak TLS")
        check(b"RTSP" not in fake.received, f"the camera was sent {fake.received!r}")


def test_no_way_down(s):
    identity = certificate(s)
    with FakeCamera() as plain:
        answer = f"RTSP/1.0 302 Found\r\nCSeq: @\r\nLocation: rtsp://127.0.0.1:{plain.port}/cam" \
            "\r\n\r\n"
        with FakeCamera(answer.encode(), identity) as fake:
            refused(s.mux(rtsps(fake.port, f'\ttls_ca = "{identity[0]}"\n')), "redirects")
            check(b"OPTIONS rtsps://" in fake.received, f"sent {fake.received!r}")
        check(plain.connections == 0, "the camera was followed to rtsp://")


def test_certificates_that_have_gone(s):
    identity = certificate(s)
    with FakeCamera() as fake:
        mux = s.mux(rtsps(fake.port, f'\ttls_ca = "{identity[0]}"\n'))
        os.remove(identity[0])
        refused(mux, "certificates to trust.*No such file.*" + re.escape(identity[0]))
        check(not fake.received, f"the camera was sent {fake.received!r}")


def with_password(s, permitted, **options):
    secret = s.write("cam.secret", PASSWORD + "\n")
    return live(s, lambda port, identity: by_pin(port, identity) + '\tusername = "viewer"\n'
        f'\tpassword_file = "cam.secret"\n\tauth = "{permitted}"\n', user="viewer",
        password_file=secret, **options)


def told_nobody(s):
    encoded = base64.b64encode(f"viewer:{PASSWORD}".encode()).decode()
    for process in s.processes:
        if process.name == "camserver1":
            continue
        text = process.err() + process.out()
        check(PASSWORD not in text and encoded not in text, f"{process.name} tells the password")


def test_digest_over_tls(s):
    plays(*with_password(s, "digest", digest="sha256"))


def test_basic_over_tls(s):
    mux, reference = with_password(s, "basic", auth="basic")
    plays(mux, reference)
    check(PASSWORD not in mux.ctl("--json", "status"), "the password is in the status")
    told_nobody(s)


def test_digest_where_basic_is_permitted(s):
    plays(*with_password(s, "basic", digest="md5-sess"))


def test_basic_that_is_not_permitted(s):
    mux, _ = with_password(s, "digest", auth="basic")
    refused(mux, 'camera asks for Basic: auth = "basic" would permit it')
    told_nobody(s)
