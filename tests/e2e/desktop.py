"""Compositors without a screen, and what is on their screens as pixels.

    with Weston(scene, 640, 360) as desktop:
        window = desktop.start("viewer", [program, ...], env)
        picture = desktop.screenshot()

Weston runs as whoever runs the tests; sway refuses to be root and gets a uid of its own.
"""
import os
import shutil
import signal
import subprocess

import harness
from harness import Process, Skipped, check, until

NOBODY = 65534


class Picture:
    """width x height pixels, three bytes each: red, green, blue."""

    def __init__(self, width, height, rgb):
        check(len(rgb) == width * height * 3, f"{len(rgb)} bytes are not {width}x{height} pixels")
        self.width, self.height, self.rgb = width, height, rgb

    def at(self, x, y):
        return tuple(self.rgb[(y * self.width + x) * 3:][:3])

    def cut(self, x, y, width, height):
        """A part of it."""
        rows = (self.rgb[((y + i) * self.width + x) * 3:][:width * 3] for i in range(height))
        return Picture(width, height, b"".join(rows))

    def green(self):
        """One byte a pixel, enough of a grey picture."""
        return self.rgb[1::3]

    def has_only(self, colour):
        return self.rgb == bytes(colour) * (self.width * self.height)

    def is_black(self):
        return not any(self.rgb)

    def __eq__(self, other):
        return (self.width, self.height, self.rgb) == (other.width, other.height, other.rgb)


def read_ppm(data):
    """A binary PPM of 8 bits, without comments."""
    kind, width, height, depth = data.split(None, 4)[:4]
    check(kind == b"P6" and depth == b"255", f"no PPM: {data[:20]}")
    width, height = int(width), int(height)
    return Picture(width, height, data[len(data) - width * height * 3:])


def needs(*programs):
    for name in programs:
        if not shutil.which(name):
            raise Skipped(f"no {name}: scripts/setup test installs it")


class Desktop:
    """A running compositor. Ends with its scene."""

    def __init__(self, scene, width, height):
        self.scene, self.width, self.height = scene, width, height

    def begin(self, argv, uid, env, socket):
        self.runtime = self.scene.folder(self.name, uid)
        os.chmod(self.runtime, 0o700)
        self.env = {"XDG_RUNTIME_DIR": self.runtime}
        self.process = Process(self.scene, self.name, argv,
            env=self.scene.env(**self.env, HOME=self.runtime, **env), uid=uid)
        self.scene.processes.append(self.process)
        def is_there():
            check(self.process.running(), f"{self.name} has ended:\n{self.process.err()}")
            return socket()
        self.env["WAYLAND_DISPLAY"] = until(is_there, f"{self.name} to be ready")

    def start(self, name, argv, **env):
        """A program whose display this is."""
        window = Process(self.scene, name, argv, env=self.scene.env(**self.env, **env))
        self.scene.processes.append(window)
        return window

    def run(self, *argv):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=30,
            env=dict(self.scene.env(), **self.env))
        check(done.returncode == 0, f"{argv[0]}: {done.stderr.decode()}{done.stdout[:200]}")
        return done.stdout


class Weston(Desktop):
    """Weston 10: its kiosk shell makes every window as large as the screen."""
    name = "weston"

    def __init__(self, scene, width, height, shell="kiosk-shell.so"):
        super().__init__(scene, width, height)
        needs("weston")
        built = os.path.join(scene.build, "tests/e2e")
        module = os.path.join(built, ".libs/weston_seat.so")
        self.shooter = os.path.join(built, "weston_shot")
        if not os.path.exists(module) or not os.path.exists(self.shooter):
            raise Skipped("no weston_seat: built without libweston-10-dev")
        # Without pixman headless draws nothing; without --debug nobody takes screenshots.
        self.begin(["weston", "--no-config", "--backend=headless-backend.so", "--use-pixman",
            f"--width={width}", f"--height={height}", f"--shell={shell}", f"--modules={module}",
            "--socket=test", "--debug", "--idle-time=0"], None, {},
            lambda: os.path.exists(os.path.join(self.runtime, "test")) and "test")

    def screenshot(self):
        return read_ppm(self.run(self.shooter))

    def type(self, key):
        """f or q."""
        self.process.signal({"f": signal.SIGUSR1, "q": signal.SIGUSR2}[key])


class Sway(Desktop):
    """sway: tiles its windows, and does what it is told by msg()."""
    name = "sway"

    def __init__(self, scene, width, height):
        super().__init__(scene, width, height)
        needs("sway", "grim", "swaymsg")
        config = scene.write("sway.conf", f"output * resolution {width}x{height}\nswaybg_command -\n"
            "default_border none\ndefault_floating_border none\nxwayland disable\n"
            "seat * hide_cursor 1\n", mode=0o644)
        uid = NOBODY if os.getuid() == 0 else None
        def socket():
            names = sorted(os.listdir(self.runtime))
            return "sway.sock" in names and next((n for n in names if n.startswith("wayland-")
                and not n.endswith(".lock")), None)
        self.begin(["sway", "-c", config], uid, {"WLR_BACKENDS": "headless",
            "WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_HEADLESS_OUTPUTS": "1",
            "SWAYSOCK": os.path.join(scene.path("sway.d"), "sway.sock")}, socket)

    def screenshot(self):
        return read_ppm(self.run("grim", "-t", "ppm", "-"))

    def msg(self, *words):
        return self.run("swaymsg", "-s", os.path.join(self.runtime, "sway.sock"), "--", *words)
