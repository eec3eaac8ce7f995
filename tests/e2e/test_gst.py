"""framemuxsrc in real pipelines: the right pixels, states told, nothing after a revocation."""
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import harness
import pattern
import pixels
import test_codecs
import test_install
from harness import Process, Skipped, check, until
from test_refusals import TWO

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../man/framemux-gst.7")
PLUGINS = ("coreelements", "png", "videoconvertscale")  # of GStreamer's own: a small registry
WIDTH, HEIGHT = 320, 240  # of the cameras of TWO


def gst_env(s, mux=None, token=None):
    """What programs of GStreamer's see: our plugin, and a few of its own."""
    if not shutil.which("gst-launch-1.0"):
        raise Skipped("no gst-launch-1.0 (Debian: gstreamer1.0-tools)")
    plugin = os.path.join(s.build, ".libs/libgstframemux.so")
    if not os.path.exists(plugin):
        raise Skipped("no framemuxsrc: built without GStreamer 1.22")
    if test_install.configured(s, "--enable-sanitizers"):
        raise Skipped("a plugin with sanitizers cannot be loaded by a program without")
    ours, theirs = (os.path.join(s.programs, d) for d in ("gst-ours", "gst-theirs"))
    if not os.path.exists(theirs):
        where = harness.run(["pkg-config", "--variable=pluginsdir", "gstreamer-1.0"]).strip()
        os.mkdir(ours)
        shutil.copy(plugin, ours)
        os.mkdir(theirs)
        for name in PLUGINS:
            file = f"libgst{name}.so"
            os.symlink(os.path.join(where, file), os.path.join(theirs, file))
    env = s.env(GST_PLUGIN_PATH_1_0=ours, GST_PLUGIN_SYSTEM_PATH_1_0=theirs,
        GST_REGISTRY_1_0=os.path.join(s.programs, "gst-registry"), GST_DEBUG="2",
        GST_DEBUG_NO_COLOR="1")
    if mux:
        env["FRAMEMUX_SOCKET"] = mux.socket
    if token:
        env["FRAMEMUX_TOKEN"] = token
    if s.client_breakage:
        env["FRAMEMUX_BREAKAGE"] = s.client_breakage
    return env


def launch(s, mux, token, pipeline, name="launch"):
    argv = ["gst-launch-1.0", "-m", *shlex.split(pipeline)]
    process = Process(s, name, argv, env=gst_env(s, mux, token))
    s.processes.append(process)
    return process


class Player:
    """A gstplayer: orders go in, lines come out."""

    def __init__(self, s, mux, token, pipeline, *more):
        program = os.path.join(s.build, "tests/e2e/gstplayer")
        if not os.path.exists(program):
            raise Skipped("no gstplayer: make check TESTS= builds it")
        self.path = s.path("player.out")
        with open(self.path, "w") as out:
            self.process = subprocess.Popen([program, pipeline, *more], env=gst_env(s, mux, token),
                text=True, stdin=subprocess.PIPE, stdout=out,
                preexec_fn=harness.end_with_parent)

    def lines(self):
        with open(self.path) as f:
            return f.read().split("\n")[:-1]

    def tell(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def await_line(self, begins, after=0):
        """The number of the line behind the first that begins so, from that number on."""
        def found():
            lines = self.lines()
            check(self.process.poll() is None, f"gstplayer ended with {self.process.returncode}")
            return next((i + 1 for i in range(after, len(lines)) if lines[i].startswith(begins)), 0)
        return until(found, f"a line that begins with {begins!r}; the last: {self.lines()[-8:]}")

    def buffers(self, after=0, before=None):
        return [line for line in self.lines()[after:before] if line.startswith("BUFFER")]


@contextlib.contextmanager
def player(s, mux, token, pipeline, *more):
    p = Player(s, mux, token, pipeline, *more)
    try:
        yield p
        p.process.stdin.close()
        check(p.process.wait(harness.END_S) == 0, f"gstplayer ended with {p.process.returncode}")
    finally:
        if p.process.poll() is None:
            p.process.kill()
            p.process.wait()
        p.process.stdin.close()


def a_token(mux, *more, camera="porch"):
    return json.loads(mux.ctl("--json", "grant", "--camera", camera, *more))


def test_inspected_without_a_warning(s):
    """And nobody reads the token back."""
    done = subprocess.run(["gst-inspect-1.0", "framemuxsrc"], env=gst_env(s), capture_output=True,
        text=True, timeout=60)
    check(done.returncode == 0, f"gst-inspect-1.0: {done.returncode}\n{done.stderr}")
    check(not done.stderr, f"gst-inspect-1.0 warns:\n{done.stderr}")
    flags = dict(re.findall(r"^  ([a-z-]+) *: .*\n *flags: (.*)$", done.stdout, re.M))
    check("readable" not in flags["token"] and "readable" in flags["token-file"], f"{flags}")
    page = open(PAGE).read()
    bases = ("blocksize", "do-timestamp", "name", "num-buffers", "parent", "typefind")
    missing = [p for p in flags if p not in bases and f"\n.It Cm {p}\n" not in page]
    check(not missing, f"framemux-gst(7) does not know {missing}")
    plugin = os.path.join(s.build, ".libs/libgstframemux.so")
    symbols = harness.run(["nm", "-D", "--defined-only", plugin])
    names = {line.split()[-1] for line in symbols.splitlines()}
    check(names == {"gst_plugin_framemux_get_desc", "gst_plugin_framemux_register"}, f"{names}")


def test_the_command_of_the_page(s):
    """framemux-gst(7)'s first example, as it stands there, gives the camera's picture."""
    command, = re.findall(r"^gst-launch-1.0 .*filesink.*$", open(PAGE).read(), re.M)
    mux = s.mux(TWO)
    folder = s.folder("gst")
    with open(os.path.join(folder, "token"), "w") as f:
        f.write(mux.grant("porch"))
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=gst_env(s, mux),
        capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"{done.returncode}\n{done.stdout}{done.stderr}")
    check("WARN" not in done.stderr, done.stderr)
    # videoconvert makes 253 of the luma 235; each pixel is one of the two.
    check_grey(pixels.decode(os.path.join(folder, "x.png"), "-pix_fmt", "rgb24"), 3, bright=253)


def check_grey(data, step, bright=255):
    """RGB, step bytes a pixel: the pattern's picture, every pixel of it."""
    channels = [data[i::step] for i in range(3)]
    check(channels[0] == channels[1] == channels[2], "it has colours")
    value = pattern.read(channels[0], WIDTH)
    check(value is not None and value >> 10 == pattern.code("porch", 0) >> 10, f"it says {value}")
    luma = pattern.luma(value, WIDTH, HEIGHT)
    check(channels[0] == bytes(0 if y == pattern.DARK else bright for y in luma), "it differs")


def check_yuv(data, _):
    value = pattern.read(data, WIDTH)
    check(value is not None and value >> 10 == pattern.code("porch", 0) >> 10, f"it says {value}")
    check(data == pattern.yuv420(value, WIDTH, HEIGHT), "it differs")


def check_565(data, _):
    words = {data[i:i + 2] for i in range(0, len(data), 2)}
    check(len(data) == WIDTH * HEIGHT * 2 and words == {b"\0\0", b"\xff\xff"}, f"words {words}")


def check_half(data, _):
    check(len(data) == WIDTH * HEIGHT * 3 // 8, f"{len(data)} bytes")
    value = pattern.read(data, WIDTH // 2, cell=pattern.CELL // 2)
    check(value is not None and value >> 10 == pattern.code("porch", 0) >> 10, f"it says {value}")


def test_formats_and_sizes(s):
    """What downstream wants is what it gets, and the caps say so."""
    mux = s.mux(TWO)
    size, half = f"width={WIDTH}, height={HEIGHT}", f"width={WIDTH // 2}, height={HEIGHT // 2}"
    rows = (
        ("format=NV12", size, check_yuv, 1),
        ("format=I420,framerate=5/1", size + ".*framerate=.fraction.5/1", check_yuv, 1),
        ("format=BGRx", size, check_grey, 4),
        ("format=RGB16", size, check_565, 2),
        ("format=NV12,width=160,height=120", half, check_half, 1),
        ("format=I420,width=[16,160]", half, check_half, 1),
    )
    token = mux.grant("porch")
    for i, (caps, said, look, step) in enumerate(rows):
        out = s.path(f"out{i}")
        launch(s, mux, token, f"-v framemuxsrc camera=porch num-buffers=1 ! video/x-raw,{caps} ! "
            f"filesink location={out}", f"launch{i}").expect(0)
        text = s.processes[-1].out()
        what = rf"framemuxsrc0.GstPad:src: caps = .*{said}"
        check(re.search(what, text.replace("(int)", "")), f"{caps}: {text}")
        check(not s.processes[-1].err(), s.processes[-1].err())
        with open(out, "rb") as f:
            look(f.read(), step)
    refused = launch(s, mux, token,
        "framemuxsrc camera=porch ! video/x-raw,colorimetry=bt2020 ! fakesink")
    refused.expect(1)
    check("put videoconvert between" in refused.err(), refused.err())


def test_caps_follow_the_camera(s):
    """A camera that changes its size in mid-stream changes the caps; a fixed size stays."""
    stills = [pixels.encode(s.path(f"{size}.jpg"), ("-f", "lavfi", "-i",
        f"color=c=red:size={size}:rate=10", "-frames:v", "1"), "-c:v", "mjpeg",
        "-pix_fmt", "yuvj420p")
        for size in ("320x240", "160x120")]
    clip = s.path("two.mjpeg")
    with open(clip, "wb") as out:
        for still in stills:
            with open(still, "rb") as f:
                out.write(f.read() * 40)
    mux = s.mux(f'camera "porch" {{\n\turl = "file://{clip}"\n}}\n')
    own = launch(s, mux, mux.grant("porch"), "-v framemuxsrc camera=porch ! fakesink")
    fixed = launch(s, mux, mux.grant("porch"),
        "-v framemuxsrc camera=porch ! video/x-raw,width=64,height=48 ! fakesink", "fixed")

    def sizes(process):
        return re.findall(r"fakesink0.GstPad:sink: caps = .*width=.int.(\d+)", process.out())
    until(lambda: sizes(own)[:3] in (["320", "160", "320"], ["160", "320", "160"])
        or not own.running(), "three caps")
    for process in (own, fixed):
        check(process.running(), process.err())
        process.signal(signal.SIGINT)
        process.wait(harness.END_S)
    check(set(sizes(fixed)) == {"64"}, f"a fixed size was {sizes(fixed)}")


def test_damage_is_flagged(s):
    """A picture that the decoder had to make up in part says so; whole ones do not."""
    clip = pixels.encode(s.path("whole.h264"), test_codecs.source(frames=40), "-c:v", "libx264",
        "-preset", "ultrafast", "-g", "10", "-bf", "0", "-pix_fmt", "yuv420p")
    with open(clip, "rb") as f:
        units = test_codecs.nal_units(f.read())
    at = [i for i, (kind, _) in enumerate(units) if kind & 31 == 1][4]
    path = s.path("damaged.h264")
    with open(path, "wb") as out:
        for i, (_, u) in enumerate(units):
            half = len(u) // 2
            out.write(u if i != at else u[:half] + bytes(b ^ 0x55 for b in u[half:]))
    mux = s.mux(f'camera "porch" {{\n\turl = "file://{path}"\n}}\n')
    with player(s, mux, a_token(mux)["token"], PLAIN) as p:
        until(lambda: "CORRUPTED" in p.lines() and len(p.buffers()) > 20, "a flag and 20 buffers")
        lines = p.lines()
        marked = [i for i, line in enumerate(lines[:-1]) if line == "CORRUPTED"]
        check(all(lines[i + 1].startswith("BUFFER") for i in marked), f"{lines[-30:]}")
        check(len(marked) < len(p.buffers()) / 2, f"{len(marked)} flags of {len(p.buffers())}")


# A second of frames waits.
LATE = "queue max-size-time=3000000000 max-size-bytes=0 max-size-buffers=0 ! " \
    "fakesink name=sink sync=true ts-offset=1000000000"


def test_revoked(s):
    """EOS at once, and what waited in a queue is gone; without the flush it is shown."""
    for flush, is_gone in (("true", True), ("false", False)):
        with contextlib.ExitStack() as stack:
            mux = s.mux(TWO)
            token = a_token(mux)
            p = stack.enter_context(player(s, mux, token["token"], f"framemuxsrc camera=porch "
                f"flush-on-revoked={flush} ! {LATE}"))
            until(lambda p=p: len(p.buffers()) >= 5, "frames")
            mux.ctl("revoke", token["id"])
            at = p.await_line("STATE revoked")
            end = p.await_line("EOS", at)
            left = len(p.buffers(at, end))
            check(p.lines()[end - 2] == "BLACK", f"the last was a picture: {p.lines()[at:end]}")
            check(left <= 3 if is_gone else left >= 15, f"flush={flush}: {left} frames are shown")
            check(not p.buffers(end), "frames after the end")
        mux.stop()


def test_revoked_is_an_error_if_wanted(s):
    mux = s.mux(TWO)
    token = a_token(mux)
    process = launch(s, mux, token["token"], "framemuxsrc camera=porch on-revoked=error ! fakesink")
    until(lambda: "state=(string)live" in process.out(), "it is live")
    mux.ctl("revoke", token["id"])
    process.expect(1)
    check("Camera porch: revoked" in process.err(), process.err())


def test_refused(s):
    """Without a token, with another camera's, and without the right that it declares to use."""
    mux = s.mux(TWO)
    rows = ((None, "", "No token: "),
        (a_token(mux, camera="garden")["token"], "", "Camera porch: refused"),
        (a_token(mux)["token"], "dump=true", "Camera porch: refused"), ("fmx1_!", "", "malformed"))
    for i, (token, more, says) in enumerate(rows):
        out = s.path(f"refused{i}")
        process = launch(s, mux, token,
            f"framemuxsrc camera=porch {more} ! filesink location={out}", f"refused{i}.launch")
        check(process.wait() != 0, f"{says!r} is no failure")
        check(says in process.err(), f"not {says!r}: {process.err()}")
        check(not os.path.exists(out) or not os.path.getsize(out), "got something")


def test_stale_lost_and_back(s):
    """One black frame, and nothing else, while it is dark; it comes back by itself, also after a restart."""
    def has_only_black(p, at, dark, live):
        def pushed(begin):
            return [l for l in p.lines()[begin:live - 1] if l == "BLACK" or l.startswith("BUFFER")]
        late = [l for l in pushed(dark) if l != "BLACK"]
        check(not late, f"pushed while dark: {late}")
        # Black may be there before this state: a busy machine was stale on the way to it.
        black = [l for l in pushed(at) if l == "BLACK"]
        check(black == ["BLACK"], f"pushed while dark: {black}")
    mux = s.mux("stale_after = 300\n" + TWO)
    with player(s, mux, a_token(mux)["token"],
            "framemuxsrc camera=porch reconnect=true ! fakesink name=sink sync=false") as p:
        at = p.await_line("BUFFER", p.await_line("STATE live"))
        ingest, = mux.roles("framemux-ingest")
        os.kill(ingest, signal.SIGSTOP)
        dark = p.await_line("STATE stale", at)
        os.kill(ingest, signal.SIGCONT)
        live = p.await_line("STATE live", dark)
        has_only_black(p, at, dark, live)
        at = p.await_line("BUFFER", live)
        mux.stop()
        dark = p.await_line("STATE lost", at)
        mux.start()
        live = p.await_line("STATE live", dark)
        has_only_black(p, at, dark, live)
        p.await_line("BUFFER", live)


def test_silent_when_dark_if_wanted(s):
    mux = s.mux("stale_after = 300\n" + TWO)
    with player(s, mux, a_token(mux)["token"],
            "framemuxsrc camera=porch black-when-dark=false ! fakesink name=sink sync=false") as p:
        at = p.await_line("BUFFER", p.await_line("STATE live"))
        ingest, = mux.roles("framemux-ingest")
        os.kill(ingest, signal.SIGSTOP)
        p.await_line("STATE stale", at)
        os.kill(ingest, signal.SIGCONT)
        p.await_line("STATE live", at)
        check("BLACK" not in p.lines(), "black all the same")


def test_the_end_of_the_mux_is_an_error(s):
    mux = s.mux(TWO)
    process = launch(s, mux, a_token(mux)["token"], "framemuxsrc camera=porch ! fakesink")
    until(lambda: "state=(string)live" in process.out(), "it is live")
    mux.stop()
    process.expect(1)
    check("The mux is gone." in process.err(), process.err())


def test_a_lost_camera_keeps_nobody(s):
    """Orders are followed at once while no frame comes, and signals end gst-launch."""
    mux = s.mux('camera "porch" {\n\turl = "rtsp://127.0.0.1:1/x"\n}\n')
    token = a_token(mux)["token"]
    with player(s, mux, token, "framemuxsrc camera=porch ! fakesink name=sink") as p:
        at = p.await_line("STATE lost")
        for order in ("pause", "play", "stop"):
            p.tell(order)
            at = p.await_line(f"DONE {order}", at)
        check(not p.buffers(), "frames of a camera that is not there")
    process = launch(s, mux, token, "framemuxsrc camera=porch ! fakesink")
    until(lambda: "state=(string)lost" in process.out(), "it is lost")
    process.signal(signal.SIGTERM)
    process.wait(harness.END_S)


def test_a_lease_lasts_while_it_plays(s):
    """Paused, or at the end of its stream, an element is not listed as watching."""
    mux = s.mux(TWO)

    def watchers():
        return len(mux.status()["leases"])
    with player(s, mux, a_token(mux)["token"],
            "framemuxsrc camera=porch num-buffers=60 ! fakesink name=sink sync=false") as p:
        at = p.await_line("BUFFER")
        check(watchers() == 1, "no lease while it plays")
        p.tell("pause")
        at = p.await_line("DONE pause", at)
        until(lambda: watchers() == 0, "no lease while it is paused", 8)
        p.tell("play")
        at = p.await_line("BUFFER", p.await_line("STATE live", at))
        check(watchers() == 1, "no lease while it plays again")
        p.await_line("EOS", at)
        until(lambda: watchers() == 0, "no lease after the end of the stream")


PLAIN = "framemuxsrc camera=porch ! fakesink name=sink sync=false"


def test_erased_under_the_copy(s):
    """Revoked between picking a frame up and copying it: the copy is no frame, nor is it pushed."""
    mux = s.mux(TWO)
    token = a_token(mux)
    with player(s, mux, token["token"], PLAIN, "hold") as p:
        at = p.await_line("HELD caps")
        mux.ctl("revoke", token["id"])
        p.tell("go")
        p.tell("go")  # if there is a frame after all
        p.await_line("EOS", p.await_line("STATE revoked", at))
        check(not p.buffers(), f"pushed what was erased: {p.buffers()}")


def test_paused_under_the_copy(s):
    """The connection goes while a frame of it is in hand: it is left alone, and all goes on."""
    mux = s.mux(TWO)
    with player(s, mux, a_token(mux)["token"], PLAIN, "hold") as p:
        at = p.await_line("HELD caps")
        p.tell("pause")
        at = p.await_line("DONE pause", at)
        until(lambda: not mux.status()["leases"], "no lease while it is paused")
        p.tell("go")
        p.tell("play")
        p.tell("go")  # a frame may be late by now
        p.await_line("BUFFER", p.await_line("STATE live", at))


def test_a_pause_empties_queues(s):
    """What waited downstream when the pause came is not shown after it."""
    mux = s.mux(TWO)
    with player(s, mux, a_token(mux)["token"], f"framemuxsrc camera=porch ! {LATE}") as p:
        until(lambda: len(p.buffers()) >= 5, "frames")  # each with a second of others behind it
        p.tell("pause")
        at = p.await_line("DONE pause")
        p.tell("play")
        live = p.await_line("STATE live", at)
        check(not p.buffers(at, live), f"{len(p.buffers(at, live))} frames of before")
        p.await_line("BUFFER", live)
        check("DISCONT" in p.lines()[at:], "no new beginning")


def test_nothing_from_before_a_pause(s):
    """A buffer that is made and not yet pushed when the pause comes is not pushed after it."""
    mux = s.mux(TWO)
    with player(s, mux, a_token(mux)["token"], PLAIN, "hold") as p:
        at = p.await_line("HELD caps")
        begun = time.monotonic()
        until(lambda: time.monotonic() > begun + 0.1, "the frame is 100 ms old")
        p.tell("go")
        at = p.await_line("HELD latency", at)
        p.tell("pause")
        at = p.await_line("DONE pause", at)
        p.tell("go")
        p.tell("play")
        at = p.await_line("STATE live", at)
        until(lambda: len(p.buffers(at)) >= 5, "frames after the pause")
        begins = [line for line in p.lines() if line == "DISCONT"]
        check(len(begins) == 1, f"{len(begins)} streams begin: {p.lines()}")
