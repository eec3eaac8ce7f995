"""The table of REDTEAM.md as it came out: every hostile test adds its rows, the runner prints them."""
import functools

import harness

STARS = (7, 8, 10, 12, 17, 22, 23, 25, 29, 34, 37, 43, 45, 50, 51, 52, 53)
# Attacks that need a mux with a tests-only breakage in it.
BROKEN = {46: "two attaches' buffers, sockets, keys or two cameras swapped",
    53: "decoder keeps writing after its let-go"}
rows = []


def add(number, attack, expected, outcome, got):
    """outcome: ok, FAIL or SKIP."""
    rows.append((number, attack, expected, outcome, got))


def row(number, attack, expected):
    """For a test of one row: its function returns what came."""
    def decorate(function):
        @functools.wraps(function)
        def test(s):
            try:
                got = function(s)
            except harness.Skipped as e:
                add(number, attack, expected, "SKIP", str(e))
                raise
            except BaseException as e:
                add(number, attack, expected, "FAIL", str(e).split("\n")[0] or type(e).__name__)
                raise
            add(number, attack, expected, "ok", got or expected)
        return test
    return decorate


def show(is_breakage=None):
    """Of a run with breakages the rows that belong there: in its other tests a row's failure is right.
    None: the rows that there are, of something that is not the suite."""
    global rows
    if is_breakage:
        rows = [r for r in rows if r[0] in BROKEN]
    if not rows:
        return
    missing = BROKEN if is_breakage is False else ()
    rows += [(n, BROKEN[n], "see there", "", "tests/e2e/run --breakage shows it") for n in missing]
    wide = [max(len(r[i]) for r in rows) for i in (1, 2)]
    print(f"\n  #   {'attack':{wide[0]}}  {'expected':{wide[1]}}       got")
    for number, attack, expected, outcome, got in sorted(rows, key=lambda r: r[0]):
        star = "*" if number in STARS else " "
        print(f"{number:3}{star}  {attack:{wide[0]}}  {expected:{wide[1]}}  {outcome:4} {got}")
    print()
