#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# tests/parquet_oracle.py - Parquet files by other hands, for the reader to be held to.
#
#     tests/parquet_oracle.py samples DIR   the small files of tests/data/parquet
#     tests/parquet_oracle.py check QUERN   writes image sets in every codec, page version
#                                           and encoding, and compares what quern reads
#
# Needs pyarrow, and fastparquet for the files of another writer.  Row i of a sample is a
# BMP of 2 x 2 pixels of gray 10 * i, called i.bmp, of class i % 3; row 7 has no label.
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

N = 21
NAMES = ["ant", "bee", "cat"]
CODECS = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]
DELTA = {"image.bytes": "DELTA_LENGTH_BYTE_ARRAY", "image.path": "DELTA_BYTE_ARRAY",
         "label": "DELTA_BINARY_PACKED", "age": "DELTA_BINARY_PACKED",
         "weight": "BYTE_STREAM_SPLIT", "sex": "DELTA_LENGTH_BYTE_ARRAY"}
OTHER = {"image.bytes": "DELTA_BYTE_ARRAY", "image.path": "DELTA_LENGTH_BYTE_ARRAY",
         "label": "BYTE_STREAM_SPLIT", "weight": "BYTE_STREAM_SPLIT", "is_big": "RLE"}


def bmp(gray, side=2):
    row = bytes([gray] * 3 * side)
    row += bytes(-len(row) % 4)
    return b"BM" + struct.pack("<IIIIiiHHIIIIII", 54 + side * len(row), 0, 54, 40, side, side,
                               1, 24, 0, side * len(row), 0, 0, 0, 0) + row * side


def table(n, side=2, unlabelled=7):
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.table({
        "image": pa.array([{"bytes": bmp(10 * i % 256, side), "path": f"{i}.bmp"}
                           for i in range(n)], image),
        "label": pa.array([None if i == unlabelled else i % 3 for i in range(n)],
                          pa.int64()),
        "age": pa.array([7 * i - 40 for i in range(n)], pa.int32()),
        "sex": pa.array([None if i % 5 == 4 else "mf"[i % 2] for i in range(n)]),
        "weight": pa.array([i / 4 for i in range(n)], pa.float32()),
        "is_big": pa.array([i > 11 for i in range(n)]),
    })


def write(t, path, rows=None, **options):
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": NAMES}}
    with pq.ParquetWriter(path, t.schema, store_schema=False, write_statistics=False,
                          **options) as writer:
        writer.write_table(t, row_group_size=rows)
        writer.add_key_value_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})})


def variants():
    for codec in CODECS:
        for version in ("1.0", "2.0"):
            for dictionary in (True, False):
                yield (f"{codec}_v{version[0]}_{'dict' if dictionary else 'plain'}",
                       dict(compression=codec, data_page_version=version,
                            use_dictionary=dictionary, write_page_checksum=dictionary))
    yield "delta_v2", dict(compression="none", data_page_version="2.0", use_dictionary=False,
                           column_encoding=DELTA)
    yield "delta_v1", dict(compression="snappy", use_dictionary=False, column_encoding=OTHER)


def samples(folder):
    os.makedirs(folder, exist_ok=True)
    t = table(N)
    keep = {"none_v1_plain", "snappy_v1_dict", "gzip_v2_plain", "brotli_v1_plain",
            "lz4_v1_dict", "zstd_v2_dict", "delta_v2", "delta_v1"}
    for name, options in variants():
        if name in keep:
            write(t, os.path.join(folder, name + ".parquet"), rows=12, data_page_size=256, **options)
    by_fastparquet(os.path.join(folder, "fastparquet.parquet"), N)
    write(pa.table({"a": pa.array([[1, 2], [], None])}),
          os.path.join(folder, "list.parquet"), compression="none")


def by_fastparquet(path, n, side=2, codec="SNAPPY"):
    import fastparquet
    import pandas as pd
    frame = pd.DataFrame({"image": [bmp(10 * i % 256, side) for i in range(n)],
                          "label": [NAMES[i % 3] for i in range(n)],
                          "age": [7 * i - 40 for i in range(n)]})
    frame["label"] = frame["label"].astype(object)
    fastparquet.write(path, frame, compression=codec, object_encoding={
        "image": "bytes", "label": "utf8"}, row_group_offsets=max(12, n // 3), stats=False)


# ---- compared -----------------------------------------------------------------------------

def read_back(quern, path):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.npz")
        subprocess.run([quern, "data", "convert", path, out, "--to", "npz"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with np.load(out) as arrays:
            return {name: arrays[name] for name in arrays.files}


def differs(name, got, n):
    want = np.array([10 * i % 256 for i in range(n)], np.uint8)
    same = (got["images"].reshape(n, -1) == want[:, None]).all()
    same = same and (got["labels"].reshape(-1).astype(int) == np.arange(n) % 3).all()
    print("ok  " if same else "FAIL", name)
    return not same


def check(quern):
    n, side, wrong = 3001, 6, 0
    t = table(n, side, -1)
    with tempfile.TemporaryDirectory() as folder:
        for name, options in variants():
            path = os.path.join(folder, name + ".parquet")
            write(t, path, rows=1000, data_page_size=4096, **options)
            wrong += differs(name, read_back(quern, path), n)
        for codec in ("UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4_RAW"):
            path = os.path.join(folder, "fastparquet.parquet")
            by_fastparquet(path, n, side, codec)
            wrong += differs("fastparquet " + codec, read_back(quern, path), n)
    return wrong


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("samples", "check"):
        sys.exit("usage: parquet_oracle.py samples DIR | check QUERN")
    sys.exit(samples(sys.argv[2]) if sys.argv[1] == "samples" else check(sys.argv[2]))
