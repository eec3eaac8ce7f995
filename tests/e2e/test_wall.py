"""framemux-wall: what is on its screen, pixel by pixel, and when.

The screen is wlroots' headless one, drawn by pixman; grim takes it, as the configuration lets it. What the
wall says of each repaint (--debug) tells when; the pictures tell whether it is true.
"""
import os
import re
import shutil
import signal
import subprocess
import time

import desktop
import hands
import pattern
from harness import SETTLE_S, UNHURRIED_FPS, Process, Skipped, check, until

SCREEN = (1280, 720)  # of the headless backend
GAP = 8
WIDTH, HEIGHT = 628, 348  # a cell of two by two on that screen: nothing is scaled
CELLS = [(GAP + x * (WIDTH + GAP), GAP + y * (HEIGHT + GAP)) for y in (0, 1) for x in (0, 1)]
GREYS = {16: 0, 235: 255, 128: 130}  # a pattern's luma as RGB
BADGE = (260, 60)  # room for one line of it, in a live tile's lower left corner
DARK_BADGE = (480, 70)  # in a dark tile's middle
LATER = 5  # screenshots after it went dark


def camera(name, url=None, fps=15):
    url = url or f"test:{name}?size={WIDTH}x{HEIGHT}&fps={fps}"
    return f'camera "{name}" {{ url = "{url}" }}\n'


def the_program(s):
    """Where every uid can read it."""
    for name in (".libs/framemux-wall", "framemux-wall"):
        if os.path.exists(os.path.join(s.build, name)):
            return shutil.copy(os.path.join(s.build, name), s.program("framemux-wall"))
    raise Skipped("no framemux-wall: built without wlroots 0.15 (libwlroots-dev) or Pango (libpango1.0-dev)")


class Wall(Process):
    """On a screen of its own, or as a window of a desktop."""

    def __init__(self, s, mux, names, *more, uid=None, window_of=None, screens=1):
        program = the_program(s)
        desktop.needs("grim")
        lines = "".join(f"{n} {mux.grant(n, dump=False, uid=uid)}\n" for n in names)
        tokens = s.write("wall.tokens", lines)
        if uid is not None and os.getuid() == 0:
            os.chown(tokens, uid, uid)
        config = s.write("wall.conf", "\n".join([f'socket = "{mux.socket}"', f'token_file = "{tokens}"',
            *(more or ["allow_capture = true"]),
            *(f'camera "{n}" {{ title = "The {n}" }}' for n in names)]) + "\n", mode=0o644)
        screen = {"WLR_BACKENDS": "wayland", **window_of.env} if window_of else \
            {"WLR_BACKENDS": "headless", "XDG_RUNTIME_DIR": s.folder("runtime")}
        os.chmod(screen["XDG_RUNTIME_DIR"], 0o700)
        if s.client_breakage:
            screen["FRAMEMUX_BREAKAGE"] = s.client_breakage
        self.env = s.env(WLR_RENDERER="pixman", WLR_WL_OUTPUTS=str(screens), **screen)
        super().__init__(s, "wall", [program, "-c", config, "--debug"], env=self.env,
            uid=uid)
        s.processes.append(self)

    def grim(self, *args, display="wayland-0"):
        done = subprocess.run(["grim", *args], env=dict(self.env, WAYLAND_DISPLAY=display),
            capture_output=True, timeout=20)
        check(self.running(), f"the wall has ended with {self.popen.returncode}:\n{self.err()[-2000:]}")
        return done

    def shot(self):
        """The screen: (red, green, blue), a byte for each pixel."""
        done = self.grim("-t", "ppm", "-")
        check(done.returncode == 0, f"grim: {done.stderr.decode()}")
        head, data = re.match(rb"P6\s(\d+) (\d+)\s255\s", done.stdout), done.stdout
        check(head and tuple(map(int, head.groups())) == SCREEN, f"a screen of {data[:20]}")
        return [data[head.end() + c::3] for c in range(3)]

    def lines(self, after=0):
        """(ms, what) that it has said."""
        found = re.findall(r"^framemux-wall: (\d+) ms: (.*)\n", self.err(), re.M)
        return [(int(ms), what) for ms, what in found][after:]

    def repaints(self, after=0):
        """(ms, {camera: the number of the frame shown, 0: black}) of each"""
        return [(ms, {n: int(v) for n, v in re.findall(r"(\S+)=(\d+)", what)})
            for ms, what in self.lines(after) if what.startswith("repaint ")]

    def shows(self, *names, after=0):
        """Once it has shown a frame of each in one repaint."""
        def found():
            check(self.running(), f"the wall has ended with {self.popen.returncode}: {self.err()[-2000:]}")
            return any(all(r[n] for n in names) for _, r in self.repaints(after))
        until(found, f"frames of {names}; {self.lines()[-3:]}")

    def says(self, text, after=0):
        """The number of the first line with this."""
        return until(lambda: next((i + 1 for i, (_, w) in enumerate(self.lines(after)) if text in w), 0),
            f"{text!r}; it said {self.lines(after)[-5:]}") - 1 + after


def cut(plane, x, y, width, height):
    return [plane[(y + i) * SCREEN[0] + x:(y + i) * SCREEN[0] + x + width] for i in range(height)]


def live_frame(shot, cell, name):
    """The number of the frame in this cell, every pixel of which is the camera's but for the badge."""
    rows = [cut(plane, *CELLS[cell], WIDTH, HEIGHT) for plane in shot]
    value = pattern.read(b"".join(rows[1]), WIDTH)
    check(value is not None and value >> 10 == pattern.code(name, 0) >> 10,
        f"cell {cell} is not {name}'s: {value}")
    luma = pattern.luma(value, WIDTH, HEIGHT).translate(bytes(GREYS.get(i, 1) for i in range(256)))
    for y in range(HEIGHT):
        want = luma[y * WIDTH:(y + 1) * WIDTH]
        x = BADGE[0] if y >= HEIGHT - BADGE[1] else 0
        for plane in rows:
            check(plane[y][x:] == want[x:], f"{name}: line {y} is {plane[y][x:x + 40].hex()}…, not "
                f"{want[x:x + 40].hex()}…")
    return value % 1024


def is_dark(shot, cell):
    """Black, but for words in its middle."""
    left, top = (WIDTH - DARK_BADGE[0]) // 2, (HEIGHT - DARK_BADGE[1]) // 2
    for plane in shot:
        for y, row in enumerate(cut(plane, *CELLS[cell], WIDTH, HEIGHT)):
            if top <= y < HEIGHT - top:
                row = row[:left] + row[WIDTH - left:]
            if row.strip(b"\0"):
                return False
    return True


def in_memory(wall, name, mapped=""):
    """Where, in what is mapped from such a file, a row of this camera's blocks is in the wall. (Another
    camera's may look alike, shifted.)"""
    row = pattern.luma(pattern.code(name, 0), 256, 16)[:256]
    needle = b"".join(bytes([GREYS[v]] * 3 + [255]) for v in row)
    with open(f"/proc/{wall.pid}/maps") as maps, open(f"/proc/{wall.pid}/mem", "rb") as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if "r" not in rights or "[v" in line or mapped not in line:
                continue
            begin, end = (int(v, 16) for v in span.split("-"))
            if end - begin > 1 << 30:
                continue  # a sanitizer's
            memory.seek(begin)
            at = memory.read(end - begin).find(needle)
            if at >= 0:
                return f"at {at} of {line.strip()}"
    return None


def went_black(wall, name, mark, told):
    """From the state to the repaint that is black: no other in between. Says how long it took."""
    lines = wall.lines(mark)
    at = next(i for i, (_, what) in enumerate(lines) if told in what)
    late = until(lambda: [(ms, r[name]) for ms, r in wall.repaints(mark + at)], "a repaint")
    check(late[0][1] == 0, f"the repaint after {told!r} shows frame {late[:1]}")
    return late[0][0] - lines[at][0]


def test_four_cameras_one_lost_one_revoked(s):
    mux = s.mux(camera("porch") + camera("garage", "rtsp://127.0.0.1:1/") + camera("garden")
        + camera("street"))
    wall = Wall(s, mux, ["porch", "garage", "garden", "street"])
    wall.shows("porch", "garden", "street")
    wall.says("state garage: 4")
    before = wall.shot()
    check(not is_dark(before, 3) and is_dark(before, 1), "the cells are not where they are thought")
    mux.ctl("revoke", "--camera", "street")
    live, ends = 0, time.monotonic() + SETTLE_S
    while live < LATER:
        check(time.monotonic() < ends, "the live cameras do not stay so")
        shot = wall.shot()
        check(is_dark(shot, 1), "the lost camera's tile holds something")
        check(is_dark(shot, 3), "the revoked camera's tile holds something")
        if is_dark(shot, 0) or is_dark(shot, 2):
            continue  # too busy a machine: stale for a moment
        live_frame(shot, 0, "porch")
        live_frame(shot, 2, "garden")
        live += 1
    gaps = [shot[1][y * SCREEN[0]:(y + 1) * SCREEN[0]] for y in range(GAP)]
    check(set(b"".join(gaps)) == {0x14}, "the background is not the configured one")
    if os.environ.get("FRAMEMUX_TEST_SHOTS"):  # for people to look at
        wall.grim(os.path.join(os.environ["FRAMEMUX_TEST_SHOTS"], "wall-four.png"))


def test_black_in_the_next_repaint(s):
    """On stale and on revoke; and nothing of the picture is left, on the screen or in memory."""
    mux = s.mux("stale_after = 400\n" + camera("porch") + camera("garden"))
    wall = Wall(s, mux, ["porch", "garden"], "allow_capture = true", "columns = 2",
        'background = "#000000"')
    wall.shows("porch", "garden")
    check(in_memory(wall, "porch"), "the picture is not found in memory even while it is shown")
    mark = len(wall.lines())
    ingest = next(p for p in mux.roles("framemux-ingest") if p in mux.camera("garden")["pids"])
    os.kill(ingest, signal.SIGSTOP)
    wall.says("state garden: 3", mark)
    wall.shows("porch", after=len(wall.lines()))  # a stopped decoder stops nobody else
    stale_ms = went_black(wall, "garden", mark, "state garden: 3")
    check(not any(r["garden"] for _, r in wall.repaints(wall.says("state garden: 3", mark))),
        "something is shown while it is stale")
    os.kill(ingest, signal.SIGCONT)
    wall.shows("garden", after=len(wall.lines()))
    mark = len(wall.lines())
    mux.ctl("revoke", "--camera", "porch")
    after = len(wall.lines())
    wall.says("state porch: 5", mark)
    revoke_ms = went_black(wall, "porch", mark, "state porch: 5")
    wall.shows("garden", after=after)
    shown = [r["porch"] for _, r in wall.repaints(wall.says("state porch: 5", mark))]
    check(not any(shown), f"shown after the revocation: {shown}")
    mark = len(wall.lines())
    mux.ctl("revoke", "--all")
    wall.says("state garden: 5", mark)
    went_black(wall, "garden", mark, "state garden: 5")
    for name in ("porch", "garden"):
        left = in_memory(wall, name)
        check(not left, f"a row of {name}'s picture is still in the wall's memory: {left}")
    print(f"      black in the next repaint: after {stale_ms} ms when stale, {revoke_ms} ms when revoked")


def test_not_drawn(s):
    """On a workspace that is not shown there are no repaints: the picture goes from the buffers all the same."""
    mux = s.mux("stale_after = 400\n" + camera("porch", f"test:porch?size=1264x704&fps=15"))
    sway = desktop.Sway(s, *SCREEN)
    wall = Wall(s, mux, ["porch"], uid=desktop.NOBODY, window_of=sway)
    for is_revoked in (False, True):  # a live camera's picture grows old there, too
        wall.shows("porch", after=len(wall.lines()))
        check(in_memory(wall, "porch", "wlroots"), "the picture is in no buffer even while it is shown")
        mark = len(wall.lines())
        sway.msg("workspace", "2")
        if is_revoked:
            mux.ctl("revoke", "--camera", "porch")
            wall.says("state porch: 5", mark)
        until(lambda: not in_memory(wall, "porch", "wlroots"), "no row of the picture in a buffer", 8)
        wall.signal(signal.SIGSTOP)  # so that what comes is what was kept
        sway.msg("workspace", "1")
        shot = sway.screenshot()
        check(shot.cut(8, 8, 1264, 200).is_black(), "the old picture is back")  # above the badge
        wall.signal(signal.SIGCONT)


def test_the_screen_goes(s):
    """A wall without a screen leases nothing, and ends when it is told to."""
    mux = s.mux(camera("porch"))
    sway = desktop.Sway(s, *SCREEN)
    wall = Wall(s, mux, ["porch"], uid=desktop.NOBODY, window_of=sway)
    wall.shows("porch")
    sway.msg("kill")
    until(lambda: "is gone" in wall.err(), "the loss to be told")
    until(lambda: not mux.status()["leases"], "no lease without a screen", 8)
    wall.signal(signal.SIGTERM)
    wall.expect(0)


def test_the_next_screen_takes_over(s):
    """And all that is promised holds on it, too: black when revoked, captures without cameras and of its size."""
    mux = s.mux(camera("porch") + camera("garden"))
    sway = desktop.Sway(s, *SCREEN)
    wall = Wall(s, mux, ["porch", "garden"], "columns = 2", uid=desktop.NOBODY, window_of=sway, screens=2)
    wall.shows("porch", "garden")
    until(lambda: "stays dark: the wall is on" in wall.err(), "the second one to be told of")
    sway.msg("kill")
    until(lambda: "the wall is on the screen" in wall.err().split("is gone")[-1], "the second to take over")
    wall.shows("porch", "garden", after=len(wall.lines()))
    mark = len(wall.lines())
    mux.ctl("revoke", "--camera", "porch")
    wall.says("state porch: 5", mark)
    went_black(wall, "porch", mark, "state porch: 5")
    sway.msg("output", "*", "resolution", "960x540")
    wall.shows("garden", after=len(wall.lines()))
    name = re.search(r"without cameras: WAYLAND_DISPLAY=(\S+)", wall.err())[1]
    until(lambda: wall.grim("-t", "ppm", "-", display=name).stdout.startswith(b"P6\n960 540\n"),
        "a capture of the new size")
    sway.msg("kill")
    until(lambda: not mux.status()["leases"], "no lease without a screen")
    wall.signal(signal.SIGTERM)
    wall.expect(0)


def test_stopped_while_it_holds_frames(s):
    """Other clients lose nothing; when it goes on, nothing old is shown."""
    mux = s.mux("stale_after = 500\n" + camera("porch", fps=UNHURRIED_FPS))
    wall = Wall(s, mux, ["porch"])
    other = mux.dump("porch", mux.grant("porch"), frames=0).takes_turns_first()
    wall.shows("porch")
    other.await_frames(2)
    wall.signal(signal.SIGSTOP)
    lines = wall.lines()
    last = wall.repaints()[-1][1]["porch"]
    other.await_frames(len(other.meta()) + 6)
    wall.signal(signal.SIGCONT)
    until(lambda: len(wall.repaints(len(lines))) > 3, "repaints after it was stopped")
    check(last and all(r["porch"] == 0 or r["porch"] > last for _, r in wall.repaints(len(lines))),
        f"after frame {last} and a pause it shows {wall.repaints(len(lines))[:4]}")
    wall.signal(signal.SIGSTOP)
    other.await_frames(len(other.meta()) + 1)
    mux.ctl("revoke", next(l["id"] for l in mux.status()["leases"] if l["pid"] == wall.pid))
    mark = len(wall.lines())
    wall.signal(signal.SIGCONT)
    wall.says("state porch: 5", mark)
    check(not any(r["porch"] for _, r in wall.repaints(mark)), "revoked while it was stopped, and shown")
    other.check_missed_none()


def test_another_client_is_stopped(s):
    """Whoever stands still with frames in its hands holds up neither the wall nor one tile of it."""
    mux = s.mux(camera("porch") + camera("garden"))
    wall = Wall(s, mux, ["porch", "garden"], "allow_capture = true")
    wall.shows("porch", "garden")
    client = mux.dump("porch", mux.grant("porch"), frames=0)
    client.await_frames(2)
    client.signal(signal.SIGSTOP)
    seen = wall.repaints()[-1][1]
    until(lambda: all(wall.repaints()[-1][1][name] > seen[name] + 20 for name in seen), "20 more of each")
    client.signal(signal.SIGCONT)


def test_comes_back_by_itself(s):
    """Without a mux at the start, and when it goes: black, with words."""
    mux = s.mux(camera("porch"))
    token = mux.grant("porch", dump=False)
    mux.stop()
    mux.grant = lambda *_, **__: token
    wall = Wall(s, mux, ["porch"])
    wall.says("state porch: 4 the mux cannot be reached")
    check(not any(p.strip(b"\0\x10\x14\x18\xff") == b"" for p in wall.shot()), "there are no words")
    mux.start()
    wall.shows("porch")
    mark = len(wall.lines())
    mux.stop()
    wall.says("state porch: 4", mark)
    went_black(wall, "porch", mark, "state porch: 4")
    mux.start()
    wall.shows("porch", after=wall.says("state porch: 4", mark))


def test_captures_are_without_cameras(s):
    """Unless the configuration says otherwise; and nobody can name the screen itself."""
    mux = s.mux(camera("porch") + camera("garage") + camera("garden") + camera("street"))
    wall = Wall(s, mux, ["porch", "garage", "garden", "street"], "columns = 2")
    wall.shows("porch", "garage", "garden", "street")
    for _ in range(3):
        shot = wall.shot()
        check(all(is_dark(shot, cell) for cell in range(4)), "a camera is in the capture")
        check(any(shot[1][y * SCREEN[0] + GAP:][:WIDTH].strip(b"\0") for y in range(150, 210)),
            "the capture does not say why it is black")
    done = wall.grim("-o", "HEADLESS-1", "-")
    check(done.returncode and b"unknown output" in done.stderr, f"the screen was captured: {done.stderr}")
    wall.shows("porch", "garage", "garden", "street", after=len(wall.lines()))


def test_enlarged(s):
    """By keys and clicks, as a window of sway: leased anew in the size that is shown, what it hides not at all."""
    mux = s.mux(camera("porch") + camera("garden", f"test:garden?size={SCREEN[0]}x{SCREEN[1]}&fps=15"))
    sway = desktop.Sway(s, *SCREEN)
    wall = Wall(s, mux, ["porch", "garden"], "columns = 2", uid=desktop.NOBODY, window_of=sway)
    small = ("porch", WIDTH, HEIGHT), ("garden", WIDTH, 352)

    def leased(*wanted):
        def is_so():
            return {(l["camera"], l["width"], l["height"]) for l in mux.status()["leases"]
                if l["pid"] == wall.pid} == set(wanted)
        until(is_so, f"leases {wanted}")

    leased(*small)
    wall.shows("porch", "garden")
    with hands.Hands(wall.env["XDG_RUNTIME_DIR"], wall.env["WAYLAND_DISPLAY"]) as hand:
        def pressed():  # until the window has got the keyboard
            hand.press("2")
            return any(l["width"] == SCREEN[0] for l in mux.status()["leases"])
        until(pressed, "the second one enlarged")
        leased(("garden", *SCREEN))
        wall.shows("garden", after=len(wall.lines()))
        check(not wall.repaints()[-1][1]["porch"], "a camera that is hidden is shown")
        shot = sway.screenshot()
        value = pattern.read(shot.green(), SCREEN[0])
        check(value is not None and value >> 10 == pattern.code("garden", 0) >> 10, f"{value} is no garden")
        luma = pattern.luma(value, *SCREEN).translate(bytes(GREYS.get(i, 1) for i in range(256)))
        end = (SCREEN[1] - BADGE[1]) * SCREEN[0]
        check(shot.green()[:end] == luma[:end], "enlarged, it is not what the camera shows")
        hand.press("Escape")
        leased(*small)
        hand.press("Tab")  # from the second to the first
        hand.press("Return")
        leased(("porch", WIDTH, HEIGHT))
        hand.press("Right")
        leased(("garden", *SCREEN))
        hand.click(100, 100, *SCREEN)
        leased(*small)
        hand.click(SCREEN[0] - 100, 300, *SCREEN)
        leased(("garden", *SCREEN))
        hand.press("Control", "Alt", "BackSpace")
        wall.expect(0)


BAD = (
    ("", "1: there is no camera"),
    ('camera "a" { }\nnonsense = 1\n', "2: no such option 'nonsense'"),
    ('# one\n// two\nfps = 15\nfps = 16\ncamera "a" { }\n', "4: fps is repeated"),
    ('fps = "fast"\ncamera "a" { }\n', "1: fps takes a whole number from 0 to 240"),
    ('camera "a" { }\n\ncamera "a" { }\n', "3: "),
    ('camera "a b" { }\n', "1: a camera's name is"),
    ('camera "a" {\ntitle = "x"\ntitle = "y"\n}\n', "3: title is repeated"),
    ('allow_capture = maybe\ncamera "a" { }\n', "1: allow_capture takes true or false"),
    ('background = "black"\ncamera "a" { }\n', "1: background takes a colour"),
    ('token_file = "${HOME}/t"\ncamera "a" { }\n', '1: "${" is refused'),
    ('camera "a {\n}\n', "1: a string that does not end"),
    ('camera "a" { }\n/* never', "2: the comment that begins here does not end"),
    ('include("other")\ncamera "a" { }\n', "1: "),
)


def test_configuration(s):
    program = the_program(s)

    def run(*args):
        done = subprocess.run([program, *args], env=s.env(), capture_output=True, text=True, timeout=20)
        return done.returncode, done.stderr
    for text, want in BAD:
        path = s.write("wall.conf", text)
        code, said = run("--check", "-c", path)
        check(code == 78 and f"{path}:{want}" in said, f"{text!r}: {code}, {said}")
    good = '# a wall\n/* of\ntwo */ fps = 5 // few\ncolumns=3\ntoken_file = "t"\ncamera "a" { title = "#1, the \\"A\\"" }\n'
    check(run("--check", "-c", s.write("wall.conf", good)) == (0, ""), "a good one is refused")
    check(run("-c", s.path("none"))[0] == 78, "no file")
    check(run("porch")[0] == 64 and run("--nonsense")[0] == 64, "usage")
    code, said = run("--check", "-c", os.path.join(os.path.dirname(__file__), "../../data/wall.conf"))
    check(code == 0, f"the example is refused: {said}")
