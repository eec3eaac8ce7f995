"""How late this machine gives turns, witnessed while the tests run.

A client that counts every frame misses one when it, or the decoder before it, waits for its turn (or for
the disk that it writes to) longer than two frames are apart. Whether the machine made it wait nobody can
tell afterwards; so a thread on each processor asks for a turn every INTERVAL_S and writes a byte to the
folder that the clients write to, and notes when it came late.
"""
import collections
import os
import tempfile
import threading
import time

INTERVAL_S = 0.01
STALL_S = 0.05

_stalls = collections.deque(maxlen=100000)  # (begin, end), CLOCK_MONOTONIC, seconds


def _beat(cpu, folder):
    os.sched_setaffinity(0, {cpu})
    with tempfile.TemporaryFile(dir=folder, buffering=0) as f:
        last = time.monotonic()
        while True:
            time.sleep(INTERVAL_S)
            os.pwrite(f.fileno(), b"\0", 0)
            now = time.monotonic()
            if now - last > STALL_S:
                _stalls.append((last, now))
            last = now


def start(folder=None):
    for cpu in os.sched_getaffinity(0):
        threading.Thread(target=_beat, args=(cpu, folder), daemon=True).start()


def longest(begin, end):
    """The longest stall, in seconds, that overlaps this time (CLOCK_MONOTONIC, seconds)."""
    return max((b - a for a, b in list(_stalls) if a < end and b > begin), default=0)
