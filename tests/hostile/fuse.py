"""File systems that hang: one of one file whose close() never returns, in a mount namespace of its own,
and a folder that is never listed. Just enough of FUSE's protocol, spoken over /dev/fuse (linux/fuse.h)."""
import os
import struct
import subprocess

import harness
import refusals
from harness import Skipped
from refusals import libc, CLONE_NEWNS

LOOKUP, FORGET, GETATTR, OPEN, STATFS, RELEASE, FLUSH, INIT, ACCESS = 1, 2, 3, 14, 17, 18, 25, 26, 34
BATCH_FORGET, INTERRUPT, DESTROY = 42, 36, 38
OPENDIR, READDIR, RELEASEDIR, READDIRPLUS = 27, 28, 29, 44
ENDLESS = (RELEASE, FLUSH)
SILENT = (FORGET, BATCH_FORGET, INTERRUPT)
ENOENT, ENOSYS = 2, 38
ROOT, FILE = 1, 2
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 16384, 1 << 18
REQUEST_BYTES = 1 << 17
HANG_S = 1


def needed():
    if os.getuid():
        raise Skipped("mounting needs root")
    if not os.path.exists("/dev/fuse"):
        raise Skipped("no /dev/fuse")


def attributes(node):
    mode = 0o040755 if node == ROOT else 0o100444
    return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class Server:
    def __init__(self, device, answered):
        self.device, self.answered = device, answered

    def reply(self, unique, body=b"", error=0):
        os.write(self.device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)

    def one(self):
        request = os.read(self.device, REQUEST_BYTES)
        _, opcode, unique, node, _, _, pid = struct.unpack("<IIQQIII", request[:36])
        if opcode == INIT:
            self.reply(unique, struct.pack("<4IHHIIHHI7I", 7, 31, 65536, 0, 8, 8, 65536, 1, 1, 0, 0,
                *[0] * 7))
        elif opcode == LOOKUP and request[40:] == b"endless\0":
            self.reply(unique, struct.pack("<QQQQII", FILE, 0, 60, 60, 0, 0) + attributes(FILE))
        elif opcode == GETATTR:
            self.reply(unique, struct.pack("<QII", 60, 0, 0) + attributes(node))
        elif opcode == OPEN:
            self.reply(unique, struct.pack("<QII", 1, 0, 0))
        elif opcode == FLUSH and os.path.exists(f"{self.answered}/{pid}"):
            self.reply(unique)
        elif opcode not in ENDLESS + SILENT:
            self.reply(unique, error=ENOENT if opcode == LOOKUP else ENOSYS)

    def run(self):
        try:
            while True:
                self.one()
        except OSError:
            return


class Endless:
    """Mounted on folder while it lasts, for every uid; as root. At its end whoever hangs goes on."""

    def __init__(self, folder):
        self.folder, self.answered = folder, folder + "-answered"

    def __enter__(self):
        os.mkdir(self.answered)
        os.chmod(self.answered, 0o1777)
        refusals.call(libc.unshare(CLONE_NEWNS))
        refusals.call(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
        device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if libc.mount(b"endless", self.folder.encode(), b"fuse", MS_NOSUID | MS_NODEV, options) < 0:
            raise Skipped("FUSE cannot be mounted here")
        self.server = os.fork()
        if self.server == 0:
            harness.end_with_parent()
            Server(device, self.answered).run()
            os._exit(0)
        os.close(device)
        return self

    def answer_flushes_of(self, pid):
        """Whoever closes it himself comes to an end; all others do not."""
        os.close(os.open(f"{self.answered}/{pid}", os.O_CREAT | os.O_WRONLY, 0o644))

    def hangs(self, receives_and_closes):
        """Whether a process that takes the descriptor does not come back from closing it."""
        from attacker import Attacker
        a = Attacker(receives_and_closes, self.folder, uid=harness.UID_B)
        try:
            a.hear()
            try:
                a.hear(HANG_S)
                return False
            except harness.Failed:
                return True
        finally:
            os.kill(a.pid, 9)  # it ends when the mount does
            self.hung = a.pid
            a.talk.close()

    def __exit__(self, *_):
        os.kill(self.server, 9)  # its end aborts every request
        os.waitpid(self.server, 0)
        if getattr(self, "hung", 0):
            os.waitpid(self.hung, 0)


class SilentServer(Server):
    """Its folder can be opened; whoever lists it waits, and what is asked is noted once he does."""

    def one(self):
        request = os.read(self.device, REQUEST_BYTES)
        _, opcode, unique, node, _, _, _ = struct.unpack("<IIQQIII", request[:36])
        if opcode == INIT:
            self.reply(unique, struct.pack("<4IHHIIHHI7I", 7, 31, 65536, 0, 8, 8, 65536, 1, 1, 0, 0,
                *[0] * 7))
        elif opcode == GETATTR:
            self.reply(unique, struct.pack("<QII", 60, 0, 0) + attributes(node))
        elif opcode == OPENDIR:
            self.reply(unique, struct.pack("<QII", 1, 0, 0))
        elif opcode == RELEASEDIR:
            self.reply(unique)
        elif opcode in (READDIR, READDIRPLUS):
            os.close(os.open(self.answered, os.O_CREAT | os.O_WRONLY, 0o600))
        elif opcode not in SILENT:
            self.reply(unique, error=ENOENT if opcode == LOOKUP else ENOSYS)


class SilentFolder:
    """Mounted on folder while it lasts; as root. At its end whoever hangs is told of an error."""

    def __init__(self, folder):
        self.folder, self.asked = folder, folder + "-asked"

    def is_asked(self):
        return os.path.exists(self.asked)

    def __enter__(self):
        device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if libc.mount(b"silent", self.folder.encode(), b"fuse", MS_NOSUID | MS_NODEV, options) < 0:
            os.close(device)
            raise Skipped("FUSE cannot be mounted here")
        self.server = os.fork()
        if self.server == 0:
            harness.end_with_parent()
            SilentServer(device, self.asked).run()
            os._exit(0)
        os.close(device)
        return self

    def __exit__(self, *_):
        os.kill(self.server, 9)
        os.waitpid(self.server, 0)
        subprocess.run(["umount", "-l", self.folder], check=True)
