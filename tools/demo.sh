#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/demo.sh - `make demo`: a network is trained on Fashion-MNIST, 60,000 pictures of
# clothes, for two epochs; then it sorts the 10,000 test pictures, a few of them drawn in
# the terminal.  At last the network that is built in finds the cells in four pictures
# that quern draws, where the truth is known.
#
#     tools/demo.sh build/quern
cd "$(dirname "$0")/.." || exit 2
quern=${1:-build/quern}
run=${DEMO_RUN:-build/demo}
data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
if [ ! -r "$data/t10k-images-idx3-ubyte.gz" ]; then
    echo "demo: $data lacks the pictures; install Debian's dataset-fashion-mnist" >&2
    exit 1
fi
mkdir -p "$run"
printf '%s\n' T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag \
    'Ankle boot' >"$run/classes.txt"
echo "== a small residual network learns from 57,000 pictures, twice each"
"$quern" train "$data" --arch fast16 --epochs 2 \
    --classes "$run/classes.txt" --out "$run" --overwrite || exit
echo
echo "== 10,000 pictures it has never seen, the first six of them drawn"
"$quern" classify "$run/model.onnx" "$data/t10k-images-idx3-ubyte.gz" \
    --truth "$data/t10k-labels-idx1-ubyte.gz" --confusion --show 6 --top 3 || exit
echo
echo "the network is $run/model.onnx, every ONNX runtime loads it;"
if [ -r "$run/report.html" ]; then
    echo "how it was trained and where it errs: $run/report.html"
else
    echo "its figures are in $run/report.json"
fi

cells=$run/cells
rm -rf "$cells"
echo
echo "== cells in four pictures, found by the network that is built in"
"$quern" segment synth -o "$cells/pictures" --n 4 --seed 2026 --size 384x384 -q &&
    "$quern" segment "$cells/pictures" -o "$cells/found" \
        --save masks,outlines,flows,csv,html || exit
echo
echo "== against the truth"
"$quern" segment eval "$cells/pictures" "$cells/found" || exit
echo
echo "their outlines: $cells/found/*_outlines.png"
echo "counts, areas and a page for each: $cells/found/summary.html and *_report.html"
