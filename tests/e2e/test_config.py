"""framemuxd -t: every mistake is refused with the line in which it stands; nothing is guessed."""
import os
import re

import harness
from harness import check

HEAD = 'socket = "{dir}/c.sock"\ncontrol_socket = "{dir}/k.sock"\nstate_dir = "{dir}/state"\n'
PORCH = 'camera "porch" {\n\turl = "test:porch?size=320x240&fps=5"\n}\n'  # 3 lines

# name: (what comes after HEAD's three lines, line of the mistake, what the message must speak of)
MISTAKES = {
    "unknown key": ('linger = 5\nlingre = 5\n', (5,), "lingre"),
    "repeated key": ('linger = 5\nlinger = 6\n', (5,), "linger"),
    "repeated key in a section": ('camera "a" {\n\turl = "test:a?size=16x16&fps=5"\n'
        '\turl = "test:b?size=16x16&fps=5"\n}\n', (6,), "url"),
    "comment lines count once": ('# one\n# two\n// three\nlingre = 5\n', (7,), "lingre"),
    "two cameras of one name": (PORCH + PORCH.replace("test:porch", "test:other"), (7, 8), "porch"),
    "two cameras with one source": ('camera "a" {\n\turl = "rtsp://Host/x"\n}\n'
        'camera "b" {\n\turl = "RTSP://user@host:554/x"\n}\n', (7, 8), "b|source"),
    "environment": ('camera "a" {\n\turl = "rtsp://${HOST}/x"\n}\n', (5,), r"\$\{"),
    "grant of an undefined camera": (PORCH + 'grant "g" {\n\tuid = 1\n\tcameras = { "nope" }\n}\n',
        (7, 8, 9), "nope"),
    "grant for nobody": (PORCH + 'grant "g" {\n\tcameras = { "porch" }\n}\n', (7, 8, 9), "g|user|uid"),
    "no such user": (PORCH + 'grant "g" {\n\tuser = "no-such-user-here"\n\tcameras = { "porch" }\n}\n',
        (7, 8), "no-such-user-here"),
    "bad size": ('camera "a" {\n\turl = "test:a?size=0x16&fps=5"\n}\n', (5,), "size"),
    "bad scheme": ('camera "a" {\n\turl = "gopher://host/x"\n}\n', (5,), "gopher|scheme|url"),
    "no url": ('camera "a" {\n\tvendor = "x"\n}\n', (4, 5, 6), "url"),
    "bad mask": ('camera "a" {\n\turl = "test:a?size=16x16&fps=5"\n\tmask = { "0,0" }\n}\n', (6,),
        "mask"),
    "password file that is not there": ('camera "a" {\n\turl = "rtsp://h/x"\n\tusername = "u"\n'
        '\tpassword_file = "not.there"\n}\n', (7,), "not.there"),
    "password file open to others": ('camera "a" {\n\turl = "rtsp://h/x"\n\tusername = "u"\n'
        '\tpassword_file = "open.secret"\n}\n', (7,), "open.secret"),
    "negative number": ('stale_after = -5\n', (4,), "stale_after"),
    "bad name": ('camera "a b/c" {\n\turl = "test:a?size=16x16&fps=5"\n}\n', (4, 5), "a b/c|name"),
    "section that is not closed": ('camera "a" {\n\turl = "test:a?size=16x16&fps=5"\n', (4, 5, 6), ""),
    "bad value": ('camera "a" {\n\turl = "rtsp://h/x"\n\ttransport = "pigeon"\n}\n', (6,),
        "pigeon|transport"),
}


def ask(s, path):
    argv = [os.path.join(s.build, "framemuxd"), "-t", "-c", path]
    p = harness.Process(s, "check", argv, env=s.env(FRAMEMUX_ROLEDIR=s.build))
    return p.wait(), p.err()


def mistake(name):
    body, lines, word = MISTAKES[name]

    def test(s):
        s.write("open.secret", "x\n")
        os.chmod(s.path("open.secret"), 0o644)
        path = s.write("bad.conf", HEAD.replace("{dir}", s.dir) + body)
        code, said = ask(s, path)
        check(code == 78, f"exit {code}: {said}")
        told = re.search(re.escape(path) + r":(\d+): (.+)", said)
        check(told, f"no FILE:LINE: {said!r}")
        check(int(told[1]) in lines, f"line {told[1]}, not {lines}: {said}")
        check(re.search(word, told[2], re.I), f"does not speak of {word}: {said}")
    return test


TESTS = [(name, mistake(name)) for name in MISTAKES]


def test_good_configuration(s):
    os.mkdir(s.path("conf.d"))
    s.write("conf.d/10-garden.conf", 'camera "garden" { url = "test:garden?size=320x240&fps=5" }\n')
    s.write("porch.secret", "x\n")
    path = s.write("good.conf", HEAD.replace("{dir}", s.dir) + "# a comment\n" + PORCH
        + 'include("conf.d/*.conf")\ninclude("none.d/*.conf")\n'
        + 'camera "door" {\n\turl = "rtsp://192.0.2.7/x"\n\tusername = "u"\n'
        + '\tpassword_file = "porch.secret"\n\tmask = { "0,0,320x180" }\n}\n'
        + 'grant "g" {\n\tuid = 1\n\tcameras = { "porch", "garden" }\n\tmax_size = "1280x720"\n}\n')
    code, said = ask(s, path)
    check(code == 0, f"exit {code}: {said}")


def test_mistake_in_an_included_file(s):
    os.mkdir(s.path("conf.d"))
    inner = s.write("conf.d/a.conf", "\nlingre = 1\n")
    path = s.write("outer.conf", HEAD.replace("{dir}", s.dir) + 'include("conf.d/*.conf")\n')
    code, said = ask(s, path)
    check(code == 78 and f"{inner}:2: " in said, f"exit {code}: {said}")


def test_file_that_others_may_write(s):
    """Whoever may write it would be shown any camera; the same for an included one."""
    inner = s.write("inner.conf", "linger = 1\n")
    path = s.write("outer.conf", HEAD.replace("{dir}", s.dir) + 'include("inner.conf")\n')
    for wrong in (path, inner):
        os.chmod(wrong, 0o666)
        code, said = ask(s, path)
        check(code == 78 and f"{wrong}:1: others may write" in said, f"exit {code}: {said}")
        os.chmod(wrong, 0o664)
        check(ask(s, path)[0] == 0, "a group may write its file")


def test_link_to_anothers_file(s):
    if os.getuid() != 0:
        raise harness.Skipped("a file of another uid: needs root")
    target = s.write("theirs", "linger = 1\n")
    link = s.path("inner.conf")
    os.symlink(target, link)
    path = s.write("outer.conf", HEAD.replace("{dir}", s.dir) + 'include("inner.conf")\n')
    code, said = ask(s, path)
    check(code == 0 and "symbolic link" not in said, f"exit {code}: {said}")
    os.chown(target, harness.UID_A, -1)
    code, said = ask(s, path)
    check(code == 0 and f"{link}: a symbolic link to a file of uid {harness.UID_A}" in said,
        f"exit {code}: {said}")


def test_no_file(s):
    code, said = ask(s, s.path("not-there.conf"))
    check(code == 78 and "not-there.conf" in said, f"exit {code}: {said}")


def test_usage(s):
    for name in ("framemuxd", "framemuxctl", "framemux-dump"):
        program = os.path.join(s.build, name)
        for option, code in (("--help", 0), ("--version", 0), ("--no-such-option", 64)):
            p = harness.Process(s, "usage", [program, option], env=s.env())
            p.expect(code)


def test_roles_refuse_to_be_run_by_hand(s):
    for name in harness.ROLES:
        harness.Process(s, name, [os.path.join(s.build, name)], env=s.env()).expect(78)


def test_socket_of_a_running_mux_is_not_taken(s):
    mux = s.mux(PORCH)
    argv = [os.path.join(s.build, "framemuxd"), "-c", mux.config_path]
    second = harness.Process(s, "second", argv, env=s.env(FRAMEMUX_ROLEDIR=s.build))
    check(second.wait() != 0, "a second framemuxd took the first one's sockets")
    mux.dump("porch", mux.grant("porch", uid=harness.UID_A), uid=harness.UID_A).expect(0)
