"""framemuxctl metrics, read by a strict parser of OpenMetrics 1.0, and compared with status."""
import re
import subprocess

import harness
from harness import UID_A, Skipped, check, until
from test_refusals import TWO

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"')
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?)")
SUFFIX = {"counter": "_total", "gauge": "", "info": "_info"}
FAMILIES_MAX = 40
DEBIAN_PYTHON = "/usr/bin/python3"


def labels_of(text):
    found, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        check(m and m[1] not in found, f"these are no labels: {text}")
        found[m[1]] = re.sub(r"\\(.)", lambda x: {"n": "\n"}.get(x[1], x[1]), m[2])
        at = m.end()
        if at < len(text):
            check(text[at] == "," and at + 1 < len(text), f"no comma: {text}")
            at += 1
    return found


def parse(text):
    """{(name, labels): value}; each family once, whole, described before its samples."""
    check(text.endswith("# EOF\n") and text.count("# EOF") == 1, "it ends with # EOF, once")
    samples, families, family = {}, {}, None
    for line in text.split("\n")[:-2]:
        if line.startswith("# "):
            kind, name, value = line[2:].split(" ", 2)
            if kind == "TYPE":
                check(name not in families and NAME.fullmatch(name) and value in SUFFIX, line)
                check(name.startswith("framemux_") and not name.endswith(("_total", "_info")), line)
                family = families[name] = {"name": name, "TYPE": value}
            check(family and name == family["name"] and (kind == "TYPE" or kind not in family), line)
            check(kind in ("TYPE", "UNIT", "HELP") and value, line)
            check(kind != "UNIT" or name.endswith("_" + value), line)
            family[kind] = value
            continue
        m = SAMPLE.fullmatch(line)
        check(m, f"no sample: {line!r}")
        check(family and "HELP" in family and m[1] == family["name"] + SUFFIX[family["TYPE"]], line)
        key = m[1], frozenset(labels_of(m[2]).items()) if m[2] is not None else frozenset()
        check(key not in samples, f"twice: {line}")
        samples[key] = float(m[3])
        check(family["TYPE"] != "counter" or samples[key] >= 0, line)
    check(len(families) <= FAMILIES_MAX, f"{len(families)} families")
    return samples


def get(samples, name, **labels):
    key = name, frozenset(labels.items())
    check(key in samples, f"no {name} of {labels}")
    return samples[key]


def is_under_way(m):
    return get(m, "framemux_lease_frames", camera="porch", outcome="delivered") > 0 and \
        25 < get(m, "framemux_camera_rate_hertz", camera="porch") < 35


def test_metrics(s):
    mux = s.mux(TWO)
    token = mux.grant("porch", "--label", 'a "label"', uid=UID_A)
    client = mux.dump("porch", token, uid=UID_A, frames=10000)
    client.await_frames(3)
    until(lambda: is_under_way(parse(mux.ctl("metrics"))), "counts, which come with the decoder's beat")
    text = mux.ctl("metrics")
    m, status = parse(text), mux.status()
    for camera, state in (("porch", "live"), ("garden", "idle")):
        states = {k: v for (name, labels), v in m.items() if name == "framemux_camera_state"
            for k in [dict(labels)["state"]] if dict(labels)["camera"] == camera}
        check(len(states) == 7 and sum(states.values()) == 1 and states[state] == 1, states)
    uid = str(status["leases"][0]["uid"])
    check(get(m, "framemux_camera_leases", camera="porch") == 1, "a lease of porch")
    check(get(m, "framemux_camera_leases", camera="garden") == 0, "none of garden")
    check(get(m, "framemux_uid_leases", uid=uid) == 1, "of that user")
    check(get(m, "framemux_uid_ring_bytes", uid=uid) >= status["leases"][0]["bytes"] > 0, "its ring")
    check(get(m, "framemux_leases_opened_total") == status["totals"]["leases_opened"], "opened")
    check(get(m, "framemux_audit_ok") == 1 and get(m, "framemux_audit_records_total") > 2, "audit")
    check(get(m, "framemux_build_info", version=status["version"]) == 1, "version")
    check(0 < get(m, "framemux_uptime_seconds") <= status["uptime_s"], "uptime")
    check(get(m, "framemux_camera_width_pixels", camera="porch") == 320, "width")
    check(get(m, "framemux_camera_memory_bytes", camera="porch") > 1 << 20, "memory")
    counts = {o: get(m, "framemux_lease_frames", camera="porch", outcome=o)
        for o in ("published", "delivered", "dropped", "withheld")}
    check(0 < counts["delivered"] <= counts["published"], counts)
    for secret in (token, status["leases"][0]["token"], status["leases"][0]["id"], "label"):
        check(secret not in text, f"it says {secret}")
    mux.ctl("--json", "metrics", code=64)


INDEPENDENT = """
import sys
from prometheus_client.openmetrics import parser
families = list(parser.text_string_to_metric_families(sys.stdin.read()))
assert len(families) > 20 and all(f.documentation for f in families), families
print(sum(len(f.samples) for f in families))
"""


def test_an_independent_parser(s):
    """Debian's python3-prometheus-client, which is for Debian's Python."""
    if subprocess.run([DEBIAN_PYTHON, "-c", "import prometheus_client"], capture_output=True, check=False).returncode:
        raise Skipped("no python3-prometheus-client")
    text = s.mux(TWO).ctl("metrics")
    done = subprocess.run([DEBIAN_PYTHON, "-c", INDEPENDENT], input=text, capture_output=True, text=True, check=False)
    check(done.returncode == 0, done.stderr)
    check(int(done.stdout) == len(parse(text)), f"{done.stdout} samples for it, {len(parse(text))} for us")
