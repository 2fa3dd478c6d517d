#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/make_label_seeds.py - small pictures of labels, one of each kind of file, for
# tests/fuzz/corpus/fuzz_labels/.
import os
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "corpus", "fuzz_labels")
W, H = 12, 10
LABELS = [[(1 if (x - 3) ** 2 + (y - 4) ** 2 < 10 else 2 if (x - 8) ** 2 + (y - 5) ** 2 < 12
            else 0) for x in range(W)] for y in range(H)]


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(
        ">I", zlib.crc32(kind + body))


def png(bits, colour, rows, more=b""):
    head = struct.pack(">IIBBBBB", W, H, bits, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + r for r in rows))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", data) +
            chunk(b"IEND", b""))


def tiff(bits, code, deflate, per_strip):
    rows = [struct.pack("<%d%s" % (W, code), *(v * (1 if bits < 32 else 70000) for v in r))
            for r in LABELS]
    strips = [b"".join(rows[y:y + per_strip]) for y in range(0, H, per_strip)]
    strips = [zlib.compress(s) for s in strips] if deflate else strips
    offsets, at = [], 8
    for s in strips:
        offsets.append(at)
        at += len(s)
    n = len(strips)
    arrays = struct.pack("<%dI" % n, *offsets) + struct.pack("<%dI" % n, *map(len, strips))
    lists = (at, at + 4 * n) if n > 1 else (offsets[0], len(strips[0]))
    entries = [(256, 4, 1, W), (257, 4, 1, H), (258, 3, 1, bits), (259, 3, 1, 8 if deflate else 1),
               (262, 3, 1, 1), (273, 4, n, lists[0]), (277, 3, 1, 1), (278, 4, 1, per_strip),
               (279, 4, n, lists[1]), (339, 3, 1, 1)]
    body = b"".join(strips) + arrays
    body += b"\0" * (len(body) % 2)
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + ifd + b"\0\0\0\0"


def npy():
    head = "{'descr': '<i8', 'fortran_order': False, 'shape': (%d, %d), }" % (H, W)
    head = head.ljust(64 + 64 - 10 - 1) + "\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
            struct.pack("<%dq" % (W * H), *sum(LABELS, [])))


SEEDS = {
    "gray16.png": png(16, 0, [struct.pack(">%dH" % W, *r) for r in LABELS]),
    "gray8.png": png(8, 0, [bytes(r) for r in LABELS]),
    "palette4.png": png(4, 3, [bytes(r[i] << 4 | r[i + 1] for i in range(0, W, 2))
                               for r in LABELS], chunk(b"PLTE", bytes(range(9)))),
    "plain16.tif": tiff(16, "H", False, 4),
    "deflated32.tif": tiff(32, "I", True, H),
    "whole.npy": npy(),
}

os.makedirs(OUT, exist_ok=True)
for name, data in SEEDS.items():
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
sys.exit(0)
