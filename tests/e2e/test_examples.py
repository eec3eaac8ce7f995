"""The examples of clients do what they are to teach: black at once, nothing old afterwards."""
import json
import os
import signal

from harness import Process, Skipped, check, until
from test_refusals import TWO


def run_example(s, mux, name, camera="porch"):
    program = os.path.join(s.build, "clients/examples", name)
    if not os.path.exists(program):
        raise Skipped(f"no {name}: make check TESTS= builds it (libwayland-dev for with_wayland)")
    real = os.path.join(os.path.dirname(program), ".libs", name)
    token = json.loads(mux.ctl("--json", "grant", "--camera", camera))
    example = Process(s, name, [real if os.path.exists(real) else program, camera],
        env=s.env(FRAMEMUX_SOCKET=mux.socket, FRAMEMUX_TOKEN=token["token"]))
    s.processes.append(example)
    return example, token["id"]


def await_line(example, begins, after=0):
    """The number of the first line that begins so, not before that one."""
    def found():
        lines = example.out().split("\n")[:-1]
        check(example.running() or len(lines) > after, f"it has ended: {lines[-3:]} {example.err()}")
        return next((i + 1 for i in range(after, len(lines)) if lines[i].startswith(begins)), 0)
    return until(found, f"a line that begins with {begins!r}; {example.out()[-300:]}") - 1


def black_when_revoked(s, name):
    mux = s.mux(TWO)
    example, token = run_example(s, mux, name)
    await_line(example, "picture: ", after=await_line(example, "picture: ") + 1)
    mux.ctl("revoke", token)
    example.expect(0)
    last = example.out().split("\n")[-2]
    check(last.startswith("black: revoked"), f"the last line: {last}")


def test_stale_lost_and_back(s):
    """Dark while nothing comes and while there is no mux, and live again by itself."""
    mux = s.mux("stale_after = 300\n" + TWO)
    example, _ = run_example(s, mux, "with_poll")
    at = await_line(example, "picture: ")
    ingest, = mux.roles("framemux-ingest")
    os.kill(ingest, signal.SIGSTOP)
    at = await_line(example, "black: camera stale", at)
    check(not any(l.startswith("picture") for l in example.out().split("\n")[at:]), "shown while stale")
    os.kill(ingest, signal.SIGCONT)
    at = await_line(example, "picture: ", at)
    mux.stop()
    at = await_line(example, "black: camera lost", at)
    mux.start()
    await_line(example, "picture: ", at)


TESTS = [(f"{name}: black when revoked", lambda s, name=name: black_when_revoked(s, name))
    for name in ("with_poll", "with_libevent", "with_wayland")]
