"""Attackers: children of the test program under an unprivileged uid, speaking with it by lines."""
import json
import os
import select
import signal
import sys
import traceback

import harness
from harness import UID_A, UID_B, Failed, Skipped, check, until
from test_frames import camera

PR_SET_DUMPABLE = 4
TALK_S = 60


def become(uid):
    """As whoever logs in as uid: no capability is left, and /proc/self is its own."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    harness.libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


class Talk:
    """Lines of JSON, both ways."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.rest = reader, writer, b""

    def say(self, value=None):
        os.write(self.writer, json.dumps(value).encode() + b"\n")

    def hear(self, seconds=TALK_S):
        while b"\n" not in self.rest:
            check(select.select([self.reader], [], [], seconds)[0], f"nothing is said in {seconds} s")
            data = os.read(self.reader, 65536)
            if not data:
                raise EOFError
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


def run_child(function, args, uid, talk):
    """Never returns."""
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if uid is not None:
            become(uid)
        harness.end_with_parent()
        talk.say(["end", function(talk, *args)])
    except Skipped as e:
        talk.say(["skipped", str(e)])
    except Failed as e:
        talk.say(["failed", str(e)])
    except BaseException:
        talk.say(["failed", traceback.format_exc()])
    finally:
        sys.stdout.flush()
        os._exit(0)


class Attacker:
    """Runs function(talk, *args) as uid (None: as we are); used in a `with`, killed at its end."""

    def __init__(self, function, *args, uid=UID_A):
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ours_in)
            os.close(ours_out)
            run_child(function, args, uid, Talk(theirs_in, theirs_out))
        os.close(theirs_in)
        os.close(theirs_out)
        self.talk = Talk(ours_in, ours_out)
        self.reaped = False

    def say(self, value=None):
        self.talk.say(value)

    def hear(self, seconds=TALK_S):
        """What it says next; its failure is ours."""
        try:
            got = self.talk.hear(seconds)
        except EOFError:
            raise Failed("the attacker died") from None
        if isinstance(got, list) and got and got[0] == "skipped":
            raise Skipped(got[1])
        if isinstance(got, list) and got and got[0] == "failed":
            raise Failed(got[1])
        return got

    def end(self, seconds=TALK_S):
        """What its function returned."""
        word, value = self.hear(seconds)
        check(word == "end", f"the attacker says {word} {value} and does not end")
        self.reap()
        return value

    def signal(self, number):
        os.kill(self.pid, number)

    def reap(self):
        if not self.reaped:
            os.waitpid(self.pid, 0)
            self.reaped = True

    def kill(self):
        if not self.reaped:
            os.kill(self.pid, signal.SIGKILL)
            self.reap()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.talk.close()


def attack(function, *args, uid=UID_A):
    """An attacker from beginning to end."""
    with Attacker(function, *args, uid=uid) as a:
        return a.end()


def needs_two_uids():
    if os.getuid():
        raise Skipped("needs two uids: run as root")


class Stage:
    """A mux with the camera porch, which is attacked, and garden, which UID_B watches: used in a
    `with`, at whose end garden must have lost no frame and everybody be who he was."""

    def __init__(self, s, more="", porch="test:porch?size=320x240&fps=30", top=""):
        self.s = s
        self.mux = s.mux(top + camera("porch", porch)
            + camera("garden", f"test:garden?size=160x120&fps={harness.UNHURRIED_FPS}") + more)
        self.other = self.mux.dump("garden", self.grant("garden", UID_B), uid=UID_B,
            frames=1000000).takes_turns_first()
        self.other.await_frames(3)
        self.broker, = self.mux.roles("framemux-broker")
        self.pair = self.mux.camera("garden")["pids"]

    def grant(self, name, uid=UID_A, *args):
        """As text. Without root there is one uid only."""
        return self.mux.grant(name, *args, uid=uid if os.getuid() == 0 else None)

    def uid(self, uid):
        return uid if os.getuid() == 0 else os.getuid()

    def lease(self, name="porch"):
        """Its one lease's row, or None."""
        return next((x for x in self.mux.status()["leases"] if x["camera"] == name), None)

    def quota(self, uid=UID_A):
        return next((u for u in self.mux.status()["uids"] if u["uid"] == self.uid(uid)), None)

    def says(self, text, seconds=harness.SETTLE_S):
        """The log line that stands for the audit record today."""
        until(lambda: text in self.mux.log(), f"the mux's log says \"{text}\"", seconds)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        self.other.await_frames(len(self.other.meta()) + 3)
        check(len({m["generation"] for m in self.other.meta()}) == 1, "garden was born again")
        lease = self.lease("garden")
        check(lease and lease["withheld"] == 0, f"garden's client lost frames: {lease}")
        self.other.check_missed_none()
        check(self.mux.roles("framemux-broker") == [self.broker], "the broker is another one")
        check(self.mux.camera("garden")["pids"] == self.pair, "garden's pair is another one")


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
