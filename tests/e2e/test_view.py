"""framemux-view under real compositors: the pixels of the camera, or black and words; nothing else."""
import json
import os
import signal

import pattern
from desktop import Picture, Sway, Weston
from harness import SETTLE_S, Skipped, check, until
from test_frames import camera
from test_refusals import TWO

WIDTH, HEIGHT = 320, 240  # of TWO's cameras


class Viewer:
    """A running framemux-view. tokens: {camera: token}"""

    def __init__(self, desktop, mux, tokens, *options, breakage=""):
        s = desktop.scene
        program = s.program("framemux-view")
        if not os.path.exists(program):
            raise Skipped("no framemux-view: configure says which of its libraries was missing")
        key = s.write("view.tokens", "".join(f"{c} {t}\n" for c, t in tokens.items()))
        more = {"FRAMEMUX_BREAKAGE": s.client_breakage} if s.client_breakage else {}
        self.process = desktop.start("framemux-view", [program, "--verbose", "--key", key, *options,
            *tokens], FRAMEMUX_SOCKET=mux.socket, **more)

    def await_line(self, text, after=0):
        """The number of the first line with this text, not before that one."""
        def found():
            lines = self.process.err().split("\n")[:-1]
            at = next((i + 1 for i in range(after, len(lines)) if text in lines[i]), 0)
            check(at or self.process.running(), f"it has ended:\n{self.process.err()}")
            return at
        return until(found, f"a line with {text!r} after line {after} of:\n{self.process.err()}")


def grant(mux, *cameras):
    """{camera: token}, {camera: token's id}"""
    made = {c: json.loads(mux.ctl("--json", "grant", "--camera", c)) for c in cameras}
    return {c: t["token"] for c, t in made.items()}, {c: t["id"] for c, t in made.items()}


def expected(value, width, height):
    """What the pattern camera shows: Y 16, 128 and 235 of limited range as grey."""
    grey = {16: 0, 128: 130, 235: 255}
    luma = pattern.luma(value, width, height)
    return luma.translate(bytes(grey.get(i, 1) for i in range(256)))


def frame_number(picture, name):
    """Of exactly what this camera shows at its own size; None of any other picture."""
    value = pattern.read(picture.green(), picture.width)
    if value is None or value >> 10 != pattern.code(name, 0) >> 10:
        return None
    wanted = expected(value, picture.width, picture.height)
    check(picture.rgb == bytes(b for y in wanted for b in (y, y, y)),
        f"{name}'s picture, but not exactly")
    return value & 1023


def shows_live(desktop, cell, name):
    """Its pixels, of one frame after another."""
    seen = set()
    def two():
        seen.add(frame_number(desktop.screenshot().cut(*cell), name))
        return len(seen - {None}) > 1
    until(two, f"pictures of {name}'s at {cell}")


def is_dark(picture):
    """Black but for words in the middle: no cell of the pattern is bright, as letters are thinner."""
    third = picture.height // 3
    for y in (0, picture.height - third):
        if not picture.cut(0, y, picture.width, third).is_black():
            return False
    green, width = picture.green(), picture.width
    return not any(all(min(green[(y + i) * width + x:][:4]) > 100 for i in range(4))
        for y in range(0, picture.height - 3, 4) for x in range(0, width - 3, 4))


def says_something(picture):
    return any(picture.rgb)


def stays_dark(desktop, cell, shots=5):
    for _ in range(shots):
        check(is_dark(desktop.screenshot().cut(*cell)), "something of the picture is still shown")


def await_words(desktop, cell, seconds=SETTLE_S):
    def words():
        shot = desktop.screenshot().cut(*cell)
        return says_something(shot) and is_dark(shot)
    until(words, f"black and words at {cell}", seconds)


def buffers(viewer, width, height):
    """What is in the memory that it shares with the compositor, as pictures."""
    found = []
    pid = viewer.process.pid
    if os.getuid():
        raise Skipped("looks into a program's memory: run as root")
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            if "memfd:framemux-view" not in line:
                continue
            start, end = (int(a, 16) for a in line.split()[0].split("-"))
            mem.seek(start)
            data = mem.read(end - start)[:width * height * 4]
            rgb = bytearray(width * height * 3)
            for i in range(3):
                rgb[i::3] = data[2 - i::4]
            found.append(Picture(width, height, bytes(rgb)))
    check(found, "no buffers")
    return found


ALL = (0, 0, WIDTH, HEIGHT)
BESIDE = (WIDTH + 4, 0, WIDTH, HEIGHT)  # of two: a gap of 4 between them


def one_camera(kind):
    def test(s):
        desktop = kind(s, WIDTH, HEIGHT)
        mux = s.mux(TWO)
        tokens, _ = grant(mux, "porch")
        viewer = Viewer(desktop, mux, tokens, "--no-badge")
        viewer.await_line("porch: shown, 320x240")
        shows_live(desktop, ALL, "porch")
        if kind is Weston:
            desktop.type("q")
        else:
            viewer.process.signal(signal.SIGTERM)
        viewer.process.expect(0)
    return test


def one_of_two_is_revoked(kind):
    def test(s):
        width = 2 * WIDTH + 4
        desktop = kind(s, width, HEIGHT)
        mux = s.mux(TWO)
        tokens, ids = grant(mux, "porch", "garden")
        viewer = Viewer(desktop, mux, tokens, "--no-badge")
        for name, cell in (("porch", ALL), ("garden", BESIDE)):
            viewer.await_line(f"{name}: shown, 320x240")
            shows_live(desktop, cell, name)
        mux.ctl("revoke", ids["porch"])
        viewer.await_line("porch: revoked")
        until(lambda: is_dark(desktop.screenshot().cut(*ALL)), "black")
        stays_dark(desktop, ALL)
        await_words(desktop, ALL)
        check(all(is_dark(b.cut(*ALL)) for b in buffers(viewer, width, HEIGHT)),
            "something of the picture is left in a buffer")
        shows_live(desktop, BESIDE, "garden")
    return test


def test_revoked_while_the_compositor_hangs(s):
    """Nobody reads what it sends; the pixels that the compositor has are black all the same."""
    desktop = Weston(s, WIDTH, HEIGHT)
    mux = s.mux(TWO)
    tokens, ids = grant(mux, "porch")
    viewer = Viewer(desktop, mux, tokens)
    viewer.await_line("porch: shown")
    desktop.process.signal(signal.SIGSTOP)
    mux.ctl("revoke", ids["porch"])
    viewer.await_line("porch: revoked")
    until(lambda: all(is_dark(b) for b in buffers(viewer, WIDTH, HEIGHT)), "black buffers", 5)
    desktop.process.signal(signal.SIGCONT)
    await_words(desktop, ALL)
    stays_dark(desktop, ALL)
    viewer.process.signal(signal.SIGTERM)
    viewer.process.expect(77)


def test_stale_lost_and_back(s):
    """Black and words that count, while no picture comes and while there is no mux; live again by itself."""
    desktop = Weston(s, WIDTH, HEIGHT)
    mux = s.mux("stale_after = 300\n" + TWO)
    tokens, _ = grant(mux, "porch")
    viewer = Viewer(desktop, mux, tokens, "--no-badge")
    at = viewer.await_line("porch: shown")
    ingest, = mux.roles("framemux-ingest")
    os.kill(ingest, signal.SIGSTOP)
    at = viewer.await_line("porch: no picture", at)
    await_words(desktop, ALL, 8)
    stays_dark(desktop, ALL)
    words = desktop.screenshot()
    until(lambda: desktop.screenshot() != words, "other words, of a second later")
    stays_dark(desktop, ALL, 1)
    os.kill(ingest, signal.SIGCONT)
    at = viewer.await_line("porch: shown", at)
    shows_live(desktop, ALL, "porch")
    mux.stop()
    at = viewer.await_line("porch: camera lost", at)
    until(lambda: is_dark(desktop.screenshot()), "black")
    stays_dark(desktop, ALL)
    mux.start()
    viewer.await_line("porch: shown", at)
    shows_live(desktop, ALL, "porch")


def test_before_there_is_a_mux(s):
    """It waits, and says so; and ends with a sentence when the compositor goes."""
    desktop = Sway(s, WIDTH, HEIGHT)
    mux = s.mux(TWO)
    tokens, _ = grant(mux, "porch")
    mux.stop()
    viewer = Viewer(desktop, mux, tokens, "--no-badge")
    at = viewer.await_line("porch: camera lost: framemux is not running")
    viewer.await_line("window 320x240")
    await_words(desktop, ALL)
    mux.start()
    viewer.await_line("porch: shown", at)
    shows_live(desktop, ALL, "porch")
    desktop.process.signal(signal.SIGTERM)
    viewer.process.expect(69)
    check("the compositor is gone" in viewer.process.err(), viewer.process.err())


def test_not_seen(s):
    """A window that nobody sees is told of no repaint; its picture grows old in the buffers and goes."""
    desktop = Sway(s, WIDTH, HEIGHT)
    mux = s.mux("stale_after = 300\n" + TWO)
    tokens, _ = grant(mux, "porch")
    viewer = Viewer(desktop, mux, tokens, "--no-badge")
    at = viewer.await_line("porch: shown")
    desktop.msg("workspace", "2")
    def is_black():
        return all(is_dark(b) for b in buffers(viewer, WIDTH, HEIGHT))
    until(is_black, "black buffers", 5)
    check(all(is_black() for _ in range(10)), "a picture came back")
    check(viewer.process.err().count("porch: shown") == 1, "shown where nobody sees it")
    desktop.msg("workspace", "1")
    viewer.await_line("porch: shown", at)
    shows_live(desktop, ALL, "porch")


def test_refused(s):
    desktop = Weston(s, WIDTH, HEIGHT)
    mux = s.mux(TWO)
    tokens, _ = grant(mux, "garden")
    viewer = Viewer(desktop, mux, {"porch": tokens["garden"]})
    viewer.await_line("porch: refused: ")
    await_words(desktop, ALL)
    viewer.process.signal(signal.SIGTERM)
    viewer.process.expect(77)


def shows_enlarged(desktop, by):
    """The picture by that factor, of which thresholds read the number."""
    shot = desktop.screenshot()
    value = pattern.read(shot.green(), shot.width, cell=pattern.CELL * by)
    return value is not None and value >> 10 == pattern.code("porch", 0) >> 10


def test_sizes(s):
    """As large as it is told, at first and later, and the picture in just that size; or the screen's."""
    desktop = Sway(s, 2 * WIDTH, 2 * HEIGHT)
    desktop.msg("for_window", '[app_id="framemux-view"]', "floating enable")
    mux = s.mux(TWO)
    tokens, _ = grant(mux, "porch")
    viewer = Viewer(desktop, mux, tokens, "--no-badge", "--size", "320x240")
    at = viewer.await_line("porch: shown, 320x240")
    desktop.msg("move", "position", "0", "0")
    shows_live(desktop, ALL, "porch")
    for width, height, shown in ((640, 480, "640x480"), (320, 240, "320x240"),
            (200, 240, "200x150")):
        desktop.msg("resize", "set", f"{width} px", f"{height} px")
        desktop.msg("move", "position", "0", "0")
        at = viewer.await_line(f"window {width}x{height}", at)
        at = viewer.await_line(f"porch: shown, {shown}", at)
        if width == 640:
            until(lambda: shows_enlarged(desktop, 2), "the picture twice as large")
        if width == 320:
            shows_live(desktop, ALL, "porch")
    def has_edges():
        shot = desktop.screenshot()
        return shot.cut(0, 0, 200, 45).is_black() and shot.cut(0, 195, 200, 45).is_black() \
            and not is_dark(shot.cut(0, 45, 200, 150))
    until(has_edges, "black above and below the picture")
    desktop.msg("fullscreen", "enable")
    viewer.await_line("window 640x480", at)


def test_fullscreen(s):
    desktop = Sway(s, 2 * WIDTH, 2 * HEIGHT)
    desktop.msg("for_window", '[app_id="framemux-view"]', "floating enable")
    mux = s.mux(TWO)
    tokens, _ = grant(mux, "porch")
    viewer = Viewer(desktop, mux, tokens, "--no-badge", "--fullscreen", "--size", "320x240")
    viewer.await_line("porch: shown, 640x480")
    until(lambda: shows_enlarged(desktop, 2), "the picture on the whole screen")
    seen = viewer.process.err().count(": window")
    desktop.msg("output", "*", "scale", "2")
    def window():
        return [l for l in viewer.process.err().split("\n") if ": window" in l][seen:]
    # With or without a moment at the half size, as the two events come.
    until(lambda: window()[-1:] == ["framemux-view: window 640x480"], "the same pixels for half the size")
    until(lambda: shows_enlarged(desktop, 2), "the picture on the whole screen")


def test_keys(s):
    desktop = Weston(s, 2 * WIDTH, 2 * HEIGHT, shell="desktop-shell.so")
    mux = s.mux(TWO)
    tokens, _ = grant(mux, "porch")
    viewer = Viewer(desktop, mux, tokens, "--size", "320x240")
    at = viewer.await_line("porch: shown, 320x240")
    for _ in range(4):  # each back before the compositor may have shown what it was told
        for size in ("640x480", "320x240"):
            desktop.type("f")
            at = viewer.await_line(f"window {size}", at)
    desktop.type("q")
    viewer.process.expect(0)


def test_limit_of_the_token(s):
    """A size above it is refused; then it is shown as large as may be, in the middle."""
    desktop = Weston(s, WIDTH, HEIGHT)
    mux = s.mux(TWO)
    token = mux.grant("porch", "--max-size", "160x120", dump=False)
    viewer = Viewer(desktop, mux, {"porch": token}, "--no-badge")
    viewer.await_line("porch: shown, 160x120")
    def in_the_middle():
        shot = desktop.screenshot()
        return shot.cut(0, 0, WIDTH, 60).is_black() and shot.cut(0, 180, WIDTH, 60).is_black() \
            and shot.cut(0, 0, 80, HEIGHT).is_black() and not is_dark(shot.cut(80, 60, 160, 120))
    until(in_the_middle, "a smaller picture in the middle")


TESTS = [(f"one camera under {kind.name}", one_camera(kind)) for kind in (Weston, Sway)]
TESTS += [(f"one of two is revoked under {kind.name}", one_of_two_is_revoked(kind))
    for kind in (Weston, Sway)]
