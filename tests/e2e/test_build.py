"""What a build promises about itself."""
import os
import subprocess

from harness import OPTIONAL, Skipped, check


ROLES = ("framemuxd", "framemux-broker", "framemux-ingest", "framemux-decode")


def linked_by(s, library):
    """The programs that name it as needed."""
    names = set()
    for name in (*ROLES, "framemux-resolve", "framemuxctl", "framemux-dump", *OPTIONAL):
        real = os.path.join(s.build, ".libs", name)
        if not os.path.exists(real):
            real = os.path.join(s.build, name)
        if name in OPTIONAL and not os.path.exists(real):
            continue
        done = subprocess.run(["readelf", "-d", real], capture_output=True, text=True)
        check(done.returncode == 0, done.stderr)
        if f"[{library}" in done.stdout:
            names.add(name)
    return names


def test_only_the_pair_links_ffmpeg(s):
    names = linked_by(s, "libav")
    check(names == {"framemux-ingest", "framemux-decode"}, f"{names} link FFmpeg")


def test_only_ingest_links_tls(s):
    names = linked_by(s, "libgnutls")
    check(names == {"framemux-ingest"}, f"{names} link GnuTLS")
    for library in ("libssl", "libmbedtls"):
        check(not linked_by(s, library), f"{library} is linked as well")


def test_programs_are_hardened(s):
    with open(os.path.join(s.build, "config.log")) as f:
        if "--enable-sanitizers" in f.read(4000):
            raise Skipped("a sanitizer build is not hardened")
    for name in ROLES:
        text = subprocess.run(["readelf", "-hdlW", os.path.join(s.build, name)],
            capture_output=True, text=True).stdout
        check("DYN (" in text, f"{name} is not position independent")
        check("NOW" in text and "GNU_RELRO" in text, f"{name} has no full RELRO")
        check(any("GNU_STACK" in l and " RW " in l for l in text.splitlines()),
            f"{name} has an executable stack")


def test_architecture_names_files_that_exist(s):
    import re
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    with open(os.path.join(top, "ARCHITECTURE.md")) as f:
        named = set(re.findall(r"\b(?:common|mux|clients|include|scripts|tests|man)/[\w./-]*\w\.\w+",
            f.read()))
    check(len(named) >= 10, f"only {len(named)} files named")
    missing = [n for n in sorted(named) if not os.path.exists(os.path.join(top, n))]
    check(not missing, f"named, not there: {missing}")
