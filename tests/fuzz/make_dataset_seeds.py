#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/make_dataset_seeds.py - writes the small files that fuzzing of data sets starts
# from; the first byte says which kind of file it is (fuzz_dataset.c).
import gzip
import io
import os
import struct
import tarfile
import zipfile
import zlib

import numpy as np

OUT = os.path.join(os.path.dirname(__file__), "corpus", "fuzz_dataset")


def put(name, data):
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(data)


def idx(array):
    head = struct.pack(">HBB", 0, 8, array.ndim)
    return head + b"".join(struct.pack(">I", d) for d in array.shape) + array.tobytes()


def npz(save, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


os.makedirs(OUT, exist_ok=True)
pictures = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
labels = np.array([1, 0], np.uint8)
put("manifest", b'cpath,label,split,group,weight,age\na.bmp,"x ""y""",train,p1,.5,7\n'
    b'"gone,\n.bmp",z,val,,1,\n../up.bmp,x,test,p2,nan,8\n')
put("no_header", b"ta.png\tx\ttrain\r\nb.png\t1\r\n")
put("npz_stored", b"n" + npz(np.savez, images=pictures, labels=labels))
put("npz_packed", b"n" + npz(np.savez_compressed, x_train=pictures, y_train=labels,
                             x_test=pictures[:1], y_test=labels[:1]))
put("npz_planes", b"n" + npz(np.savez, train_images=np.zeros((1, 3, 2, 2), np.uint8),
                             train_labels=np.zeros((1, 1), np.int64)))
put("cifar10", b"b" + bytes(1) + bytes(range(256)) * 12)
put("cifar100", b"h" + bytes(2) + bytes(range(256)) * 12)
put("idx_pictures", b"i" + idx(pictures))
put("idx_gzip", b"i" + gzip.compress(idx(pictures), mtime=0))
put("idx_colour", b"i" + idx(np.zeros((2, 1, 1, 3), np.uint8)))
put("idx_labels", b"l" + idx(labels))
put("idx_labels_gzip", b"l" + gzip.compress(idx(labels), mtime=0))
put("bmp", b"p" + b"BM" + struct.pack("<IIIIiiHHIIIIII", 62, 0, 54, 40, 1, 2, 1, 24, 0, 8, 0,
                                      0, 0, 0) + bytes(8))
def tar(form, *files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()[:-8192]


put("tar_pax", b"w" + tar(tarfile.PAX_FORMAT, ("\u00e4/1.bmp", b"BM"), ("\u00e4/1.cls", b"1")))
put("tar_gnu", b"w" + tar(tarfile.GNU_FORMAT, ("x" * 101 + ".bmp", b"BM"),
                          ("x" * 101 + ".json", b'{"label":"a","patient":"p","age":3}')))
put("tar_ustar", b"w" + tar(tarfile.USTAR_FORMAT, ("a/1.bmp", b"BM"), ("a/1.txt", b"cat"),
                            ("../2.bmp", b""), ("a/1.bmp", b"")))
put("coco", b'o{"images":[{"id":3,"file_name":"a.bmp","patient":"p"}],"annotations":[{"id":1,'
    b'"image_id":3,"category_id":9,"bbox":[0,0,1,1]}],"categories":[{"id":9,"name":"x"}]}')
put("npy", b"y" + npz(np.save, arr=pictures))
put("selection", b"vset,item,label,split\n.,test/0,0,train\n.,test/1,,val\n.,test/1,0,\n")
put("metadata_csv", b"mfile_name,label,age\na.bmp,cat,3\n../x.bmp,dog,\n")
put("metadata_jsonl", b'j{"file_name":"a.bmp","label":"cat","age":3}\n{"file_name":"b.bmp"}\n')
# Parquet files of other writers, as tests/parquet_oracle.py makes them.
for sample in ("snappy_v1_dict", "delta_v2", "fastparquet"):
    path = os.path.join(os.path.dirname(__file__), "..", "data", "parquet", sample)
    with open(path + ".parquet", "rb") as file:
        put("parquet_" + sample, b"q" + file.read())


# ---- TFRecord: records with checksums, of Examples ----------------------------------------

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    crc ^= 0xffffffff
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff)


def record(data):
    length = struct.pack("<Q", len(data))
    return length + crc32c(length) + data + crc32c(data)


def field(number, data):
    return bytes([number << 3 | 2, len(data)]) + data


def feature(name, kind, value):
    return field(1, field(1, name) + field(2, field(kind, value)))


def example(label, text):
    bmp = b"BM" + struct.pack("<IIIIiiHHI", 58, 0, 54, 40, 1, 1, 1, 24, 0) + bytes(24)
    return field(1, feature(b"label", 3, bytes([8, label])) +
                 feature(b"image", 1, field(1, bmp)) +
                 feature(b"image/class/text", 1, field(1, text)) +
                 feature(b"image/filename", 1, field(1, b"a.jpg")))


put("tfrecord", b"r" + record(example(1, b"ant")) + record(example(0, b"bee")))


# ---- archives of a class folder with one picture --------------------------------------------

def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("x/a.bmp")
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, b"BM" + bytes(56))
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo("x/a.bmp")
        info.size = 58
        archive.addfile(info, io.BytesIO(b"BM" + bytes(56)))
    return file.getvalue()[:2048]


put("archive_zip", b"z" + zipped())
put("archive_tar", b"a" + tarred())


# ---- pictures: the manifest's a.bmp, whatever its bytes are ------------------------------------

def gif():
    screen = b"GIF89a" + struct.pack("<HHBBB", 2, 2, 0x80, 0, 0) + bytes([0, 0, 0, 255, 9, 9])
    # clear, 0, 1, clear, 1, 0, end: three bits each, lowest first
    codes = sum(code << 3 * i for i, code in enumerate([4, 0, 1, 4, 1, 0, 5]))
    return (screen + b"," + struct.pack("<HHHHB", 0, 0, 2, 2, 0) + b"\x02\x03" +
            codes.to_bytes(3, "little") + b"\x00;")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def deep_png():
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0\1\2\3\4")) + chunk(b"IEND", b""))


put("gif", b"p" + gif())
put("deep_png", b"p" + deep_png())
put("pgm", b"pP2 #x\n2 1 9\n3 4\n")
put("ppm_raw", b"pP6 1 1 65535\n" + bytes(6))


# ---- a stored set: its manifest, its table ------------------------------------------------------

def stored_line(extra=""):
    head = ('{"schema":1,"name":"a","label":0,"group":"g","from":0,"at":0,"bytes":2,"sha256":"%s",'
            '"pixels":[1,2,1],"meta":{"age":"3"}%s' % ("0" * 64, extra))
    return (head + ',"crc":"%08x"}\n' % zlib.crc32(head.encode())).encode()


STORED = ('{"schema":1,"kind":"data set","id":"a-00000000","name":"a","classes":["x"],'
          '"by_reference":%s,"items":"items.jsonl","pack":%s,"n_items":%d,"source":".",'
          '"source_format":"%s","files":[{"path":"items.jsonl","bytes":1,"sha256":"' + "0" * 64 + '"}]}')
put("stored_manifest", b"s" + (STORED % ("false", '"items.jsonl"', 1, "idx")).encode())
put("stored_reference", b"s" + (STORED % ("true", "null", 1, "stored")).encode())
put("stored_count", b"s" + (STORED % ("false", '"items.jsonl"', 2, "idx")).encode())
put("stored_table", b"e" + stored_line())
put("stored_far", b"e" + stored_line().replace(b'"at":0', b'"at":9e14'))
put("stored_weight", b"e" + stored_line(',"weight":1e99'))
