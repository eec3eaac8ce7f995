#!/usr/bin/env python3
"""Tokens as framemux-capability(7) describes them, written from that text alone: a second
implementation, for the test vectors in token.txt. Python's standard library only.

    tests/vectors/capability.py            check token.txt
    tests/vectors/capability.py --write    write it anew

token.txt: vectors one after another, separated by empty lines; a line is a word and its value; # begins
a comment. Bytes are hexadecimal.

    vector NAME
    verdict good | incomplete | contradiction | malformed | forged
    root, key, id     of the root key, its number, the token's id
    body              of the token
    tag               of its chain: after the head, then after each caveat
    text              the token
    says WORD VALUE   what it permits, in the order below; only for good and incomplete ones
    challenge, message, proof   one proof of possession; message with its proof zero

good: every mux with that key, camera and epoch takes it. incomplete: a mandatory caveat is missing.
contradiction: no mux takes it, whatever its key is. malformed: no token at all. forged: the tag of the
text is not that of the chain.
"""
import base64
import hashlib
import os
import re
import struct
import sys

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "token.txt")
PREFIX, VERSION, HEAD = "fmx1_", 1, 21
BODY_MAX, TEXT_MAX, NEVER = 1472, 2047, 2 ** 64 - 1
CAMERA, UID, UNIT, EXPIRY, SIZE, FPS, MASK, NO_DUMP, LABEL, ISSUE = range(1, 11)


class Malformed(Exception):
    """It is no token."""


class Contradiction(Exception):
    """It is one that gives nothing."""


def keyed(key, *parts):
    return hashlib.blake2b(b"".join(parts), key=key, digest_size=32).digest()


# --- reading ----------------------------------------------------------------------------------------

def caveats(body):
    """(type, value) of each."""
    if not HEAD <= len(body) <= BODY_MAX or body[0] != VERSION:
        raise Malformed("head")
    found, at = [], HEAD
    while at < len(body):
        if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
            raise Malformed("caveat")
        found.append((body[at], body[at + 2:at + 2 + body[at + 1]]))
        at += 2 + body[at + 1]
    return found


def chain(root, body):
    tags = [keyed(root, b"framemux token 1\0", body[:HEAD])]
    for kind, value in caveats(body):
        tags.append(keyed(tags[-1], b"framemux caveat 1\0", bytes((kind, len(value))), value))
    return tags


def parse(text):
    """body and tag."""
    text = text[:-1] if text.endswith("\n") else text
    digits = text.removeprefix(PREFIX)
    if len(text) > TEXT_MAX or digits == text or not re.fullmatch("[A-Za-z0-9_-]*", digits) or len(digits) % 4 == 1:
        raise Malformed("text")
    data = base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != digits or len(data) < HEAD + 32:
        raise Malformed("text")
    caveats(data[:-32])
    return data[:-32], data[-32:]


def form(body, tag):
    return PREFIX + base64.urlsafe_b64encode(body + tag).decode().rstrip("=")


def plain(value, longest):
    if not 1 <= len(value) <= longest:
        raise Contradiction("length of a text")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Contradiction("UTF-8") from None
    for c in map(ord, text):
        if c < 0x20 or 0x7f <= c < 0xa0 or 0x200e <= c <= 0x200f or 0x2028 <= c <= 0x202e \
                or 0x2066 <= c <= 0x2069 or c == 0xfeff:
            raise Contradiction("a character that is not plain")
    return text


def numbers(value, form_of):
    try:
        return struct.unpack("<" + form_of, value)
    except struct.error:
        raise Contradiction("length of a number") from None


def once(rights, word, value):
    if rights.setdefault(word, value) != value:
        raise Contradiction(f"two of {word}")


def least(rights, word, value):
    if value == 0:
        raise Contradiction(f"{word} is 0")
    rights[word] = min(rights.get(word, value), value)


def take(rights, kind, value):
    if kind == CAMERA:
        if len(value) < 5:
            raise Contradiction("no name")
        once(rights, "epoch", numbers(value[:4], "I")[0])
        once(rights, "camera", plain(value[4:], 63))
    elif kind == UID:
        uid, = numbers(value, "I")
        if uid == 2 ** 32 - 1:
            raise Contradiction("nobody")
        once(rights, "uid", uid)
    elif kind == UNIT:
        once(rights, "unit", plain(value, 255))
    elif kind == EXPIRY:
        at, = numbers(value, "Q")
        rights["expires"] = min(rights.get("expires", at), at)
    elif kind == SIZE:
        width, height = numbers(value, "II")
        least(rights, "width", width)
        least(rights, "height", height)
    elif kind == FPS:
        least(rights, "fps", numbers(value, "I")[0])
    elif kind == MASK:
        x, y, width, height = numbers(value, "IIII")
        masks = rights.setdefault("masks", [])
        if x >= 8192 or y >= 8192 or not 1 <= width <= 8192 or not 1 <= height <= 8192 or len(masks) == 16:
            raise Contradiction("mask")
        masks.append(f"{x},{y},{width}x{height}")
    elif kind == NO_DUMP and not value:
        rights["no_dump"] = True
    elif kind == LABEL:
        rights["label"] = plain(value, 63)
    elif kind == ISSUE:
        least(rights, "issue", numbers(value, "Q")[0])
    else:
        raise Contradiction("unknown, or malformed")


def rights_of(body):
    rights = {}
    for kind, value in caveats(body):
        take(rights, kind, value)
    return rights


def says(rights):
    """The lines of a vector."""
    lines = [f"{word} {rights[word]}" for word in ("camera", "epoch", "uid", "unit") if word in rights]
    if "expires" in rights:
        lines.append("expires " + ("never" if rights["expires"] == NEVER else str(rights["expires"])))
    if "width" in rights:
        lines.append(f"size {rights['width']}x{rights['height']}")
    if "fps" in rights:
        lines.append(f"fps {rights['fps']}")
    lines += [f"mask {m}" for m in rights.get("masks", [])]
    if "no_dump" in rights:
        lines.append("no_dump yes")
    return lines + [f"{word} {rights[word]}" for word in ("label", "issue") if word in rights]


def verdict(text, root):
    try:
        body, tag = parse(text)
        if chain(root, body)[-1] != tag:
            return "forged"
        rights = rights_of(body)
    except Malformed:
        return "malformed"
    except Contradiction:
        return "contradiction"
    return "good" if {"camera", "uid", "expires"} <= set(rights) else "incomplete"


def prove(tag, challenge, message):
    return keyed(tag, b"framemux proof 1\0", challenge, message)


# --- the file ---------------------------------------------------------------------------------------

def load(path=PATH):
    """A list of vectors: {word: [values]}."""
    vectors = []
    with open(path, encoding="utf-8", newline="\n") as f:
        for line in f.read().split("\n"):
            if not line or line[0] == "#":
                continue
            word, _, value = line.partition(" ")
            if word == "vector":
                vectors.append({})
            vectors[-1].setdefault(word, []).append(value)
    return vectors


def problem_with(v):
    """None, or what this implementation sees otherwise."""
    text, want = v["text"][0].replace("\\n", "\n"), v["verdict"][0]
    root = bytes.fromhex(v.get("root", ["00" * 32])[0])
    if verdict(text, root) != want:
        return f"{verdict(text, root)}, not {want}"
    if want == "malformed":
        return None
    body, tag = parse(text)
    if body.hex() != v["body"][0] or form(body, tag) != text.rstrip("\n"):
        return "body or text"
    if [t.hex() for t in chain(root, body)] != v["tag"]:
        return "chain"
    if (body[1:5], body[5:21].hex()) != (struct.pack("<I", int(v["key"][0])), v["id"][0]):
        return "key or id"
    if want in ("good", "incomplete") and says(rights_of(body)) != v.get("says", []):
        return f"says {says(rights_of(body))}"
    if "proof" in v and prove(tag, *(bytes.fromhex(v[w][0]) for w in ("challenge", "message"))).hex() != v["proof"][0]:
        return "proof"
    return None


# --- writing it -------------------------------------------------------------------------------------

ROOT, KEY, ID = bytes(range(32)), 1, bytes(range(0xa0, 0xb0))


def u32(*values):
    return struct.pack(f"<{len(values)}I", *values)


def u64(value):
    return struct.pack("<Q", value)


def body_of(*list_of_caveats, key=KEY):
    return bytes((VERSION,)) + u32(key) + ID + b"".join(bytes((k, len(v))) + v for k, v in list_of_caveats)


PORCH, HOLDER, FOREVER = (CAMERA, u32(1) + b"porch"), (UID, u32(1000)), (EXPIRY, u64(NEVER))
BASE = (PORCH, HOLDER, FOREVER)
GOOD = {
    "camera, uid, never": BASE,
    "caveats in another order": (FOREVER, HOLDER, PORCH),
    "the same twice": BASE + BASE,
    "unit": BASE + ((UNIT, b"/system.slice/hub-compositor.service"),),
    "the longest unit": BASE + ((UNIT, b"/" + b"u" * 254),),
    "the earliest expiry counts": (PORCH, HOLDER, (EXPIRY, u64(1900000000)), (EXPIRY, u64(1800000000)),
        (EXPIRY, u64(NEVER))),
    "each side's smallest size counts": BASE + ((SIZE, u32(640, 360)), (SIZE, u32(1280, 240))),
    "the lowest rate counts": BASE + ((FPS, u32(15)), (FPS, u32(5)), (FPS, u32(30))),
    "masks add up": BASE + ((MASK, u32(0, 0, 320, 180)), (MASK, u32(8191, 8191, 1, 1))),
    "sixteen masks": BASE + tuple((MASK, u32(i, i, 1, 1)) for i in range(16)),
    "no dump": BASE + ((NO_DUMP, b""),),
    "the last label is shown": BASE + ((LABEL, b"hall"), (LABEL, "Küche".encode())),
    "the smallest issue counts": BASE + ((ISSUE, u64(9)), (ISSUE, u64(3))),
    "everything": (PORCH, HOLDER, (EXPIRY, u64(1800000000)), (UNIT, b"/a.slice/b.service"), (SIZE, u32(640, 360)),
        (FPS, u32(15)), (MASK, u32(0, 0, 320, 180)), (NO_DUMP, b""), (LABEL, b"wall"), (ISSUE, u64(1))),
    "epoch, uid and time at their ends": ((CAMERA, u32(2 ** 32 - 1) + b"c" * 63), (UID, u32(2 ** 32 - 2)),
        (EXPIRY, u64(0))),
    "the longest body": BASE + tuple((LABEL, bytes((97 + i,)) * 63) for i in range(21)) + ((LABEL, b"x" * 57),),
}
INCOMPLETE = {"nothing": (), "no camera": (HOLDER, FOREVER), "no uid": (PORCH, FOREVER), "no expiry": (PORCH, HOLDER),
    "a unit is no uid": (PORCH, FOREVER, (UNIT, b"/a"))}
CONTRADICTION = {
    "two cameras": BASE + ((CAMERA, u32(1) + b"yard"),),
    "two epochs": BASE + ((CAMERA, u32(2) + b"porch"),),
    "a camera without a name": ((CAMERA, u32(1)), HOLDER, FOREVER),
    "a name of 64 bytes": ((CAMERA, u32(1) + b"c" * 64), HOLDER, FOREVER),
    "two uids": BASE + ((UID, u32(1001)),),
    "nobody's uid": (PORCH, (UID, u32(2 ** 32 - 1)), FOREVER),
    "a short uid": (PORCH, (UID, b"\1\2\3"), FOREVER),
    "two units": BASE + ((UNIT, b"/a"), (UNIT, b"/a/b")),
    "an empty unit": BASE + ((UNIT, b""),),
    "a short expiry": (PORCH, HOLDER, (EXPIRY, b"\0" * 7)),
    "no width": BASE + ((SIZE, u32(0, 360)),),
    "no height": BASE + ((SIZE, u32(640, 0)),),
    "rate 0": BASE + ((FPS, u32(0)),),
    "a mask without a width": BASE + ((MASK, u32(0, 0, 0, 1)),),
    "a mask beyond the largest picture": BASE + ((MASK, u32(8192, 0, 1, 1)),),
    "seventeen masks": BASE + tuple((MASK, u32(i, i, 1, 1)) for i in range(17)),
    "a value for no_dump": BASE + ((NO_DUMP, b"\0"),),
    "an empty label": BASE + ((LABEL, b""),),
    "a label with a newline": BASE + ((LABEL, b"a\nb"),),
    "a label that is not UTF-8": BASE + ((LABEL, b"a\xc3"),),
    "a label that turns the line around": BASE + ((LABEL, "a\u202eb".encode()),),
    "issue 0": BASE + ((ISSUE, u64(0)),),
    "an unknown caveat": BASE + ((11, b"x"),),
    "caveat 0": BASE + ((0, b""),),
    "caveat 255": BASE + ((255, b""),),
}


def malformed():
    body = body_of(*BASE)
    tag = chain(ROOT, body)[-1]
    good = form(body, tag)
    other = bytes((2,)) + body[1:]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    loose = good[:-1] + last[last.index(good[-1]) ^ 1]
    long = body_of(*(BASE + tuple((LABEL, b"y" * 63) for _ in range(21)) + ((LABEL, b"x" * 58),)))
    return {"nothing": "", "a prefix": PREFIX, "another prefix": "fmx2_" + good[5:], "no prefix": good[5:],
        "a blank": good + " ", "two newlines": good + "\\n\\n", "a blank before": " " + good, "padding": good + "=",
        "the other alphabet": good.replace("_", "/").replace("fmx1/", "fmx1_"), "a digit too many": good + "A",
        "bits that say nothing": loose, "shorter than a head": form(body[:20], tag),
        "another version": form(other, tag), "half a caveat": form(body + b"\x09", tag),
        "a caveat that goes on": form(body + b"\x09\x05hall", tag), "a byte behind": form(body + b"\0", tag),
        "a body of 1473 bytes": form(long, tag)}


def forged():
    body = body_of(*BASE)
    tag = chain(ROOT, body)[-1]
    narrow = body_of(*(BASE + ((FPS, u32(5)),)))
    return {"a caveat taken away": (body, chain(ROOT, narrow)[-1]),
        "caveats in another order than the chain's": (body_of(HOLDER, PORCH, FOREVER), tag),
        "a later expiry": (body_of(PORCH, HOLDER, (EXPIRY, u64(1900000000))),
            chain(ROOT, body_of(PORCH, HOLDER, (EXPIRY, u64(1800000000))))[-1]),
        "a caveat put behind": (narrow, tag),
        "another key id": (body_of(*BASE, key=2), tag),
        "another root key": (body, chain(bytes(32), body)[-1]),
        "one bit of the tag": (body, tag[:31] + bytes((tag[31] ^ 1,)))}


def lines_of(name, body, kind, tag=None):
    tags = chain(ROOT, body)
    lines = [f"vector {name}", f"verdict {kind}", f"root {ROOT.hex()}", f"key {struct.unpack('<I', body[1:5])[0]}",
        f"id {ID.hex()}", f"body {body.hex()}", *(f"tag {t.hex()}" for t in tags), f"text {form(body, tag or tags[-1])}"]
    if kind in ("good", "incomplete"):
        lines += [f"says {line}" for line in says(rights_of(body))]
    return lines


def write(f):
    f.write("# Test vectors for framemux tokens: framemux-capability(7). tests/vectors/capability.py describes this\n"
        "# file, writes and checks it; tests/unit/test_vectors.c checks the mux's own implementation.\n")
    blocks = [lines_of(n, body_of(*c), kind) for kind, of in
        (("good", GOOD), ("incomplete", INCOMPLETE), ("contradiction", CONTRADICTION)) for n, c in of.items()]
    body = body_of(*BASE)
    challenge, message = bytes(range(0x40, 0x60)), b"any message, its proof zero" + bytes(32)
    blocks.append(lines_of("proof", body, "good") + [f"challenge {challenge.hex()}", f"message {message.hex()}",
        f"proof {prove(chain(ROOT, body)[-1], challenge, message).hex()}"])
    blocks += [lines_of(n, b, "forged", tag) for n, (b, tag) in forged().items()]
    blocks += [[f"vector {n}", "verdict malformed", f"text {text}"] for n, text in malformed().items()]
    for block in blocks:
        f.write("\n" + "\n".join(block) + "\n")


def main():
    if sys.argv[1:] == ["--write"]:
        with open(PATH, "w", encoding="utf-8", newline="\n") as f:
            write(f)
    bad = [(v["vector"][0], p) for v in load() if (p := problem_with(v))]
    for name, what in bad:
        print(f"{name}: {what}")
    print(f"{len(load())} vectors, {len(bad)} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
