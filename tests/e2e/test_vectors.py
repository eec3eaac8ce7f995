"""The test vectors of tokens, and tokens of a running mux, by an implementation of their own that was
written from the manual (tests/vectors/capability.py)."""
import os
import sys

from harness import UID_A, check
from test_refusals import TWO, refused

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vectors"))
import capability  # noqa: E402


def test_the_file(s):
    vectors = capability.load()
    wrong = [(v["vector"][0], p) for v in vectors if (p := capability.problem_with(v))]
    check(len(vectors) >= 71 and not wrong, f"{len(vectors)} vectors, of which are wrong: {wrong}")


def test_tokens_of_a_running_mux(s):
    mux = s.mux(TWO)
    uid = UID_A if os.getuid() == 0 else os.getuid()
    with open(s.path("state/root.key"), "rb") as f:
        root = f.read()
    token = mux.grant("porch", "--expires", "never", "--max-size", "160x120", "--mask", "1,2,3x4", "--label", "hall",
        uid=UID_A)
    check(capability.verdict(token, root) == "good", "the mux's token is not good")
    says = capability.says(capability.rights_of(capability.parse(token)[0]))
    check(says == ["camera porch", "epoch 1", f"uid {uid}", "expires never", "size 160x120", "mask 1,2,3x4",
        "label hall", "issue 1"], f"it says {says}")
    # narrowed by framemuxctl, and by the other implementation: the same
    body, tag = capability.parse(token)
    caveat = bytes((capability.FPS, 4)) + capability.u32(5)
    narrow = capability.form(body + caveat, capability.keyed(tag, b"framemux caveat 1\0", caveat))
    by_ctl = mux.ctl("attenuate", "-k", s.write("token", token), "--max-fps", "5").strip()
    check(narrow == by_ctl, "narrowed otherwise")
    mux.dump("porch", narrow, uid=UID_A).expect(0)
    refused(mux.dump("porch", capability.form(body, capability.parse(narrow)[1]), uid=UID_A))
