"""Another process made to do a system call of our choice, as if it had been taken over.

With ptrace(2) as root on x86-64: the process waits in a call of its own, so its instruction pointer is
just behind a `syscall` instruction; it is sent there again with other registers.
"""
import ctypes
import os
import platform
import signal

from harness import Skipped, check

PTRACE_CONT, PTRACE_SINGLESTEP, PTRACE_GETREGS, PTRACE_SETREGS = 7, 9, 12, 13
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WALL = 0x40000000
# struct user_regs_struct of <sys/user.h>
FIELDS = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
    "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es",
    "fs", "gs")
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")

# Calls by their numbers in asm/unistd_64.h.
NR = {"write": 1, "open": 2, "mmap": 9, "mprotect": 10, "ioctl": 16, "mremap": 25, "dup2": 33, "socket": 41,
    "connect": 42, "sendto": 44, "sendmsg": 46, "bind": 49, "clone": 56, "fork": 57, "execve": 59,
    "kill": 62, "fcntl": 72, "ftruncate": 77, "ptrace": 101, "setuid": 105, "prctl": 157, "mount": 165,
    "mmap-shared": 9, "recvmsg-lease": 47, "setsockopt": 54, "openat": 257, "unshare": 272,
    "fallocate": 285, "dup3": 292, "setns": 308, "process_vm_writev": 311, "memfd_create": 319,
    "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "pidfd_getfd": 438, "getpid": 39}

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in FIELDS]


def needed():
    if os.getuid() != 0 or platform.machine() != "x86_64":
        raise Skipped("taking a process over needs ptrace as root, and is written for x86-64")


def ptrace(request, pid, address=0, data=0):
    r = libc.ptrace(request, pid, address, data)
    check(r != -1, f"ptrace {request}: {os.strerror(ctypes.get_errno())}")
    return r


def do(pid, call, *arguments):
    """The process makes this call. Its result, or the signal that it died of as a signal.Signals.

    A survivor goes on with what it did before.
    """
    ptrace(PTRACE_ATTACH, pid)
    os.waitpid(pid, WALL)
    before = Registers()
    ptrace(PTRACE_GETREGS, pid, 0, ctypes.addressof(before))
    after = Registers.from_buffer_copy(before)
    after.rip -= 2
    after.rax, after.orig_rax = NR[call], 2**64 - 1
    for name, value in zip(ARGUMENTS, arguments):
        setattr(after, name, value % 2**64)
    ptrace(PTRACE_SETREGS, pid, 0, ctypes.addressof(after))
    ptrace(PTRACE_SINGLESTEP, pid)
    _, status = os.waitpid(pid, WALL)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status))
    if os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSYS:
        ptrace(PTRACE_CONT, pid, 0, signal.SIGSYS)
        _, status = os.waitpid(pid, WALL)
        return signal.Signals(os.WTERMSIG(status))
    check(os.WIFSTOPPED(status), f"{pid}: status {status:#x}")
    ptrace(PTRACE_GETREGS, pid, 0, ctypes.addressof(after))
    ptrace(PTRACE_SETREGS, pid, 0, ctypes.addressof(before))
    ptrace(PTRACE_DETACH, pid)
    return ctypes.c_longlong(after.rax).value


def crash(pid):
    """It jumps to nowhere: a fault of its own, which no namespace protects it from."""
    ptrace(PTRACE_ATTACH, pid)
    os.waitpid(pid, WALL)
    registers = Registers()
    ptrace(PTRACE_GETREGS, pid, 0, ctypes.addressof(registers))
    registers.rip, registers.orig_rax = 16, 2**64 - 1
    ptrace(PTRACE_SETREGS, pid, 0, ctypes.addressof(registers))
    ptrace(PTRACE_DETACH, pid)


def loop(pid):
    """It runs in a circle of one instruction for ever."""
    ptrace(PTRACE_ATTACH, pid)
    os.waitpid(pid, WALL)
    registers = Registers()
    ptrace(PTRACE_GETREGS, pid, 0, ctypes.addressof(registers))
    put(pid, registers.rip, b"\xeb\xfe")
    ptrace(PTRACE_DETACH, pid)


def stack_of(pid):
    """An address where it has room for what a call is to read, well below its own frames."""
    with open(f"/proc/{pid}/maps") as f:
        line = next(l for l in f if l.rstrip().endswith("[stack]"))
    return int(line.split("-")[0], 16) + 64


def put(pid, address, data):
    with open(f"/proc/{pid}/mem", "wb", buffering=0) as f:
        f.seek(address)
        f.write(data)
    return address
