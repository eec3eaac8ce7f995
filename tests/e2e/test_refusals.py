"""No capability, no frame: each refusal ends with 77 and leaves not one frame behind."""
import os

import harness
from harness import UID_A, UID_B, Skipped, check
from test_frames import camera

TWO = camera("porch", "test:porch?size=320x240&fps=30") \
    + camera("garden", "test:garden?size=320x240&fps=30")


def refused(client, code=77):
    client.expect(code)
    check(not client.meta(), f"{client.name} wrote {len(client.meta())} meta lines")
    check(not os.path.exists(client.frames_path) or not os.path.getsize(client.frames_path),
        f"{client.name} was refused and wrote a frame")
    check(client.err().strip(), f"{client.name} does not say why it was refused")


def test_without_a_token(s):
    mux = s.mux(TWO)
    refused(mux.dump("porch", None, uid=UID_A))
    check(mux.camera("porch")["state"] == "idle", "the camera was woken by a refusal")


def test_of_another_camera(s):
    mux = s.mux(TWO)
    token = mux.grant("garden", uid=UID_A)
    refused(mux.dump("porch", token, uid=UID_A))
    refused(mux.dump("nowhere", token, uid=UID_A))
    mux.dump("garden", token, uid=UID_A).expect(0)


def test_of_another_uid(s):
    if os.getuid():
        raise Skipped("needs two uids: run as root")
    mux = s.mux(TWO)
    token = mux.grant("porch", uid=UID_A)
    refused(mux.dump("porch", token, uid=UID_B))
    mux.dump("porch", token, uid=UID_A).expect(0)


def test_expired(s):
    mux = s.mux(TWO)
    token = mux.grant("porch", "--expires", "1s", uid=UID_A)
    running = mux.dump("porch", token, uid=UID_A, frames=1000)
    running.expect(77, 10)  # its own expiry ends it
    refused(mux.dump("porch", token, uid=UID_A))


def test_without_the_right_to_dump(s):
    mux = s.mux(TWO)
    refused(mux.dump("porch", mux.grant("porch", uid=UID_A, dump=False), uid=UID_A))


def test_forged_and_garbled(s):
    mux = s.mux(TWO)
    token = mux.grant("porch", uid=UID_A)
    middle = len(token) // 2
    flipped = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1:]
    cut = token[:-8]
    for wrong in (flipped, cut):
        client = mux.dump("porch", wrong, uid=UID_A)
        code = client.wait()
        check(code in (65, 77), f"a forged token: exit {code}")
        refused(client, code)
    refused(mux.dump("porch", "fmx1_!!!", uid=UID_A), 65)


def test_narrowed_offline(s):
    """Anyone can narrow a token; the narrower one holds, and nothing can be taken back."""
    mux = s.mux(TWO)
    token = mux.grant("porch", uid=UID_A)
    path = s.write("token", token)
    narrow = mux.ctl("attenuate", "-k", path, "--max-size", "160x120").strip()
    client = mux.dump("porch", narrow, uid=UID_A)
    client.expect(0)
    check((client.meta()[0]["width"], client.meta()[0]["height"]) == (160, 120), "not narrowed")
    refused(mux.dump("porch", mux.ctl("attenuate", "-k", path, "--no-dump").strip(), uid=UID_A))
    mux.ctl("attenuate", "-k", s.write("narrow", narrow), "--max-size", "320x240", code=64)
    mux.ctl("inspect", "-k", s.write("none", "hello\n"), code=65)


def test_standing_grant(s):
    """A grant section writes a token file that works, for its own holder only."""
    tokens = s.path("tokens")
    os.mkdir(tokens)
    os.chmod(tokens, 0o755)
    uid = UID_A if os.getuid() == 0 else os.getuid()
    mux = s.mux(TWO + f'grant "wall" {{\n\tuid = {uid}\n\tcameras = {{ "porch" }}\n\tdump = true\n'
        f'\tmax_size = "160x120"\n\ttoken_file = "{tokens}/wall"\n}}\n')
    path = os.path.join(tokens, "wall")
    info = os.stat(path)
    check(info.st_mode & 0o7777 == 0o400 and info.st_uid == uid, f"token file: {info}")
    with open(path) as f:
        name, token = f.read().split()
    check(name == "porch", f"a token for {name}")
    client = mux.dump("porch", None, "-k", path, uid=UID_A)
    client.expect(0)
    check(client.meta()[0]["width"] == 160, "the grant's limit does not hold")
    refused(mux.dump("garden", token, uid=UID_A))
    mux.stop()
    mux.start()
    mux.dump("porch", token, uid=UID_A).expect(0)  # an unchanged grant keeps its token


def test_control_socket_of_others(s):
    """Who may not change things cannot grant; who may not even read gets nothing."""
    if os.getuid():
        raise Skipped("needs another uid: run as root")
    mux = s.mux(TWO)
    argv = [s.program("framemuxctl"), "-s", mux.control, "grant", "--camera", "porch"]
    asker = harness.Process(s, "asker", argv, uid=UID_A, env=s.env())
    check(asker.wait() in (69, 77), f"framemuxctl as another uid ended with {asker.wait()}")
    check("fmx1_" not in asker.out(), "another uid was given a token")
