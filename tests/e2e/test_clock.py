"""A clock that is set back revives nothing.

What is tested is the difference between the clock and what was believed, so it is the latter that is
moved, by its file: the machine's clock is left alone.
"""
import os
import time

import harness
import table
from harness import UID_A, check
from test_refusals import TWO, refused

DAY = 86400


def believed(s):
    with open(s.path("state/clock")) as f:
        return int(f.read().split("\n")[1])


def set_back(s, seconds):
    """To whoever starts now the clock is so much behind."""
    s.write("state/clock", f"framemux clock 1\n{int(time.time()) + seconds}\n")


@table.row(41, "the clock is set back: an expired token", "refused; the time that was believed counts")
def test_set_back_over_a_restart(s):
    """Expired by a time that the mux has believed: expired for good. Tokens made now are good."""
    mux = s.mux(TWO)
    token = mux.grant("porch", "--expires", "1h", uid=UID_A)
    mux.dump("porch", token, uid=UID_A).expect(0)
    mux.stop()
    check(not os.path.exists(s.path("state/clock")), "a time was believed that was not held")
    set_back(s, DAY)
    before = believed(s)
    mux.start()
    refused(mux.dump("porch", token, uid=UID_A))
    check("s behind a time that it has shown before" in mux.log(), "nothing is said of the clock")
    mux.dump("porch", mux.grant("porch", "--expires", "1m", uid=UID_A), uid=UID_A).expect(0)
    mux.stop()
    check(before <= believed(s) <= before + DAY, f"{believed(s)} is kept, {before} was")
    mux.start()
    refused(mux.dump("porch", token, uid=UID_A))


def test_the_broker_falls(s):
    """The next one is told, too."""
    mux = s.mux(TWO)
    token = mux.grant("porch", "--expires", "1h", uid=UID_A)
    mux.stop()
    set_back(s, DAY)
    mux.start()
    broker = mux.roles("framemux-broker")[0]
    os.kill(broker, 9)
    harness.until(lambda: mux.roles("framemux-broker") not in ([], [broker]), "another broker")
    harness.until(lambda: mux.log().count("ready") > 1 or mux.status(), "it serves")
    refused(mux.dump("porch", token, uid=UID_A))


def test_a_damaged_file(s):
    """Not a time is no reason to believe none: the start is refused, and what to do is said."""
    mux = s.mux(TWO)
    mux.stop()
    s.write("state/clock", "framemux clock 1\n18000")
    argv = [s.program("framemuxd"), "-c", mux.config_path]
    start = harness.Process(s, "again", argv, env=s.env(FRAMEMUX_ROLEDIR=s.programs))
    s.processes.append(start)
    start.expect(65)
    check("clock is damaged" in start.err() and "remove the file" in start.err(), start.err())
