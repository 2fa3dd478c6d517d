#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/bench.sh - `make bench`: the standard sweep, in under five minutes, as one page.
#
#     tools/bench.sh QUERN DIR [MODEL...]     networks besides the built-in ones
cd "$(dirname "$0")/.." || exit 2
quern=$1 dir=$2
shift 2
results=$dir/results.jsonl code=0
mkdir -p "$dir" && : >"$results" || exit 1
measure() { # a step that fails spoils the sweep, and the others go on
    echo "quern bench $*" | cut -c 1-100 >&2
    "$quern" bench "$@" --json >>"$results" || code=1
}
measure doctor
measure peaks
measure kernel -f bench/standard.qbs --impl '*_f32_[!r]*' --time 0.1 --quiet
measure model tests/data/fashion-fast16.onnx fast32 resnet20 mobile-s@224 vit-tiny "$@" \
    --threads 1,2 --ort auto --time 1.5 --quiet
"$quern" bench report "$results" -o "$dir" --title "quern bench: the standard sweep" || code=1
exit $code
