"""A keyboard and a pointer for a compositor that has none: virtual-keyboard and virtual-pointer, on the raw
wire, as there is no client that sends codes of real keys."""
import array
import os
import select
import socket
import struct
import time

from harness import check

KEYMAP = b"""xkb_keymap {
xkb_keycodes { include "evdev+aliases(qwerty)" };
xkb_types { include "complete" };
xkb_compat { include "complete" };
xkb_symbols { include "pc+us+inet(evdev)" };
};
\0"""
KEYS = {"Escape": 1, "2": 3, "BackSpace": 14, "Tab": 15, "Return": 28, "Control": 29, "Alt": 56, "Right": 106}
MODIFIERS = {"Control": 4, "Alt": 8}  # as bits of that keymap
BUTTON_LEFT = 0x110
DISPLAY, REGISTRY, DONE, SEAT, KEYBOARDS, POINTERS, KEYBOARD, POINTER = range(1, 9)  # as they are made


def text(s):
    raw = s.encode() + b"\0"
    return struct.pack("=I", len(raw)) + raw + bytes(-len(raw) % 4)


class Hands:
    """Used in a `with`: the devices are there until its end."""

    def __init__(self, runtime, display):
        self.path = os.path.join(runtime, display)

    def __enter__(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)
        self.send(DISPLAY, 1, struct.pack("=I", REGISTRY))
        self.globals = self.await_done()
        self.bind("wl_seat", 1, SEAT)
        self.bind("zwp_virtual_keyboard_manager_v1", 1, KEYBOARDS)
        self.bind("zwlr_virtual_pointer_manager_v1", 1, POINTERS)
        self.send(KEYBOARDS, 0, struct.pack("=II", SEAT, KEYBOARD))
        fd = os.memfd_create("keymap")
        os.write(fd, KEYMAP)
        self.send(KEYBOARD, 0, struct.pack("=II", 1, len(KEYMAP)), fd)
        os.close(fd)
        self.send(POINTERS, 0, struct.pack("=II", SEAT, POINTER))
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, obj, opcode, args=b"", fd=None):
        message = struct.pack("=II", obj, (8 + len(args)) << 16 | opcode) + args
        more = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.sock.sendmsg([message], more)

    def await_done(self):
        """{interface: its number}, up to the answer of a sync."""
        self.send(DISPLAY, 0, struct.pack("=I", DONE))
        found, data = {}, b""
        while True:
            check(select.select([self.sock], [], [], 10)[0], "the compositor does not answer")
            data += self.sock.recv(65536)
            while len(data) >= 8:
                obj, head = struct.unpack_from("=II", data)
                if len(data) < head >> 16:
                    break
                body, data = data[8:head >> 16], data[head >> 16:]
                if obj == REGISTRY:
                    number, length = struct.unpack_from("=II", body)
                    found[body[8:8 + length - 1].decode()] = number
                elif obj == DONE:
                    return found

    def bind(self, interface, version, obj):
        check(interface in self.globals, f"the compositor has no {interface}")
        self.send(REGISTRY, 0, struct.pack("=I", self.globals[interface]) + text(interface)
            + struct.pack("=II", version, obj))

    def now(self):
        return int(time.monotonic() * 1000) & 0xffffffff

    def press(self, *names):
        """All of them down in this order, and up again."""
        for state, keys in ((1, names), (0, names[::-1])):
            for name in keys:
                self.send(KEYBOARD, 1, struct.pack("=III", self.now(), KEYS[name], state))
                held = sum(MODIFIERS.get(n, 0) for n in names[:names.index(name) + state])
                self.send(KEYBOARD, 2, struct.pack("=IIII", held, 0, 0, 0))

    def click(self, x, y, width, height):
        """At this place of a screen of that size."""
        self.send(POINTER, 1, struct.pack("=IIIII", self.now(), x, y, width, height))
        self.send(POINTER, 4)
        for state in (1, 0):
            self.send(POINTER, 2, struct.pack("=III", self.now(), BUTTON_LEFT, state))
            self.send(POINTER, 4)
