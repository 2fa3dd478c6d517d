#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`quern segment` on a picture larger than what it may hold in memory.

    tests/large_pictures.py [SIDE] [--quern build/quern] [--limit MB]

A PGM of SIDE x SIDE (7500) pixels, procedural cells over and over, with the network built
in: the most that was ever in memory stays below the limit (800 MB) and is what --dry-run told,
files are whole, and the folder holds nothing else.  20000 is the size of the issue.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import zlib

TILE = 500


def png_rows(path):
    """Rows of an 8-bit gray PNG that quern wrote: every row is a difference to the last."""
    data, at, packed = open(path, "rb").read(), 8, b""
    while at < len(data):
        n, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        packed += data[at + 8:at + 8 + n] if kind == b"IDAT" else b""
        at += n + 12
    raw, above, rows = zlib.decompress(packed), bytes(TILE), []
    for y in range(TILE):
        row = raw[y * (TILE + 1) + 1:(y + 1) * (TILE + 1)]
        above = bytes((a + b) & 255 for a, b in zip(row, above))
        rows.append(above)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("side", nargs="?", type=int, default=7500)
    parser.add_argument("--quern", default="build/quern")
    parser.add_argument("--limit", type=float, default=800)
    options = parser.parse_args()
    side = options.side
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", ".")) as folder:
        subprocess.run([options.quern, "segment", "synth", "-o", folder + "/made", "-n", "1",
                        "--mode", "fluorescence", "--size", f"{TILE}x{TILE}", "-q"], check=True)
        made = [f for f in os.listdir(folder + "/made") if not f.endswith("_masks.png")]
        rows = png_rows(os.path.join(folder, "made", made[0]))
        with open(folder + "/large.pgm", "wb") as out:
            out.write(b"P5 %d %d 255\n" % (side, side))
            for y in range(side):
                out.write((rows[y % TILE] * (side // TILE + 1))[:side])
        told = json.loads(subprocess.run(
            [options.quern, "segment", folder + "/large.pgm", "-d", "34", "--dry-run", "--json"],
            check=True, capture_output=True, text=True).stdout)["bytes"] / 1e6
        subprocess.run([options.quern, "segment", folder + "/large.pgm", "-d", "34", "-o",
                        folder + "/out", "--save", "masks,outlines,csv,text", "-q"], check=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
        files = sorted(os.listdir(folder + "/out"))
        print(f"{side} x {side}: {peak:.0f} MB at the most, {told:.0f} told, {', '.join(files)}")
        is_true = abs(told / peak - 1) <= 0.15
        return 0 if peak < options.limit and is_true and len(files) == 5 else 1


if __name__ == "__main__":
    sys.exit(main())
