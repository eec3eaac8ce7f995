"""How late this machine gives turns, witnessed while the tests run.

A client that counts every frame misses one when it, or the decoder before it, waits for its turn (or for
the disk that it writes to) longer than two frames are apart. Whether the machine made it wait nobody can
tell afterwards; so a thread on each processor asks for a turn every INTERVAL_S and writes a byte to the
folder that the clients write to, and notes when it came late.

The threads are in a process of their own, above that of the tests: those fork, also without libc's
knowing, and take every child of theirs that is left for a failure.
"""
import ctypes
import mmap
import os
import signal
import struct
import tempfile
import threading
import time

INTERVAL_S = 0.01
STALL_S = 0.05
KEPT = 4096  # of each processor, the newest
STALL = struct.Struct("dd")  # begin, end: CLOCK_MONOTONIC, seconds
PR_SET_PDEATHSIG = 1

_stalls = None  # shared: KEPT of each processor


def _beat(cpu, at):
    os.sched_setaffinity(0, {cpu})
    count = 0
    with tempfile.TemporaryFile(buffering=0) as f:
        last = time.monotonic()
        while True:
            time.sleep(INTERVAL_S)
            os.pwrite(f.fileno(), b"\0", 0)
            now = time.monotonic()
            if now - last > STALL_S:
                STALL.pack_into(_stalls, (at + count % KEPT) * STALL.size, last, now)
                count += 1
            last = now


def start():
    """Returns in a child, which runs the tests; its parent ends as it does."""
    global _stalls
    cpus = os.sched_getaffinity(0)
    _stalls = mmap.mmap(-1, len(cpus) * KEPT * STALL.size)
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child has it, too
    for i, cpu in enumerate(cpus):
        threading.Thread(target=_beat, args=(cpu, i * KEPT), daemon=True).start()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


def longest(begin, end):
    """The longest stall, in seconds, that overlaps this time (CLOCK_MONOTONIC, seconds)."""
    stalls = STALL.iter_unpack(_stalls[:]) if _stalls else ()
    return max((b - a for a, b in stalls if a < end and b > begin), default=0)
