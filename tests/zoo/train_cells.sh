#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/zoo/train_cells.sh - the recipe of the network for cells that is built in
# (docs/CELLS_MODEL.md): training, and its figures on pictures it never saw.
#
#     tests/zoo/train_cells.sh dsb2018-nuclei.tar [FOLDER]     QUERN=build/quern
#
# The tar has images/, labels/ and index.csv with id and kind.  FOLDER (cells-model) gets
# the run in run/, whose model-half.onnx becomes formats/cells_default.onnx, and the
# pictures that were kept out in test/.  Stopped, the same command goes on.  About 40
# minutes on an idle core.  SMOKE=1 goes the same way with next to nothing, in seconds.
set -e
tar=$1
folder=${2:-cells-model}
quern=$(realpath "${QUERN:-build/quern}")
[ -f "$tar" ] || { echo "usage: tests/zoo/train_cells.sh dsb2018-nuclei.tar [FOLDER]"; exit 2; }
mkdir -p "$folder/data"
[ -f "$folder/data/index.csv" ] || tar xf "$tar" -C "$folder/data" --strip-components=1
cd "$folder"

synth=300 steps=(--epochs 40 --batch 8 --crop 160 --check-every 4) made=(--n 100 --size 256x256)
if [ -n "$SMOKE" ]; then
    synth=4 steps=(--epochs 1 --batch 2 --crop 64 --check-every 1) made=(--n 2 --size 96x96)
fi
goes_on=$([ ! -f run/config.json ] || echo --resume)
"$quern" segment train data --synth $synth "${steps[@]}" --test 0.2 --seed 1 -t 1 -o run $goes_on
model=(--model run/model-half.onnx)

# ---- figures --------------------------------------------------------------------------
field() { awk -F, -v id="$1" '$1 == id { print $2 }' data/index.csv | tr -d '\r"'; }
figures() { # TITLE TRUTH PREDICTED
    printf '%-28s ' "$1"
    "$quern" segment eval "$2" "$3" --json | tail -1 |
        sed -E -e 's/"images":.*//' -e \
            's/.*"n":([0-9]+).*"ap50":([0-9.]+).*"ap75":([0-9.]+).*"ap90":([0-9.]+).*"f1":([0-9.]+).*/\1 pictures  AP \2 \3 \4  F1 \5/'
}
rm -rf test
while IFS=, read -r name part _ _ diameter _; do
    [ "$part" = test ] || continue
    kind=test/$(field "$name")
    mkdir -p "$kind"/{images,truth,true,auto}
    cp "data/images/$name.png" "$kind/images"
    cp "data/labels/$name.png" "$kind/truth"
    "$quern" segment "$kind/images/$name.png" -d "$diameter" -o "$kind/true" --save masks -q \
        "${model[@]}"
done < <(tr -d '\r"' < run/split.csv)
for kind in test/*; do
    "$quern" segment "$kind/images" -d auto -o "$kind/auto" --save masks -q "${model[@]}"
    figures "${kind#*/}, true diameter" "$kind/truth" "$kind/true"
    figures "${kind#*/}, auto" "$kind/truth" "$kind/auto"
done
for mode in mixed fluorescence; do # of a seed that was not trained by
    "$quern" segment synth -q --mode "$mode" "${made[@]}" --seed 77 --diameter 17 \
        -o "test/synth-$mode/all"
    mkdir -p "test/synth-$mode"/{images,truth,true}
    mv "test/synth-$mode/all"/*_masks.png "test/synth-$mode/truth"
    mv "test/synth-$mode/all"/*.png "test/synth-$mode/images"
    "$quern" segment "test/synth-$mode/images" -d 17 -o "test/synth-$mode/true" --save masks -q \
        "${model[@]}"
    figures "procedural, $mode" "test/synth-$mode/truth" "test/synth-$mode/true"
done
