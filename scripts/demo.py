"""What scripts/demo shows. Every sentence that it prints was checked; it ends with 1 if one failed.

    demo.py BUILD-DIR [FILE-WITH-URL]
"""
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TOP, "tests/e2e"))
sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import UID_A, UID_B, check  # noqa: E402
from test_revoke import is_blank, keep_ring, lease_of  # noqa: E402

RED, BLUE = (160, 32, 32), (32, 64, 160)
NEAR = 40          # how far a colour may be from the camera's after H.264
FIRST_FRAME_S = 30  # somebody's own camera may take its time
TILE = (480, 270)
STRIP = 44


def say(text):
    print(f"demo: {text}", flush=True)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def own_camera(s, path):
    """A camera section for the person's URL; user and password go where they belong."""
    with open(path) as f:
        url = urllib.parse.urlsplit(f.read().strip())
    os.unlink(path)
    where = url.netloc.rpartition("@")[2]
    lines = [f"url = {quoted(url._replace(netloc=where).geturl())}"]
    if url.username:
        s.write("yours.secret", urllib.parse.unquote(url.password or "") + "\n")
        lines += [f"username = {quoted(urllib.parse.unquote(url.username))}",
            'password_file = "yours.secret"']
    return 'camera "yours" {\n\t' + "\n\t".join(lines) + "\n}\n"


def average_colour(path):
    """Of the middle of a picture, away from text and clock."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-vf",
        "crop=iw:ih/4:0:ih*3/8,scale=1:1:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True)
    return tuple(done.stdout)


def is_near(colour, wanted):
    return all(abs(a - b) <= NEAR for a, b in zip(colour, wanted))


def last_picture(client):
    n = len(client.meta())
    return client.frames_path % n


def watch(mux, camera, token, uid, *more):
    """A running client that writes PNGs, five a second."""
    client = mux.dump(camera, token, "--fps", "5", "--timeout", str(FIRST_FRAME_S), *more, uid=uid,
        frames=100000, form="png", out_name="f-%05d.png")
    return client


def contact_sheet(s, tiles, out):
    """tiles: (picture or None, label). A strip of text below each."""
    width, height = TILE
    argv, chains = ["ffmpeg", "-v", "error"], []
    for i, (picture, label) in enumerate(tiles):
        text = s.write(f"label{i}", label)
        if picture:
            argv += ["-i", picture]
        else:
            argv += ["-f", "lavfi", "-i", f"color=black:size={width}x{height}"]
        chains.append(f"[{i}]scale={width}:{height}:force_original_aspect_ratio=decrease,"
            f"pad={width}:{height + STRIP}:(ow-iw)/2:0:color=0x202020,setsar=1,format=rgb24,"
            f"drawtext=textfile={text}:x=8:y={height + 6}:fontsize=15:fontcolor=white:"
            f"line_spacing=3:expansion=none[t{i}]")
    layout = "|".join(f"{(i % 3) * width}_{(i // 3) * (height + STRIP)}" for i in range(len(tiles)))
    chains.append("".join(f"[t{i}]" for i in range(len(tiles)))
        + f"xstack=inputs={len(tiles)}:layout={layout}[sheet]")
    harness.run(argv + ["-filter_complex", ";".join(chains), "-map", "[sheet]", "-frames:v", "1",
        "-y", out])


def keep(picture, folder, name):
    path = os.path.join(folder, name)
    with open(picture, "rb") as src, open(path, "wb") as dst:
        dst.write(src.read())
    return path


def demo(s, url_file, out):
    specs = ["garden=live:background=%02x%02x%02x,label=garden" % BLUE]
    if url_file:
        first, section = "yours", own_camera(s, url_file)
        port = s.camserver(*specs)
        say(f"camera 1 is your own; a GStreamer RTSP server at port {port} is camera 2")
    else:
        first = "porch"
        port = s.camserver("porch=live:background=%02x%02x%02x,label=porch" % RED, *specs)
        section = f'camera "porch" {{\n\turl = "rtsp://127.0.0.1:{port}/porch"\n}}\n'
        say(f"a GStreamer RTSP server at port {port} sends two live H.264 cameras, porch and garden")
    mux = s.mux(section + f'camera "garden" {{\n\turl = "rtsp://127.0.0.1:{port}/garden"\n}}\n')
    say(f"framemuxd runs (pid {mux.pid}); capabilities are granted")
    uid_1, uid_2 = (UID_A, UID_B) if os.getuid() == 0 else (os.getuid(), os.getuid())
    token_1 = mux.grant(first, "--label", "client 1", uid=uid_1)
    token_2 = mux.grant(first, "--max-size", "640x360", "--label", "client 2", uid=uid_2)
    token_3 = mux.grant("garden", "--label", "client 3", uid=uid_1)
    one, two = watch(mux, first, token_1, uid_1), watch(mux, first, token_2, uid_2)
    three = watch(mux, "garden", token_3, uid_1)
    for client in (one, two, three):
        client.await_frames(5, FIRST_FRAME_S)
    say("three clients each see their camera")

    without = mux.dump(first, None, uid=uid_1)
    wrong = mux.dump(first, token_3, uid=uid_1)
    for client, who in ((without, "a client without a capability"),
            (wrong, f"garden's token for {first}")):
        client.expect(77)
        check(not client.meta() and not os.path.exists(client.frames_path)
            or not os.path.getsize(client.frames_path), f"{who} got a frame")
        say(f"{who}: refused, exit 77, no frame")

    lease, ring = lease_of(mux, two), keep_ring(two)
    size = len(ring)
    check(not is_blank(ring), "client 2's ring is empty before it is revoked")
    answer = json.loads(mux.ctl("--json", "revoke", lease["id"]))
    blind = is_blank(ring)
    ring.close()
    check(answer["ended"] == [lease["id"]], f"revoke ended {answer['ended']}")
    check(blind, "client 2's ring still holds pixels after revoke returned")
    two.expect(77)
    us = answer["elapsed_us"]
    say(f"client 2 revoked: blind after {us} microseconds, {size} bytes of its ring are zero")
    for client, who in ((one, "client 1"), (three, "client 3")):
        client.await_frames(len(client.meta()) + 5)
    say("clients 1 and 3 go on")

    shots = [keep(last_picture(one), out, f"client1-{first}.png"),
        keep(last_picture(two), out, f"client2-{first}-before-revoke.png"),
        keep(last_picture(three), out, "client3-garden.png")]
    colours = [average_colour(p) for p in shots]
    check(is_near(colours[2], BLUE), f"client 3's picture is not garden's: {colours[2]}")
    for who, colour in zip(("client 1", "client 2"), colours):
        if url_file:
            check(not is_near(colour, BLUE), f"{who}'s picture looks like garden's: {colour}")
        else:
            check(is_near(colour, RED), f"{who}'s picture is not porch's: {colour}")
    say("each picture is of its own camera")
    sheet = os.path.join(out, "contact-sheet.png")
    contact_sheet(s, [
        (shots[0], f"client 1, uid {uid_1}: {first}\nat the camera's own size"),
        (shots[1], f"client 2, uid {uid_2}: {first}, at most 640x360\nits last picture before revoke"),
        (shots[2], f"client 3, uid {uid_1}: garden\n "),
        (None, "no capability\nrefused: exit 77, no frame"),
        (None, f"garden's token for {first}\nrefused: exit 77, no frame"),
        (None, f"client 2 after revoke: exit 77\n{size} bytes, all zero after {us} us"),
    ], sheet)
    counts = [len(c.meta()) for c in (one, two, three)]
    mux.stop()
    check(is_stopped(one) and is_stopped(three), "a client did not notice the mux's end")
    return f"""
  camera 1  {first:<8} client 1 (uid {uid_1}): {counts[0]} pictures
                     client 2 (uid {uid_2}): {counts[1]} pictures, then revoked:
                                         blind after {us} us, {size} bytes all zero, exit 77
  camera 2  garden   client 3 (uid {uid_1}): {counts[2]} pictures
  no capability                  refused, exit 77, no frame
  garden's token for {first:<11} refused, exit 77, no frame
  every picture shows its own camera; every process has ended

  pictures:      {out}
  contact sheet: {sheet}"""


def is_stopped(client):
    return client.wait(harness.END_S) == 69


def main():
    build = sys.argv[1]
    url_file = sys.argv[2] if len(sys.argv) > 2 else None
    harness.adopt_orphans()
    out = tempfile.mkdtemp(prefix="framemux-demo-")
    os.chmod(out, 0o755)
    try:
        with tempfile.TemporaryDirectory(prefix="framemux-programs-") as programs:
            harness.stage_programs(build, programs)
            with harness.Scene(build, programs) as scene:
                summary = demo(scene, url_file, out)
    except (harness.Failed, harness.Skipped) as e:
        say(f"FAILED: {e}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if url_file and os.path.exists(url_file):
            os.unlink(url_file)
        if not os.listdir(out):
            os.rmdir(out)
    print(summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
