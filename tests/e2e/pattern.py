"""The pattern camera's picture, written from its description and not from common/pattern.c."""
import hashlib

BLOCK, CELL, DARK, BRIGHT, GREY = 16, 4, 16, 235, 128


def code(camera, frame):
    bits = hashlib.blake2b(camera.encode(), digest_size=32).digest()[0] >> 2
    return bits << 10 | frame % 1024


def luma(value, width, height):
    """One plane, row after row; Y 128 where no whole block fits."""
    cells = [BRIGHT if value >> (15 - i) & 1 else DARK for i in range(16)]
    rows = []
    for y in range(height):
        if y >= height // BLOCK * BLOCK:
            rows.append(bytes([GREY]) * width)
            continue
        row = y % BLOCK // CELL * 4
        block = b"".join(bytes([cells[row + c]]) * CELL for c in range(4))
        whole = width // BLOCK
        rows.append(block * whole + bytes([GREY]) * (width - whole * BLOCK))
    return b"".join(rows)


def yuv420(value, width, height):
    return luma(value, width, height) + bytes([GREY]) * (2 * ((width + 1) // 2) * ((height + 1) // 2))


def read(plane, stride, x=0, y=0, cell=CELL):
    """The value of one block whose cells are cell pixels wide; None when a cell is neither."""
    value = 0
    for i in range(16):
        at = plane[(y + i // 4 * cell + cell // 2) * stride + x + i % 4 * cell + cell // 2]
        if 90 < at < 160:
            return None
        value = value << 1 | (at >= 160)
    return value
