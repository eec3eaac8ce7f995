"""Digest authentication against a real server; the password is nowhere that it must not be."""
import os

import harness
from harness import UID_A, check, until
from test_frames import camera

PASSWORD = "correct-horse-battery-7Q"


def secured(s, digest, password=PASSWORD):
    right = s.write("right.secret", PASSWORD + "\n")
    s.write("used.secret", password + "\n")
    port = s.camserver("cam=live:size=320x240,fps=30", user="viewer", password_file=right,
        digest=digest)
    return s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam",
        '\tusername = "viewer"\n\tpassword_file = "used.secret"\n'))



def works(s, digest):
    mux = secured(s, digest)
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), uid=UID_A, frames=100000)
    client.await_frames(3)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    text = f.read()
            except OSError:
                continue
            check(PASSWORD.encode() not in text, f"the password is in /proc/{pid}/{name}")
    check(PASSWORD not in mux.ctl("--json", "status"), "the password is in the status")
    for process in s.processes:
        check(PASSWORD not in process.err() + process.out(), f"{process.name} tells the password")
    for folder, _, files in os.walk(s.path("state")):
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                check(PASSWORD.encode() not in f.read(), f"the password is in {name}")


def test_digest_md5(s):
    works(s, "md5")


def test_digest_md5_sess(s):
    works(s, "md5-sess")


def test_digest_sha256(s):
    works(s, "sha256")


def wrong(s, digest):
    mux = secured(s, digest, "wrong-password")
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "3", uid=UID_A)
    reason = until(lambda: mux.camera("cam")["reason"], "a reason in the status")
    until(lambda: any(w in mux.camera("cam")["reason"].lower()
        for w in ("401", "password", "authent", "unauthorized")),
        f"a reason that names the password, not {reason!r}")
    code = client.wait()
    check(code in (69, 75), f"exit {code}")
    check(not client.meta(), "a frame with a wrong password")
    check("wrong-password" not in mux.log(), "the wrong password is in the log")


def test_wrong_password_md5(s):
    wrong(s, "md5")


def test_wrong_password_sha256(s):
    wrong(s, "sha256")


def test_password_asked_for_and_none_configured(s):
    secret = s.write("right.secret", PASSWORD + "\n")
    port = s.camserver("cam=live:size=320x240", user="viewer", password_file=secret)
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/cam"))
    mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "2", uid=UID_A)
    until(lambda: mux.camera("cam")["reason"], "a reason in the status")
    until(lambda: mux.camera("cam")["state"] != "live", "not live")


def test_no_such_stream(s):
    port = s.camserver("cam=live:size=320x240")
    mux = s.mux(camera("cam", f"rtsp://127.0.0.1:{port}/nothing"))
    client = mux.dump("cam", mux.grant("cam", uid=UID_A), "--timeout", "2", uid=UID_A)
    until(lambda: "404" in mux.camera("cam")["reason"], "a reason with 404")
    check(client.wait() in (69, 75), "a stream that is not there")
