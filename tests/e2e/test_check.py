"""framemuxctl check: a self-test in a mux of its own, as root and as anybody, that leaves nothing."""
import json
import os
import re
import shutil
import signal

import harness
from harness import UID_A, check, until

ZEROS = ("stranger_blocks", "torn_blocks", "unreadable_blocks", "stale_frames", "early_frames",
    "disordered_frames", "revoked_frames", "unerased_frames", "unproven_frames",
    "clients_crashed", "revokes_failed")
MANY_S = "600"  # more than a test waits


def run_check(s, *args, uid=None, program=None, **env):
    """A running framemuxctl; its folder is in one that is looked at afterwards."""
    tmp = s.folder(f"tmp{len(s.processes)}", uid)
    all_env = dict({"TMPDIR": tmp, "FRAMEMUX_ROLEDIR": s.programs}, **env)
    if s.breakage:
        all_env["FRAMEMUX_BREAKAGE"] = s.breakage
    p = harness.Process(s, f"check{len(s.processes)}",
        [program or s.program("framemuxctl"), *args], uid=uid, env=s.env(**all_env))
    s.processes.append(p)
    p.tmp = tmp
    return p


def expect(p, code):
    p.expect(code)
    check(os.listdir(p.tmp) == [], f"left behind: {os.listdir(p.tmp)}")


def holds(s, uid=None):
    p = run_check(s, "--json", "check", "3", uid=uid)
    expect(p, 0)
    r = json.loads(p.out())
    check(r["failure"] is None and r["seconds"] == 3, f"{r}")
    check(not any(r[k] for k in ZEROS), f"{r}")
    check(r["cameras"] > 1 and r["clients"] > r["cameras"] and r["frames"] > r["clients"], f"{r}")
    check(r["blocks"] > 100 * r["frames"], f"not every block: {r}")
    check(r["revoke_us"]["n"] and r["clients_killed"] and r["clients_stopped"], f"no harm: {r}")
    check(r["decoders_killed"] + r["ingests_killed"], f"no death: {r}")
    check((r["walls"] == "full") == (not r["missing_walls"]), f"{r}")
    check(re.search(r"^check: \d of 3 s: \d+ frames", p.err(), re.M), f"no progress: {p.err()}")


def test_guarantees_hold_as_root(s):
    holds(s)


def test_guarantees_hold_as_anybody(s):
    holds(s, UID_A)


def test_report_for_a_person(s):
    p = run_check(s, "check", "2")
    expect(p, 0)
    for what in ("frames checked", "blocks checked", "revokes, until erased", "joins, to the first",
            "rejoins, after dark"):
        check(re.search(rf"^  {what}.* \d+", p.out(), re.M), f"no {what}:\n{p.out()}")
    check(re.search(r"^  strangers' blocks +0$", p.out(), re.M), p.out())
    check(re.search(r"^walls that are missing: \w", p.out(), re.M), p.out())
    check(p.out().endswith("every guarantee that was checked held\n"), p.out())


def interrupted(number):
    def test(s):
        p = run_check(s, "check", MANY_S)
        until(lambda: re.search(r"check: [1-9]", p.err()), "progress")
        check(os.listdir(p.tmp), "no folder")
        p.signal(number)
        expect(p, 130)
        check(not p.out(), "a report of what was not checked")
    return test


def test_killed_leaves_no_process(s):
    """Nobody cleans up its folder then, but all that it started ends. (The scene looks for it.)"""
    p = run_check(s, "check", MANY_S)
    until(lambda: re.search(r"check: [1-9]", p.err()), "progress")
    p.signal(signal.SIGKILL)
    p.wait()


def test_installed_layout(s):
    """framemuxd is found beside the program, or in ../sbin of it."""
    for folder in ("usr", "usr/bin", "usr/sbin", "usr/roles"):
        os.mkdir(s.path(folder))
    os.chmod(s.path("usr"), 0o755)
    shutil.copy(s.program("framemuxctl"), s.path("usr/bin/framemuxctl"))
    shutil.copy(s.program("framemuxd"), s.path("usr/sbin/framemuxd"))
    for name in (*harness.ROLES, "framemux-resolve"):
        shutil.copy(s.program(name), s.path("usr/roles"))
    expect(run_check(s, "check", "1", program=s.path("usr/bin/framemuxctl"),
        FRAMEMUX_ROLEDIR=s.path("usr/roles")), 0)


def test_a_mux_that_cannot_start(s):
    empty = s.folder("empty")
    p = run_check(s, "check", "1", FRAMEMUX_ROLEDIR=empty)
    expect(p, 69)
    check("ended at once" in p.err() and "cannot run" in p.err() and empty in p.err(), p.err())
    check(not p.out(), p.out())
    p = run_check(s, "check", "1", TMPDIR=s.path("nowhere"))
    expect(p, 69)
    check("cannot make a folder" in p.err(), p.err())


def test_wrong_usage(s):
    for args in (["check", "0"], ["check", "x"], ["check", "1", "2"], ["check", "-1"],
            ["-s", s.path("sock"), "check"], ["check", "--camera", "a"]):
        p = run_check(s, *args)
        expect(p, 64)
        check(p.err(), "not a word")


TESTS = [(f"{name} ends it", interrupted(number)) for name, number in
    (("SIGINT", signal.SIGINT), ("SIGTERM", signal.SIGTERM), ("SIGHUP", signal.SIGHUP))]


def fails(breakage, sentence):
    """For test_breakage: the check sees it, and says so."""
    def test(s):
        s.breakage = breakage
        p = run_check(s, "check", "4")
        expect(p, 70)
        check(sentence in p.err() and "FAILED: " in p.out(), f"{p.err()}{p.out()}")
    return test
