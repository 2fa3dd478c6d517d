#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/raster: small pictures in many forms, for test_raster.c.

Needs numpy, tifffile and imagecodecs.  Sample (z, c, y, x) of each is
40 z + 20 c + 5 y + x, times or plus what the name of its type says below.
"""
import os
import struct
import sys
import zlib

import numpy as np
import tifffile

H, W = 9, 13
OUT = sys.argv[1] if len(sys.argv) > 1 else "tests/data/raster"


def ramp(z, c, kind):
    at = np.indices((z, c, H, W))
    v = 40 * at[0] + 20 * at[1] + 5 * at[2] + at[3]
    return {"u8": v, "u16": v * 257, "i16": v - 100, "f32": v * 0.5 - 3, "f64": v * 0.5 - 3,
            "f16": v * 0.5 - 3, "u32": v * 1000, "i8": v % 100 - 50}[kind].astype(
        {"u8": "u1", "u16": "u2", "i16": "i2", "f32": "f4", "f64": "f8", "f16": "f2",
         "u32": "u4", "i8": "i1"}[kind])


def tiff(name, data, **kw):
    kw.setdefault("metadata", None)
    kw.setdefault("software", False)
    tifffile.imwrite(f"{OUT}/{name}.tif", data, **kw)


def gray(kind, z=1, c=1):
    return ramp(z, c, kind)


os.makedirs(OUT, exist_ok=True)
for kind in ("u8", "u16", "i16", "f32", "f64", "f16", "u32", "i8"):
    tiff(kind, gray(kind)[0, 0])
tiff("u16_big", gray("u16")[0, 0], byteorder=">")
tiff("u16_bigtiff", gray("u16")[0, 0], bigtiff=True, byteorder=">")
tiff("u16_lzw", gray("u16")[0, 0], compression="lzw", predictor=True, rowsperstrip=4)
tiff("f32_deflate", gray("f32")[0, 0], compression="zlib", predictor=True)
tiff("u8_packbits", gray("u8")[0, 0], compression="packbits")
tiff("u8_jpeg", gray("u8")[0, 0], compression="jpeg", compressionargs={"level": 100})
tiff("u8_tiled", gray("u8")[0, 0], tile=(16, 16))
tiff("u16_zstd", gray("u16")[0, 0], compression="zstd")
tiff("u8_rgb", np.moveaxis(ramp(1, 3, "u8")[0], 0, -1), photometric="rgb")
tiff("u16_planar", ramp(1, 3, "u16")[0], photometric="rgb", planarconfig="separate")
rgba = np.concatenate([np.moveaxis(ramp(1, 3, "u8")[0], 0, -1), np.full((H, W, 1), 7, "u1")], -1)
tiff("u8_rgba", rgba, photometric="rgb", extrasamples=["unassalpha"])
tiff("u8_pages", gray("u8", 3)[:, 0], photometric="minisblack")  # fewer than 10: channels
tiff("u16_ome", np.moveaxis(ramp(3, 2, "u16"), 0, 1), ome=True, photometric="minisblack",
     metadata={"axes": "CZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm",
               "PhysicalSizeZ": 2.0, "PhysicalSizeZUnit": "µm"})
tiff("u16_imagej", ramp(3, 2, "u16"), imagej=True, resolution=(4, 4),
     metadata={"axes": "ZCYX", "unit": "um", "spacing": 2.0})
tiff("u8_cm", gray("u8")[0, 0], resolution=(20000, 20000), resolutionunit="CENTIMETER")


def classic(name, order, ifds, tail):
    """A file by hand: ifds are lists of (tag, type, values); offsets count from 0."""
    size = {2: "s", 3: "H", 4: "I", 5: "II"}
    at, out, extra = 8, b"", []
    for entries in ifds:
        n = len(entries)
        base = at + 2 + 12 * n + 4
        body, blob = struct.pack(order + "H", n), b""
        for tag, kind, values in entries:
            raw = values if kind == 2 else b"".join(
                struct.pack(order + size[kind], *(v if kind == 5 else (v,))) for v in values)
            count = len(raw) if kind == 2 else len(values)
            body += struct.pack(order + "HHI", tag, kind, count)
            if len(raw) <= 4:
                body += raw.ljust(4, b"\0")
            else:
                body += struct.pack(order + "I", base + len(blob))
                blob += raw + b"\0" * (len(raw) % 2)
        out += body + struct.pack(order + "I", 0) + blob
        at += len(out)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    with open(f"{OUT}/{name}.tif", "wb") as f:
        f.write(head + out + tail)


def page(bits, photometric, offset, n, extra=()):
    return sorted([(256, 3, [W]), (257, 3, [H]), (258, 3, [bits]), (259, 3, [1]),
                   (262, 3, [photometric]), (273, 4, [offset]), (277, 3, [1]),
                   (278, 3, [H]), (279, 4, [n]), *extra])


data = ramp(1, 1, "u8")[0, 0].tobytes()
levels = [v % 256 * 257 for v in range(256)]
cmap = levels + [(v + 20) % 256 * 257 for v in range(256)] + [(v + 40) % 256 * 257 for v in range(256)]
entries = page(8, 3, 0, len(data), [(320, 3, cmap)])
start = 8 + 2 + 12 * len(entries) + 4 + 2 * len(cmap)
classic("u8_palette", "<", [page(8, 3, start, len(data), [(320, 3, cmap)])], data)

joined = ramp(3, 2, "u16").astype(">u2").tobytes()
note = b"ImageJ=1.53t\nimages=6\nchannels=2\nslices=3\nhyperstack=true\nunit=micron\nspacing=2.0\n\0"
extra = [(270, 2, note), (282, 5, [(4, 1)]), (296, 3, [1])]
n = len(page(16, 1, 0, 0, extra))
start = 8 + 2 + 12 * n + 4 + len(note) + len(note) % 2 + 8
classic("u16_joined", ">", [page(16, 1, start, H * W * 2, extra)], joined)


def png(name, bits, colour, rows, samples, interlaced=False, palette=None):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(
            ">I", zlib.crc32(kind + body))
    h, w = rows.shape[:2]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                  (1, 0, 2, 2), (0, 1, 1, 2)]
    raw, step = b"", max(1, bits * samples // 8)
    for x0, y0, dx, dy in passes:
        part = rows[y0::dy, x0::dx].reshape(len(rows[y0::dy]), -1)
        if part.shape[1] == 0:
            continue
        above = None
        for y, line in enumerate(part):
            if bits == 16:
                b = line.astype(">u2").tobytes()
            elif bits == 8:
                b = line.astype("u1").tobytes()
            else:
                b = np.packbits(((line[:, None] >> np.arange(bits)[::-1]) & 1).astype("u1")).tobytes()
            b = np.frombuffer(b, "u1").astype(int)
            left = np.concatenate([np.zeros(step, int), b[:-step]]) if len(b) > step else np.zeros(len(b), int)
            up = above if above is not None else np.zeros(len(b), int)
            ul = np.concatenate([np.zeros(step, int), up[:-step]]) if len(b) > step else np.zeros(len(b), int)
            p = left + up - ul
            pa, pb, pc = abs(p - left), abs(p - up), abs(p - ul)
            paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, up, ul))
            kind = y % 5
            what = [0 * b, left, up, (left + up) // 2, paeth][kind]
            raw += bytes([kind]) + ((b - what) % 256).astype("u1").tobytes()
            above = b
    packed = zlib.compress(raw, 9)
    with open(f"{OUT}/{name}.png", "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
            ">IIBBBBB", w, h, bits, colour, 0, 0, int(interlaced))))
        if palette is not None:
            f.write(chunk(b"PLTE", palette))
        half = len(packed) // 2  # two data chunks
        f.write(chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b""))


png("u16", 16, 0, gray("u16")[0, 0], 1)
png("u16_interlaced", 16, 0, gray("u16")[0, 0], 1, True)
png("u8_rgb", 8, 2, np.moveaxis(ramp(1, 3, "u8")[0], 0, -1), 3)
png("u8_rgba", 8, 6, rgba, 4)
png("u8_palette", 8, 3, gray("u8")[0, 0], 1, False,
    bytes(b for v in range(256) for b in (v, (v + 20) % 256, (v + 40) % 256)))
png("gray4", 4, 0, (gray("u8")[0, 0] // 5 % 16), 1)
png("gray1", 1, 0, (gray("u8")[0, 0] % 2), 1, True)

v16 = gray("u16")[0, 0]
with open(f"{OUT}/u16.pgm", "wb") as f:
    f.write(b"P5\n# a comment\n13 9\n65535\n" + v16.astype(">u2").tobytes())
with open(f"{OUT}/u8_rgb.ppm", "wb") as f:
    f.write(b"P3 13 9 255\n" + " ".join(
        str(v) for v in np.moveaxis(ramp(1, 3, "u8")[0], 0, -1).ravel()).encode() + b"\n")
