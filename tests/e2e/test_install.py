"""make install: everything that is needed and nothing else; nothing at all of a build for tests."""
import os
import re
import subprocess

from harness import OPTIONAL, ROLES, check, run

PROGRAMS = {"bin/framemuxctl", "bin/framemux-dump", "sbin/framemuxd",
    *(f"libexec/framemux/{name}" for name in (*ROLES, "framemux-resolve"))}
INIT = {"lib/systemd/system/framemux.service", "lib/systemd/system/framemux.socket",
    "lib/systemd/system/framemux-control.socket", "lib/sysusers.d/framemux.conf",
    "lib/tmpfiles.d/framemux.conf", *(f"share/framemux/init/{name}" for name in ("s6/framemux/run",
        "s6/framemux/notification-fd", "runit/framemux/run", "runit/framemux/check",
        "runit/framemux/log/run", "openrc/framemux"))}
LIBRARY = {"include/framemux.h", "lib/libframemux.so", "lib/pkgconfig/framemux.pc"}
PLUGIN = "lib/gstreamer-1.0/libgstframemux.so"  # where GStreamer was there to build it
PREFIX = "/usr/local"  # configure's own


def configured(s, option):
    with open(os.path.join(s.build, "config.log")) as f:
        return option in f.read(4000)


def make_install(s, *targets):
    """What make did, and the files (relative to the folder) that are there afterwards."""
    root = s.path("root")
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "-C", s.build, *targets, f"DESTDIR={root}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, timeout=300)
    found = {os.path.relpath(os.path.join(folder, name), root)
        for folder, _, names in os.walk(root) for name in names}
    return done, found


def is_for_tests(s):
    return configured(s, "--enable-sanitizers") or configured(s, "--enable-breakage")


def test_only_what_may_be_installed_is(s):
    if is_for_tests(s):
        for target in ("install", "install-exec", "install-data", "install-strip"):
            done, found = make_install(s, target)
            check(done.returncode != 0, f"make {target} was not refused")
            check("cannot be installed" in done.stderr, f"make {target} said:\n{done.stderr}")
            check(not found, f"make {target} left {sorted(found)}")
        return
    done, found = make_install(s, "install")
    check(done.returncode == 0, done.stderr)
    found = {os.path.relpath(os.path.join("/", f), PREFIX) for f in found}
    programs = PROGRAMS | {f"bin/{name}" for name in OPTIONAL
        if os.path.exists(os.path.join(s.build, name))}
    wanted = programs | LIBRARY | INIT
    if os.path.exists(os.path.join(s.build, ".libs/libgstframemux.so")):
        wanted = wanted | {PLUGIN}
    check(wanted <= found, f"not installed: {sorted(wanted - found)}")
    more = {f for f in found - wanted
        if not re.fullmatch(r"lib/libframemux\.(so\.[0-9.]+|la)|lib/gstreamer-1.0/libgstframemux.la|share/(man|doc)/.*", f)}
    check(not more, f"installed, and nobody knows why: {sorted(more)}")
    pages = {name for f in found for name in re.findall(r"share/man/man[18]/(.*)\.[18]$", f)}
    names = {os.path.basename(f) for f in found if f.startswith(("bin/", "sbin/"))}
    check(names == pages, f"programs {sorted(names)}, pages {sorted(pages)}")
    root = s.path("root" + PREFIX)
    for name in programs:
        mode = os.stat(os.path.join(root, name)).st_mode & 0o7777
        check(mode == 0o755, f"{name} has mode {mode:o}")
        text = run(["readelf", "-dW", os.path.join(root, name)])
        check("RPATH" not in text and "RUNPATH" not in text or PREFIX + "/lib]" in text,
            f"{name} looks for libraries in a build tree")
    _, left = make_install(s, "uninstall")
    check(not left, f"make uninstall left {sorted(left)}")
