"""System calls that a hostile client tries on its memory: each function returns only if the kernel
let it happen, and raises OSError otherwise."""
import ctypes
import errno
import fcntl
import mmap
import os
import struct

import harness

libc = harness.libc
ADDRESS = ctypes.c_void_p
libc.mmap.restype = ADDRESS
libc.mmap.argtypes = [ADDRESS, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mprotect.argtypes = libc.madvise.argtypes = [ADDRESS, ctypes.c_size_t, ctypes.c_int]
libc.mlock.argtypes = libc.munmap.argtypes = [ADDRESS, ctypes.c_size_t]
libc.vmsplice.argtypes = [ctypes.c_int, ADDRESS, ctypes.c_ulong, ctypes.c_uint]
libc.vmsplice.restype = ctypes.c_ssize_t
libc.process_vm_writev.argtypes = [ctypes.c_int, ADDRESS, ctypes.c_ulong, ADDRESS, ctypes.c_ulong,
    ctypes.c_ulong]
libc.process_vm_writev.restype = ctypes.c_ssize_t
libc.read.argtypes = [ctypes.c_int, ADDRESS, ctypes.c_size_t]
libc.read.restype = ctypes.c_ssize_t

F_SETLEASE, F_ADD_SEALS, F_GET_SEALS = 1024, 1033, 1034
F_SEAL_WRITE, F_SEAL_EXEC = 0x8, 0x20
SEALS = {"F_SEAL_SEAL": 1, "F_SEAL_SHRINK": 2, "F_SEAL_GROW": 4, "F_SEAL_FUTURE_WRITE": 16}
MADV_REMOVE, MADV_POPULATE_WRITE, MADV_COLLAPSE = 9, 23, 25
PUNCH_HOLE, KEEP_SIZE, ZERO_RANGE = 2, 1, 16
SPLICE_F_GIFT = 8
UFFD_USER_MODE_ONLY, UFFD_API, UFFDIO_API, UFFDIO_REGISTER = 1, 0xAA, 0xC018AA3F, 0xC020AA00
UFFD_MISSING, UFFD_WP, UFFD_MINOR = 1, 2, 4
FS_IOC_SETFLAGS, FS_IMMUTABLE = 0x40086602, 0x10
NR_USERFAULTFD = {"x86_64": 323, "aarch64": 282}.get(os.uname().machine)
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000


def call(result):
    """A libc call's result; -1 becomes OSError."""
    if result is None or result in (-1, ADDRESS(-1).value):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


class IoVec(ctypes.Structure):
    _fields_ = [("base", ADDRESS), ("length", ctypes.c_size_t)]


def map_fd(fd, size, protection=mmap.PROT_READ, address=None, flags=mmap.MAP_SHARED):
    return call(libc.mmap(address, size, protection, flags, fd, 0))


def fill_pipe(data=b"x"):
    r, w = os.pipe()
    os.write(w, data)
    return r, w


def close_all(*fds):
    for fd in fds:
        os.close(fd)


def read_into(fd, address):
    """A pipe's bytes into memory: read(2)."""
    r, w = fill_pipe()
    try:
        call(libc.read(r, address, 1))
    finally:
        close_all(r, w)


def vmsplice_into(fd, address):
    """The same by vmsplice(2) on the reading end."""
    r, w = fill_pipe()
    try:
        call(libc.vmsplice(r, ctypes.byref(IoVec(address, 1)), 1, 0))
    finally:
        close_all(r, w)


def process_write(fd, address):
    byte = ctypes.create_string_buffer(b"x", 1)
    call(libc.process_vm_writev(os.getpid(), ctypes.byref(IoVec(ctypes.addressof(byte), 1)), 1,
        ctypes.byref(IoVec(address, 1)), 1, 0))


def memory_file_write(fd, address):
    mem = os.open("/proc/self/mem", os.O_RDWR)
    try:
        os.pwrite(mem, b"x", address)
    finally:
        os.close(mem)


def splice_into(fd, address):
    r, w = fill_pipe()
    try:
        os.splice(r, fd, 1, offset_dst=0)
    finally:
        close_all(r, w)


def send_into(fd, address):
    source = os.memfd_create("x")
    try:
        os.write(source, b"x")
        os.sendfile(fd, source, 0, 1)
    finally:
        os.close(source)


def copy_into(fd, address):
    source = os.memfd_create("x")
    try:
        os.write(source, b"x")
        os.copy_file_range(source, fd, 1, 0, 0)
    finally:
        os.close(source)


def fault_handler(mode):
    """Registers the mapping with userfaultfd(2), so as to answer its page faults."""
    def function(fd, address):
        if NR_USERFAULTFD is None:
            raise OSError(errno.ENOSYS, "number of userfaultfd unknown here")
        handler = call(libc.syscall(NR_USERFAULTFD, os.O_CLOEXEC | UFFD_USER_MODE_ONLY))
        try:
            fcntl.ioctl(handler, UFFDIO_API, bytearray(struct.pack("<QQQ", UFFD_API, 0, 0)))
            fcntl.ioctl(handler, UFFDIO_REGISTER,
                bytearray(struct.pack("<QQQQ", address, 4096, mode, 0)))
        finally:
            os.close(handler)
    return function


def advise(advice):
    return lambda fd, address: call(libc.madvise(address, 4096, advice))


def allocate(mode):
    return lambda fd, address: call(libc.fallocate(fd, mode, ctypes.c_long(0), ctypes.c_long(4096)))


def protect(fd, address):
    call(libc.mprotect(address, 4096, mmap.PROT_READ | mmap.PROT_WRITE))


WRITES = {
    "write": lambda fd, _: os.write(fd, b"x"),
    "pwrite": lambda fd, _: os.pwrite(fd, b"x", 0),
    "splice": splice_into,
    "sendfile": send_into,
    "copy_file_range": copy_into,
    "map writable": lambda fd, _: map_fd(fd, 4096, mmap.PROT_READ | mmap.PROT_WRITE),
    "mprotect": protect,
    "ftruncate to nothing": lambda fd, _: os.ftruncate(fd, 0),
    "ftruncate longer": lambda fd, _: os.ftruncate(fd, 1 << 30),
    "fallocate longer": lambda fd, _: os.posix_fallocate(fd, 0, 1 << 30),
    "punch a hole": allocate(PUNCH_HOLE | KEEP_SIZE),
    "zero a range": allocate(ZERO_RANGE),
    "MADV_REMOVE": advise(MADV_REMOVE),
    "MADV_POPULATE_WRITE": advise(MADV_POPULATE_WRITE),
    "userfaultfd missing": fault_handler(UFFD_MISSING),
    "userfaultfd write-protect": fault_handler(UFFD_WP),
    "userfaultfd minor": fault_handler(UFFD_MINOR),
    "/proc/self/mem": memory_file_write,
    "process_vm_writev": process_write,
    "read into it": read_into,
    "vmsplice into it": vmsplice_into,
}
# Those that write to an address, whatever it is: shown to work on memory that may be written.
TO_ADDRESS = ("/proc/self/mem", "process_vm_writev", "read into it", "vmsplice into it", "mprotect",
    "MADV_POPULATE_WRITE")

REOPENS = {
    "read-write": os.O_RDWR,
    "read-only": os.O_RDONLY,
    "write-only": os.O_WRONLY,
    "truncating": os.O_RDWR | os.O_TRUNC,
    "read-only, truncating": os.O_RDONLY | os.O_TRUNC,
    "appending": os.O_WRONLY | os.O_APPEND,
}


def set_times(fd):
    os.utime(fd, ns=(1, 1))


def touch(fd):
    os.utime(fd)


ATTRIBUTES = {
    "add a seal": lambda fd: fcntl.fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE),
    "add the exec seal": lambda fd: fcntl.fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC),
    "take a read lease": lambda fd: fcntl.fcntl(fd, F_SETLEASE, fcntl.F_RDLCK),
    "take a write lease": lambda fd: fcntl.fcntl(fd, F_SETLEASE, fcntl.F_WRLCK),
    "chmod": lambda fd: os.fchmod(fd, 0o666),
    "chmod through /proc": lambda fd: os.chmod(f"/proc/self/fd/{fd}", 0o666),
    "chown": lambda fd: os.fchown(fd, os.getuid(), os.getgid()),
    "xattr": lambda fd: os.setxattr(fd, "user.x", b"x"),
    "xattr, trusted": lambda fd: os.setxattr(fd, "trusted.x", b"x"),
    "utimes": set_times,
    "touch": touch,
    "immutable": lambda fd: fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("<q", FS_IMMUTABLE)),
}


def tried(function, *args):
    """The errno with which it is refused; None: it was let happen."""
    try:
        function(*args)
    except OSError as e:
        return e.errno
    return None
