"""Rows of REDTEAM.md that a program of make check shows better than the running mux can: it runs here
as a child, and its result is the row's."""
import os
import subprocess

from harness import Skipped, check


def run_program(s, name, env):
    """tests/NAME of the build; how many checks it made."""
    program = os.path.join(s.build, "tests", name)
    if not os.path.exists(program):
        raise Skipped(f"no tests/{name}: make servers builds it")
    done = subprocess.run([program], cwd=s.folder(os.path.basename(name)), stdin=subprocess.DEVNULL,
        timeout=300, capture_output=True, text=True, env=os.environ | env)
    check(done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    line = next((l for l in done.stdout.splitlines() if l.startswith("100%: Checks:")), None)
    check(line, f"{name} says no result:\n{done.stdout}")
    return int(line.split()[2].rstrip(","))


def run_programs(s, *names, **env):
    """All of them; what the row says that it got."""
    env = {"ASAN_OPTIONS": "detect_leaks=0"} | env
    return "; ".join(f"{os.path.basename(n)}: {run_program(s, n, env)} checks" for n in names)
