"""Conformance: what a client gets of each stream of the material, against hashes made elsewhere.

A few clips every day; all of them with FRAMEMUX_FULL=1. Prints a table: clip, transport, frames that
are exact of those compared, and against what. Frames of 8 bits are compared by hash: with the
framemd5 files (ffmpeg's own decode) and, where the clips' authors published hashes, with those
(expected/). Of frames of more bits a client gets the nearest in 8: those are compared by PSNR.
"""
import csv
import glob
import hashlib
import math
import os

import harness
import pixels
from harness import UID_A, Skipped, check

TRANSPORTS = ("file", "tcp", "udp")
EVERY_DAY = ("SarVui.264", "test_qcif_cabac.264", "cars_320x240.h265", "cars_320x240.mjpeg",
    "clip-b.h264", "h264.mp4", "av1-176x144-main-basic-8.ivf", "av1-176x144-main-basic-10.ivf",
    "four-colors-limited-range-420-8bpc.jpg", "testorig.jpg")
CLIPS = ("conf-h264-openh264/*.264", "conf-jpeg/*.jpg", "conf-libvpl/*.h26*", "conf-libvpl/*.mjpeg",
    "conf-vkglcts/*.[hi]*", "conf-wpt/*.annexb", "conf-wpt/*.mp4", "conf-wpt/*.jpg",
    "footage-intel/*.mp4", "footage-misc/imageio/*.mp4")
# RTP has no form for them: AV1 in this libavformat, pictures that are not whole blocks, tables of
# their own.
FILE_ONLY = (".ivf", ".jpg", "av1.mp4", "cars_320x240.mjpeg")
TEN_BIT = ("av1-176x144-main-basic-10.ivf",)
LOSSY = ("BA_MW_D_P_LOST.264",)  # made with packets missing: what is concealed is not compared
FRAMES_EVERY_DAY, FRAMES_FULL = 75, 250
AT_ONCE = 6
PSNR_MIN = 47


def material():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = os.environ.get("FRAMEMUX_MATERIAL", os.path.join(here, "../../../shared/material"))
    if not os.path.isdir(folder):
        raise Skipped(f"no clips at {folder}: set FRAMEMUX_MATERIAL")
    return os.path.realpath(folder)


def is_full():
    return os.environ.get("FRAMEMUX_FULL", "") not in ("", "0")


def framemd5(folder, clip):
    name = os.path.relpath(clip, folder).replace(os.sep, "__") + ".framemd5"
    with open(os.path.join(folder, "framemd5", name)) as f:
        return harness.hashes_of_framemd5(f.read())


def published(folder):
    """(hashes of frames by clip, SHA-1 of all frames by clip) as the clips' authors have them."""
    frames, whole = {}, {}
    with open(os.path.join(folder, "expected/vkglcts_frame_md5.tsv")) as f:
        for name, number, digest in list(csv.reader(f, delimiter="\t"))[1:]:
            check(len(frames.setdefault(name, [])) == int(number), f"{name}: frames out of order")
            frames[name].append(digest)
    with open(os.path.join(folder, "expected/openh264_sha1.tsv")) as f:
        for name, digest, usable in list(csv.reader(f, delimiter="\t"))[1:]:
            if usable == "yes":
                whole[name] = digest
    return frames, whole


class Case:
    """One clip over one transport."""

    def __init__(self, number, clip, transport, reference):
        self.camera, self.clip, self.transport = f"c{number}", clip, transport
        self.name, self.reference = os.path.basename(clip), reference
        self.exact = self.compared = 0
        self.notes, self.problems = [], []

    def configuration(self, port):
        if self.transport == "file":
            return f'camera "{self.camera}" {{\n\turl = "file://{self.clip}"\n}}\n'
        return (f'camera "{self.camera}" {{\n\turl = "rtsp://127.0.0.1:{port}/{self.camera}"\n'
            f'\ttransport = "{self.transport}"\n}}\n')

    def row(self):
        return (f"{self.name:58} {self.transport:5} {self.exact:4} / {self.compared:<4} "
            + ", ".join(self.notes + self.problems))

    def compare(self, client, frames, whole):
        seqs = [m["seq"] for m in client.meta()]
        generations = {m["generation"] for m in client.meta()}
        check(len(generations) == 1, f"generations {generations}")
        self.compared = len(seqs)
        if self.name in TEN_BIT:
            self.compare_psnr(client, seqs)
            return
        got = pixels.hashes(client)
        at, self.exact = pixels.best_places(seqs, got, self.reference)
        if self.name in frames:
            self.note_published(at, got, frames[self.name])
        if self.name in whole:
            self.note_whole(client, at, whole[self.name])
        if self.name in LOSSY:
            self.notes.append("frames are missing in it")
        elif self.exact != self.compared:
            odd = [(s, i) for s, i, h in zip(seqs, at, got) if self.reference[i] != h]
            self.problems.append(f"differ (seq, frame): {odd[:4]}")

    def note_published(self, at, got, digests):
        same = sum(digests[i] == h for i, h in zip(at, got))
        self.notes.append(f"{same} as published")
        if same != self.compared:
            self.problems.append("not as published")

    def note_whole(self, client, at, digest):
        """The SHA-1 of the clip's frames in order, if the client got each of them."""
        where = {i: n for n, i in enumerate(at)}
        if len(where) != len(self.reference):
            self.notes.append(f"{len(where)} of {len(self.reference)} frames seen: no SHA-1")
            return
        total = hashlib.sha1()
        with open(client.frames_path, "rb") as f:
            size = f.seek(0, 2) // len(at)
            for i in range(len(self.reference)):
                f.seek(where[i] * size)
                total.update(f.read(size))
        same = total.hexdigest() == digest
        self.notes.append("SHA-1 as published" if same else "SHA-1 differs")
        if not same and self.name not in LOSSY:
            self.problems.append("not as published")

    def compare_psnr(self, client, seqs):
        frames = client.frames()
        reference = pixels.cut(pixels.decode(self.clip, "-pix_fmt", "yuv420p"), len(frames[0]))
        n = len(reference)
        start = max(range(n), key=lambda k: pixels.psnr(frames[0], reference[k]))
        values = [pixels.psnr(f, reference[(start + s - seqs[0]) % n])
            for s, f in zip(seqs, frames)]
        self.exact = sum(math.isinf(v) for v in values)
        self.notes.append(f"PSNR at least {min(values):.1f} dB")
        if min(values) < PSNR_MIN:
            self.problems.append(f"below {PSNR_MIN} dB")


def cases_of(folder, transports):
    clips = sorted({c for p in CLIPS for c in glob.glob(os.path.join(folder, p))})
    if not is_full():
        clips = [c for c in clips if os.path.basename(c) in EVERY_DAY]
        check(len(clips) == len(EVERY_DAY), f"only {len(clips)} clips in {folder}")
    check(is_full() is False or len(clips) >= 35, f"only {len(clips)} clips in {folder}")
    wanted = [(c, t) for t in transports for c in clips
        if t == "file" or not c.endswith(FILE_ONLY)]
    return [Case(i, c, t, framemd5(folder, c)) for i, (c, t) in enumerate(wanted)]


def run(s, transports):
    folder = material()
    frames, whole = published(folder)
    cases = cases_of(folder, transports)
    sent = [f"{c.camera}=file:path={c.clip}" for c in cases if c.transport != "file"]
    port = s.camserver(*sent) if sent else 0
    mux = s.mux("linger = 0\n" + "".join(c.configuration(port) for c in cases))
    cap = FRAMES_FULL if is_full() else FRAMES_EVERY_DAY
    for first in range(0, len(cases), AT_ONCE):
        group = cases[first:first + AT_ONCE]
        clients = [mux.dump(c.camera, mux.grant(c.camera, uid=UID_A), "--timeout", "60",
            uid=UID_A, frames=min(len(c.reference) + 5, cap)) for c in group]
        for case, client in zip(group, clients):
            try:
                client.expect(0)
                case.compare(client, frames, whole)
            except harness.Failed as e:
                case.problems.append(str(e))
            if os.path.exists(client.frames_path):
                os.remove(client.frames_path)
    print_table(cases)
    problems = [c.row() for c in cases if c.problems]
    check(not problems, "\n".join(problems))


def print_table(cases):
    for case in cases:
        print("      " + case.row())
    exact, compared = (sum(getattr(c, k) for c in cases) for k in ("exact", "compared"))
    print(f"      {len(cases)} streams, {exact} of {compared} frames exact", flush=True)


def over(transport):
    return lambda s: run(s, (transport,))


TESTS = [(f"conformance streams over {t}", over(t)) for t in TRANSPORTS]
