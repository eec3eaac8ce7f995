"""Capabilities that are bound to a unit: a process of exactly this cgroup, or nobody."""
import contextlib
import os

import harness
from harness import UID_A, Skipped, check
from test_audit import wait_for
from test_refusals import TWO, refused


def own_cgroup():
    with open("/proc/self/cgroup") as f:
        for line in f.read().splitlines():
            if line.startswith("0::"):
                return line[3:]
    raise Skipped("no cgroup v2")


def cgroup_mount():
    with open("/proc/self/mountinfo") as f:
        for line in f:
            fields, _, kind = line.partition(" - ")
            if kind.split()[0] == "cgroup2":
                return fields.split()[4]
    raise Skipped("no cgroup v2 is mounted")


class Units:
    """Cgroups below our own, which this test goes into to start somebody in them."""

    def __init__(self):
        self.home = cgroup_mount() + own_cgroup().rstrip("/")
        self.made = []

    def make(self, name):
        folder = os.path.join(self.home, name)
        try:
            os.mkdir(folder)
        except OSError as e:
            raise Skipped(f"no cgroup can be made: {e}") from None
        self.made.append(folder)
        return folder

    def enter(self, folder):
        with open(os.path.join(folder, "cgroup.procs"), "w") as f:
            f.write("0")

    @contextlib.contextmanager
    def inside(self, folder):
        self.enter(folder)
        try:
            yield own_cgroup()
        finally:
            self.enter(self.home)

    def close(self):
        for folder in reversed(self.made):
            harness.until(lambda folder=folder: not os.path.isdir(folder) or self.gone(folder), f"{folder} to be empty")

    @staticmethod
    def gone(folder):
        try:
            os.rmdir(folder)
            return True
        except OSError:
            return False


def with_units(function):
    def test(s):
        if os.getuid():
            raise Skipped("makes cgroups: run as root")
        units = Units()
        try:
            function(s, units, units.make(f"framemux-test-{os.getpid()}.service"))
        finally:
            units.close()
    test.__name__ = function.__name__
    return test


def start_in(units, folder, start):
    with units.inside(folder):
        return start()


@with_units
def test_only_in_its_unit(s, units, unit):
    mux = s.mux(TWO)
    below, beside = units.make(os.path.join(unit, "below")), units.make(unit + "2")
    with units.inside(unit) as path:
        pass
    token = mux.grant("porch", "--unit", path, uid=UID_A)

    def dump():
        return mux.dump("porch", token, uid=UID_A)
    client = start_in(units, unit, dump)
    client.expect(0)
    opened = wait_for(s, "open")[0]
    check(opened["pid"] == client.pid and opened["unit"] == path, f"the record: {opened}")
    check(wait_for(s, "grant")[0]["unit"] == path, "the grant's record")
    for folder in (units.home, below, beside):
        refused(start_in(units, folder, dump))
    check("bound to another unit" in mux.log(), "the log does not say why")
    check(len(mux.recorded("open")) == 1, "a refusal is recorded as opened")
    # narrowed to the cgroup below it: a contradiction, not a subset
    file = s.write("token", token)
    mux.ctl("attenuate", "-k", file, "--unit", path + "/below", code=64)
    mux.ctl("grant", "--camera", "porch", "--unit", "hub.service", code=64)
    # moved later on: the lease was given to the process
    client = start_in(units, unit, lambda: mux.dump("porch", token, uid=UID_A, frames=30))
    client.await_frames(1)
    with open(os.path.join(units.home, "cgroup.procs"), "w") as f:
        f.write(str(client.pid))
    client.expect(0)


@with_units
def test_narrowed_to_a_unit(s, units, unit):
    mux = s.mux(TWO)
    with units.inside(unit) as path:
        pass
    file = s.write("token", mux.grant("porch", uid=UID_A))
    token = mux.ctl("attenuate", "-k", file, "--unit", path).strip()
    check(f"unit {path}" in mux.ctl("inspect", "-k", s.write("narrow", token)), "inspect does not say")

    def dump():
        return mux.dump("porch", token, uid=UID_A)
    refused(dump())
    start_in(units, unit, dump).expect(0)


@with_units
def test_standing_grant_of_a_unit(s, units, unit):
    with units.inside(unit) as path:
        pass
    tokens = s.path("tokens")
    os.mkdir(tokens)
    os.chmod(tokens, 0o755)
    grant = (f'grant "wall" {{\n\tuid = {UID_A}\n\tcameras = {{ "porch" }}\n\tdump = true\n'
        f'\ttoken_file = "{tokens}/wall"\n%s}}\n')
    mux = s.mux(TWO + grant % f'\tunit = "{path}"\n')

    def dump():
        return mux.dump("porch", None, "-k", tokens + "/wall", uid=UID_A)
    check(wait_for(s, "grant")[0].get("unit") == path, "the grant's record")
    refused(dump())
    start_in(units, unit, dump).expect(0)
    with open(mux.config_path) as f:
        text = f.read()
    s.write("framemux.conf", text.replace(f'\tunit = "{path}"\n', ""))
    check("unit" in mux.ctl("reload"), "the reload does not say what changed")
    dump().expect(0)
