#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/zoo/run.sh - real networks: torchvision's, exported with seeded random weights, run
# by quern and compared with PyTorch and, where it is installed, ONNX Runtime.
#
#     tests/zoo/run.sh [NETWORK]...        OPSETS="11 13 17"  QUERN=build/quern  KEEP=folder
#
# Needs python3-torch and python3-torchvision (Debian's will do); they are large, so `make
# deps` leaves them out, and without them this is skipped with a sentence.
cd "$(dirname "$0")/../.." || exit 2
export ORT_DISABLE_TELEMETRY=1
can() { for p in python3 /usr/bin/python3; do $p -c "import $1" 2>/dev/null && echo $p && return; done; }
torch=$(can torch,torchvision,onnx || can torch,torchvision)
[ -n "$torch" ] || { echo "torch and torchvision are not installed: real networks not tested"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
ort=$(can onnxruntime,numpy)
[ -n "$ort" ] || echo "onnxruntime is not installed: compared with PyTorch only"
folder=${KEEP:-$(mktemp -d)} || exit 2
[ -n "$KEEP" ] || trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"
"$torch" tests/zoo/zoo.py --quern "${QUERN:-build/quern}" --folder "$folder" --opsets "${OPSETS:-11 13 17}" \
    ${ort:+--ort "$ort"} ${KEEP:+--keep} "$@"
