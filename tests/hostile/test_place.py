"""REDTEAM 21, 62: somebody was there before the mux: squatters, links, folders of others."""
import base64
import os
import select
import shutil
import socket
import stat

import harness
import table
from attacker import Attacker, needs_two_uids
from harness import UID_A, UID_B, check, until
from test_frames import camera

READ_IN_PLACE = ("root.key", "revoked")
PORCH = camera("porch", "test:porch?size=320x240&fps=5")
SECRET = "somebody else's\n"
TOKEN = "fmx1_" + base64.urlsafe_b64encode(b"\1" + bytes(20 + 32)).decode().rstrip("=")


def identity(path):
    """What must not be touched; of a link, the link."""
    st = os.lstat(path)
    text = b""
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as f:
            text = f.read()
    elif stat.S_ISLNK(st.st_mode):
        text = os.readlink(path)
    return st.st_ino, st.st_mode, st.st_uid, st.st_nlink, text


def folder(s, name, mode, uid=0):
    path = s.path(name)
    os.mkdir(path)
    os.chown(path, uid, uid)
    os.chmod(path, mode)
    return path


def config(s, sockets=None, state=None, more=PORCH):
    home = sockets or s.folder("sockets")
    return s.write("framemux.conf", f'socket = "{home}/client.sock"\n'
        f'control_socket = "{home}/control.sock"\nstate_dir = "{state or s.path("state")}"\n' + more)


def refused_start(s, path, name):
    """framemuxd does not start, and says which of its places it is about."""
    process = harness.Process(s, "framemuxd", [s.program("framemuxd"), "-c", path],
        env=s.env(FRAMEMUX_ROLEDIR=s.programs))
    s.processes.append(process)
    code = process.wait(harness.READY_S)
    check(code not in (0, None) and code > 0, f"exit {code}")
    check(os.path.basename(name) in process.err(), f"{name} is not named: {process.err()}")
    return process.err().strip().split("\n")[-1]


# ---- 21 -----------------------------------------------------------------------------------------

def plant_listener(talk, path):
    """A squatter: what it is sent, for as long as it is there."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.bind(path)
    sock.listen(10)
    os.chmod(path, 0o666)
    talk.say()
    sock.settimeout(0.1)
    heard, visitors = b"", []
    while talk_is_open(talk):
        try:
            visitor, _ = sock.accept()
        except TimeoutError:
            continue
        visitor.settimeout(2)
        try:
            heard += visitor.recv(4096)
        except TimeoutError:
            heard += b"(waits)"
        visitors.append(visitor)
    talk.say([len(visitors), heard.decode("latin-1")])


def talk_is_open(talk):
    return not select.select([talk.reader], [], [], 0)[0]


def touch(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def plant(kind):
    def function(talk, path):
        if kind == "a dead socket":
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(path)
        elif kind == "a symlink to nowhere":
            os.symlink(path + ".nowhere", path)
        elif kind == "a symlink to a dead socket":
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(path + ".dead")
            os.symlink(path + ".dead", path)
        elif kind == "a symlink to a file of root's":
            os.symlink("/etc/passwd", path)
        elif kind == "a hard link":
            touch(path + ".own")
            os.link(path + ".own", path)
        elif kind == "a file":
            touch(path)
        elif kind == "a folder":
            os.mkdir(path)
    return function


PLANTED = ("a dead socket", "a symlink to nowhere", "a symlink to a dead socket",
    "a symlink to a file of root's", "a hard link", "a file", "a folder")


@table.row(21, "squats a socket's path or plants a symlink before start",
    "start fails loudly; no client talks to it")
def test_squatters(s):
    needs_two_uids()
    place = folder(s, "common", 0o1777)  # as /tmp is
    path_of_config = config(s, place)
    for name in ("client.sock", "control.sock"):
        path = os.path.join(place, name)
        for kind in PLANTED:
            with Attacker(plant(kind), path) as a:
                a.end()
            before = identity(path)
            refused_start(s, path_of_config, path)
            check(identity(path) == before, f"{kind} as {name} is not as it was")
            check(not os.path.exists(path + ".nowhere"), "a link was followed")
            for entry in os.scandir(place):
                os.rmdir(entry) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)
        with Attacker(plant_listener, path) as a:
            a.hear()
            before = identity(path)
            refused_start(s, path_of_config, path)
            check(identity(path) == before, f"the squatter at {name} was removed")
            visit(s, name, path)
            a.say()
            visitors, heard = a.hear()
            check(visitors, "nobody came: nothing was tested")
            check(not heard, f"the squatter was sent {heard!r}")
        os.unlink(path)
    theirs = folder(s, "theirs", 0o755, UID_A)
    refused_start(s, config(s, theirs), theirs)
    return f"{2 * (len(PLANTED) + 1) + 1} ways: start refused; clients hang up on a squatter"


def visit(s, name, path):
    """A client that is led to the squatter says nothing to it, and says so."""
    if name == "control.sock":
        argv = [s.program("framemuxctl"), "-s", path, "status"]
        visitor = harness.Process(s, "visitor", argv, env=s.env())
    else:
        argv = [s.program("framemux-dump"), "-s", path, "-o", s.path("out"), "--timeout", "2", "porch"]
        visitor = harness.Process(s, "visitor", argv, uid=UID_B,
            env=s.env(FRAMEMUX_TOKEN=TOKEN))
    s.processes.append(visitor)
    check(visitor.wait() != 0, "a client is content with the squatter")
    check("somebody else listens" in visitor.err(), f"it says: {visitor.err()}")


# ---- 62 -----------------------------------------------------------------------------------------

def link_kinds(victim, path):
    """Symbolic, then hard."""
    for kind, make in (("symlink", os.symlink), ("hard link", os.link)):
        make(victim, path)
        yield kind
        os.unlink(path)


def start_is_refused(s, what, path_of_config, link, victim):
    before = identity(victim), identity(link)
    said = refused_start(s, path_of_config, link)
    check((identity(victim), identity(link)) == before, f"{what}: something was changed")
    return said


def in_secrets(s):
    victim = s.write("victim", SECRET)
    path = s.path("secret")
    for kind in link_kinds(victim, path):
        start_is_refused(s, f"a {kind} as password_file", config(s, s.path("."), more=camera("porch",
            "rtsp://127.0.0.1/x", f'\tusername = "u"\n\tpassword_file = "{path}"\n')), path, victim)
    theirs = folder(s, "secrets-of-others", 0o755, UID_A)
    secret = os.path.join(theirs, "secret")
    shutil.copy(victim, secret)
    os.chown(secret, UID_A, UID_A)
    start_is_refused(s, "another's password_file", config(s, s.path("."), more=camera("porch",
        "rtsp://127.0.0.1/x", f'\tusername = "u"\n\tpassword_file = "{secret}"\n')), secret, victim)


def in_state(s):
    state = s.path("state-real")
    mux = s.mux(PORCH)
    mux.stop()
    shutil.copytree(s.path("state"), state)
    os.chmod(state, 0o700)
    link = s.path("state-link")
    os.symlink(state, link)
    refused_start(s, config(s, s.path("."), state=link), link)
    for name in [e.name for e in os.scandir(state) if e.is_file()]:
        path, victim = os.path.join(state, name), s.path("victim-" + name)
        os.rename(path, victim)
        for kind in link_kinds(victim, path):
            before = identity(victim)
            if kind == "hard link" and name not in READ_IN_PLACE:
                continue  # replaced by a new file: test_state shows that nothing is written through
            refused_start(s, config(s, s.path("."), state=state), name)
            check(identity(victim) == before, f"a {kind} as {name}: the victim was changed")
        os.rename(victim, path)


def in_token_files(s):
    """Neither is a reason not to start; nothing is written through the link, and the log says so."""
    victim = s.write("token-victim", SECRET)
    tokens = folder(s, "tokens", 0o755)
    theirs = folder(s, "tokens-of-others", 0o755, UID_A)
    common = folder(s, "tokens-of-all", 0o1777)
    symbolic, hard = (os.path.join(tokens, n) for n in ("symbolic", "hard"))
    os.symlink(victim, symbolic)
    os.link(victim, hard)
    os.symlink(tokens, s.path("tokens-link"))
    paths = {"symbolic": symbolic, "hard": hard, "theirs": f"{theirs}/t", "common": f"{common}/t",
        "link": s.path("tokens-link") + "/t"}
    mux = s.mux(PORCH + "".join(f'grant "{n}" {{\n\tuid = {UID_A}\n\tcameras = {{ "porch" }}\n'
        f'\ttoken_file = "{p}"\n}}\n' for n, p in paths.items()))
    for name in ("symbolic", "theirs", "common", "link"):
        until(lambda: f"grant {name}: token file {paths[name]} is not written" in mux.log(),
            f"the log says that {name} is not written")
    until(lambda: identity(hard)[4] != SECRET.encode(), "the hard link is replaced by a file")
    check(identity(victim)[4] == SECRET.encode(), "a token was written through a link")
    check(os.stat(victim).st_uid == 0, "the victim was given away")
    check(os.path.islink(symbolic), "the symbolic link was replaced")
    for path in (paths["theirs"], paths["common"], f"{tokens}/t"):
        check(not os.path.lexists(path), f"{path} was written")
    mux.stop()


@table.row(62, "symlink, hard link or foreign folder under token_file, secrets, sockets, state",
    "refused; nothing written through it")
def test_links(s):
    needs_two_uids()
    os.mkdir(s.path("place"))
    for part in (in_secrets, in_state, in_token_files):
        part(s)
