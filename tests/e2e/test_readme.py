"""README.md's client, as it stands there: it is built with pkg-config against what make install put
somewhere, and sees frames of a real mux.
"""
import os
import shlex
import subprocess

import test_install
from harness import READY_S, Process, Skipped, check, run, until

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../README.md")
PROMISES = ("main(", "framemux_connect", "framemux_acquire", "framemux_check", "framemux_release")
CAMERA = 'camera "porch" {\n\turl = "test:porch?size=320x240&fps=10"\n}\n'


def example():
    """The README's only block of C."""
    with open(README) as f:
        blocks = f.read().split("```c\n")[1:]
    check(len(blocks) == 1, f"{len(blocks)} blocks of C in README.md")
    text = blocks[0].split("```")[0]
    check(all(p in text for p in PROMISES), "README.md's client leaves something out")
    return text


def build_client(s):
    if test_install.is_for_tests(s):
        raise Skipped("a build for tests cannot be installed")
    done, _ = test_install.make_install(s, "install")
    check(done.returncode == 0, done.stderr)
    root = s.path("root")
    lib = root + test_install.PREFIX + "/lib"
    env = dict(os.environ, PKG_CONFIG_PATH=lib + "/pkgconfig", PKG_CONFIG_SYSROOT_DIR=root,
        PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1", PKG_CONFIG_ALLOW_SYSTEM_LIBS="1")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "framemux"], env=env,
        capture_output=True, text=True)
    check(flags.returncode == 0, flags.stderr)
    words = shlex.split(flags.stdout)
    check({"-lframemux", f"-I{root}{test_install.PREFIX}/include", f"-L{lib}"} <= set(words),
        f"pkg-config says {flags.stdout}")
    source, program = s.write("client.c", example()), s.path("client")
    run([*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-Wall", "-Wextra", "-Werror", source,
        "-o", program, *words])
    return program, lib


def start(s, mux, token):
    program, lib = build_client(s)
    env = s.env(FRAMEMUX_SOCKET=mux.socket, FRAMEMUX_TOKEN=token, LD_LIBRARY_PATH=lib)
    # stdbuf: its output goes to a file, and is read line by line.
    process = Process(s, "client", ["stdbuf", "-oL", program, "porch"], env=env)
    s.processes.append(process)
    return process


def test_client_sees_frames_until_it_is_revoked(s):
    mux = s.mux(CAMERA)
    client = start(s, mux, mux.grant("porch", dump=False))
    until(lambda: client.out().count("320x240, frame ") >= 3 or not client.running(),
        "three frames at README.md's client", READY_S)
    check(client.running(), f"it ended; it said:\n{client.err()}")
    mux.ctl("revoke", mux.status()["leases"][0]["id"])
    client.expect(0)
    check("state 5: " in client.err(), client.err())


def test_client_without_a_good_token_sees_nothing(s):
    mux = s.mux(CAMERA)
    client = start(s, mux, "fmx1_" + "A" * 200)
    client.wait()
    check(client.out() == "", f"it printed {client.out()!r}")
