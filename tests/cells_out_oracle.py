#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/cells_out_oracle.py - holds what `quern segment --save all` wrote of an image to
what other people's programs make of the same labels:

    tests/cells_out_oracle.py IMAGE STEM...     files STEM_masks.png, STEM_cells.csv, ...

scikit-image measures the labels, shapely and roifile read the outlines, pycocotools the
run lengths, OpenCV finds the contours that Cellpose writes.  What is not installed is
left out and said.  Exit code 1: something differs."""
import csv
import io
import json
import sys

import numpy as np

failures = 0


def check(what, got, want, tolerance=0.0):
    """All numbers of got lie within tolerance, relative to the larger of 1 and want."""
    global failures
    got, want = np.asarray(got, float), np.asarray(want, float)
    scale = np.maximum(1, np.abs(want))
    worst = np.max(np.abs(got - want) / scale) if got.size else 0.0
    good = got.shape == want.shape and worst <= tolerance
    failures += not good
    print(f"  {'ok  ' if good else 'FAIL'} {what}: {worst:.2g} (at most {tolerance:g})")


def library(name):
    try:
        return __import__(name, fromlist=["x"])
    except ImportError:
        print(f"  left out: {name} is not installed")
        return None


def read_rows(stem):
    text = open(stem + "_cells.csv", encoding="utf-8").read().split("\n\n", 1)[1]
    return list(csv.DictReader(io.StringIO(text)))


def check_shapes(labels, image, rows):
    measure = library("skimage.measure")
    if not measure:
        return
    regions = measure.regionprops(labels, image)

    def column(name):
        return [float(r[name]) for r in rows]

    check("labels", column("label"), [r.label for r in regions])
    check("area", column("area_px"), [r.area for r in regions])
    check("centroid y", column("centroid_y"), [r.centroid[0] for r in regions], 1e-6)
    check("centroid x", column("centroid_x"), [r.centroid[1] for r in regions], 1e-6)
    for k, name in enumerate(["bbox_y0", "bbox_x0", "bbox_y1", "bbox_x1"]):
        check(name, column(name), [r.bbox[k] for r in regions])
    check("perimeter", column("perimeter"), [r.perimeter for r in regions], 1e-6)
    check("diameter", column("equiv_diameter"),
          [r.equivalent_diameter_area for r in regions], 1e-6)
    check("extent", column("extent"), [r.extent for r in regions], 1e-6)
    # second moments of squares instead of points: 1/12 more, so 16/12 in the axis squared
    for name, theirs in [("major_axis", "axis_major_length"),
                         ("minor_axis", "axis_minor_length")]:
        mine = np.sqrt(np.maximum(0, np.array(column(name)) ** 2 - 16 / 12))
        points = np.array([getattr(r, theirs) for r in regions])
        check(name, mine, points, 1e-5)
    turned = np.array([np.degrees(r.orientation) + 90 for r in regions])
    apart = np.abs(np.array(column("orientation")) - turned) % 180
    round_ones = np.array(column("eccentricity")) < 0.05
    check("orientation", np.where(round_ones, 0, np.minimum(apart, 180 - apart)),
          np.zeros(len(rows)), 1e-3)
    inside = [image[labels == r.label].astype(float) for r in regions]
    for name, what in [("mean_1", np.mean), ("median_1", np.median), ("std_1", np.std),
                       ("min_1", np.min), ("max_1", np.max), ("sum_1", np.sum)]:
        if name in rows[0]:
            check(name, column(name), [what(v) for v in inside], 1e-6)


def check_neighbours(labels, rows, within=5):
    ndimage = library("scipy.ndimage")
    if not ndimage:
        return
    touching, near = [], []
    for row in rows:
        own = labels == int(row["label"])
        beside = ndimage.binary_dilation(own, np.ones((3, 3), bool))
        touching.append(len(set(np.unique(labels[beside])) - {0, int(row["label"])}))
        apart = ndimage.distance_transform_edt(~own)
        others = labels[(apart <= within) | beside]
        near.append(len(set(np.unique(others)) - {0, int(row["label"])}))
    check("touching", [float(r["n_touching"]) for r in rows], touching)
    check("neighbours", [float(r["n_neighbours"]) for r in rows], near)
    middle = np.array([[float(r["centroid_y"]), float(r["centroid_x"])] for r in rows])
    apart = np.sqrt(((middle[:, None] - middle[None]) ** 2).sum(2))
    np.fill_diagonal(apart, np.inf)
    if len(rows) > 1:
        check("nearest", [float(r["nn_dist"]) for r in rows], apart.min(1), 1e-5)


def check_geojson(labels, stem):
    geometry, validation = library("shapely.geometry"), library("shapely.validation")
    if not geometry:
        return
    features = json.load(open(stem + "_cells.geojson", encoding="utf-8"))["features"]
    shapes = [geometry.shape(f["geometry"]) for f in features]
    areas = np.bincount(labels.ravel())[1:]
    check("geojson area", [s.area for s in shapes], areas[areas > 0])
    bad = [validation.explain_validity(s) for s in shapes if not s.is_valid]
    check("geojson invalid", [len(bad)], [0])
    hull = [s.convex_hull.area for s in shapes]
    rows = read_rows(stem)
    check("solidity", [float(r["solidity"]) for r in rows],
          [s.area / h for s, h in zip(shapes, hull)], 1e-6)
    feret = []
    for s in shapes:
        p = np.array(s.convex_hull.exterior.coords)
        feret.append(np.sqrt(((p[:, None] - p[None]) ** 2).sum(2).max()))
    check("feret", [float(r["feret_max"]) for r in rows], feret, 1e-6)


def check_rois(labels, stem):
    roifile, geometry = library("roifile"), library("shapely.geometry")
    if not roifile or not geometry:
        return
    rois = roifile.roiread(stem + "_rois.zip")
    areas = np.bincount(labels.ravel())[1:]
    got = []
    for roi in rois:
        rings = roi.coordinates(multi=True) if roi.composite else [roi.coordinates()]
        area = 0.0
        for ring in rings:
            x, y = np.asarray(ring, float).T
            area += 0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
        got.append(area)
    check("roi area", got, areas[areas > 0])


def check_coco(labels, stem):
    mask = library("pycocotools.mask")
    if not mask:
        return
    coco = json.load(open(stem + "_coco.json", encoding="utf-8"))
    wrong = 0
    for a in coco["annotations"]:
        rle = a["segmentation"]
        packed = mask.frPyObjects(rle, *rle["size"])
        wrong += int((mask.decode(packed).astype(bool) != (labels == a["id"])).sum())
        wrong += int(mask.area(packed) != a["area"])
        wrong += int(list(mask.toBbox(packed)) != list(a["bbox"]))
    check("coco", [wrong], [0])


def check_text(labels, stem):
    cv2 = library("cv2")
    if not cv2:
        return
    lines = open(stem + "_outlines.txt", encoding="utf-8").read().split("\n")[:-1]
    wrong = 0
    present = [k for k in np.unique(labels) if k]
    for label, line in zip(present, lines):
        found = cv2.findContours((labels == label).astype(np.uint8), cv2.RETR_EXTERNAL,
                                 cv2.CHAIN_APPROX_NONE)[-2]
        best = found[int(np.argmax([len(c) for c in found]))]
        want = ",".join(map(str, best.flatten())) if len(best) > 4 else ""
        wrong += line != want
    check("text lines", [len(lines)], [len(present)])
    check("text contours that differ", [wrong], [0])


def main():
    image = library("PIL.Image")
    if not image or len(sys.argv) < 3:
        sys.exit(__doc__)
    picture = np.asarray(image.open(sys.argv[1]))
    for stem in sys.argv[2:]:
        print(stem)
        labels = np.asarray(image.open(stem + "_masks.png")).astype(np.int64)
        rows = read_rows(stem)
        check_shapes(labels, picture, rows)
        check_neighbours(labels, rows)
        check_geojson(labels, stem)
        check_rois(labels, stem)
        check_coco(labels, stem)
        check_text(labels, stem)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
