#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/demo.sh - `make demo`: a small trained network on the 10,000 Fashion-MNIST test
# pictures: a few of them drawn in the terminal, the confusion matrix, the accuracy.
#
#     tools/demo.sh build/quern
cd "$(dirname "$0")/.." || exit 2
quern=${1:-build/quern}
model=tests/data/fashion-cnn.onnx
data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
if [ ! -r "$data/t10k-images-idx3-ubyte.gz" ]; then
    echo "demo: $data lacks the pictures; install Debian's dataset-fashion-mnist" >&2
    exit 1
fi
echo "== the network ($model, made by tests/make_fashion_cnn.py)"
"$quern" inspect "$model" || exit
echo
echo "== 10,000 pictures it has never seen, the first six of them drawn"
"$quern" classify "$model" "$data/t10k-images-idx3-ubyte.gz" \
    --truth "$data/t10k-labels-idx1-ubyte.gz" --confusion --show 6 --top 3
