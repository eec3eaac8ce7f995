"""framemux-view under real compositors: the pixels of the camera, or black and words; nothing else."""
import json
import os
import signal

import pattern
from desktop import Sway, Weston
from harness import Skipped, check, until
from test_frames import camera
from test_refusals import TWO

WIDTH, HEIGHT = 320, 240  # of TWO's cameras


class Viewer:
    """A running framemux-view. tokens: {camera: token}"""

    def __init__(self, desktop, mux, tokens, *options, breakage=""):
        s = desktop.scene
        program = s.program("framemux-view")
        if not os.path.exists(program):
            raise Skipped("no framemux-view: built without its libraries")
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
    """Of a picture that is exactly what this camera shows at its own size."""
    value = pattern.read(picture.green(), picture.width)
    check(value is not None and value >> 10 == pattern.code(name, 0) >> 10,
        f"no picture of {name}'s: {value}")
    wanted = expected(value, picture.width, picture.height)
    check(picture.rgb == bytes(b for y in wanted for b in (y, y, y)),
        f"not exactly {name}'s picture")
    return value & 1023


def shows_live(desktop, window, cell, name):
    first = frame_number(desktop.screenshot().cut(*cell), name)
    until(lambda: frame_number(desktop.screenshot().cut(*cell), name) != first, "a newer frame")


def one_camera(kind):
    def test(s):
        desktop = kind(s, WIDTH, HEIGHT)
        mux = s.mux(TWO)
        tokens, _ = grant(mux, "porch")
        window = Viewer(desktop, mux, tokens, "--no-badge")
        window.await_line("porch: shown, 320x240")
        shows_live(desktop, window, (0, 0, WIDTH, HEIGHT), "porch")
    return test


TESTS = [(f"one camera under {kind.name}", one_camera(kind)) for kind in (Weston, Sway)]
