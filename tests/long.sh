#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/long.sh - `make test-long`: what takes too long for every change.
#
#     tests/long.sh [analyse|repro|clang|tsan|bench|dry|fuzz|zoo|train|cells|parquet]...
#
# FUZZ_SECONDS=300 is for all fuzz targets together; those of models and data sets, which
# hold the most parsers, get twice what the others get.
cd "$(dirname "$0")/.." || exit 2
jobs=$(nproc 2>/dev/null || echo 2)
fuzz_seconds=${FUZZ_SECONDS:-300}
passed=0 failed=0 skipped=0
ok() {
    if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    echo "$2: $([ "$1" -eq 0 ] && echo passed || echo FAILED)"
}
clang=$(for v in clang-14 clang-16 clang-15 clang; do command -v $v && break; done)

for stage in ${*:-analyse repro clang tsan bench dry fuzz zoo train cells parquet}; do
    case $stage in
    analyse)
        ANALYSE=1 tests/check/all.sh
        ok $? "make check with clang-tidy and cppcheck"
        ;;
    repro)
        tests/check/repro.sh
        ok $? "two builds in two folders: the same bytes"
        ;;
    clang)
        [ -n "$clang" ] || { echo "no clang"; skipped=$((skipped + 1)); continue; }
        make -s -j"$jobs" O=build/clang QCC="$clang" EXTRA=-Werror all &&
            build/clang/tests/quern-test -j "$jobs"
        ok $? "clang build and unit tests"
        ;;
    tsan)
        make -s -j"$jobs" BUILD=tsan all && build/native-tsan/tests/quern-test -j "$jobs"
        ok $? "thread sanitizer"
        ;;
    bench)
        make -s -j"$jobs" all && QN_TRIALS=200 build/tests/quern-test 'bench_*_here'
        ok $? "the harness judges 200 trials on this machine"
        ;;
    dry)
        make -s -j"$jobs" all && QN_DRY=0 build/tests/quern-test -j "$jobs" 'dry_*'
        ok $? "commands whose heap runs dry, at every allocation"
        ;;
    fuzz)
        [ -n "$clang" ] || { echo "no clang: not fuzzed"; skipped=$((skipped + 1)); continue; }
        make -s -j"$jobs" O=build/fuzzing QCC="$clang" BUILD=fuzz fuzzers
        ok $? "fuzz targets build"
        # The small models of the conformance data are seeds, too.
        seeds=build/fuzzing/seeds
        mkdir -p $seeds
        for m in /usr/share/libonnx-testdata/data/node/*/model.onnx \
            build/cases/onnx-node-tests/node/*/model.onnx; do
            [ -f "$m" ] && [ "$(wc -c <"$m")" -lt 4000 ] && cp "$m" $seeds/"$(basename "${m%/*}")"
        done
        targets= shares=0
        for f in tests/fuzz/fuzz_*.c; do
            name=$(basename "$f" .c)
            targets="$targets $name"
            shares=$((shares + 1))
            case $name in fuzz_model | fuzz_dataset) shares=$((shares + 1)) ;; esac
        done
        from=$(date +%s)
        for name in $targets; do
            each=$((fuzz_seconds / shares))
            more=
            case $name in
            fuzz_model) each=$((2 * each)) more=$seeds ;;
            fuzz_dataset) each=$((2 * each)) ;;
            esac
            corpus=build/fuzzing/corpus/$name
            mkdir -p "$corpus"
            build/fuzzing/native-fuzz/fuzz/"$name" -max_total_time="$each" -timeout=10 \
                -rss_limit_mb=2048 -fork="$jobs" -artifact_prefix="$corpus-" "$corpus" \
                tests/fuzz/corpus/"$name" $more 2>&1 | tail -n 5
            ok "${PIPESTATUS[0]}" "fuzz $name for $each s"
        done
        echo "fuzzed for $(($(date +%s) - from)) s"
        ;;
    zoo)
        if [ -x tests/zoo/run.sh ]; then
            tests/zoo/run.sh
            ok $? "real networks"
        fi
        ;;
    train)
        make -s -j"$jobs" all && QN_KILLS=20 build/tests/quern-test 'train_killed*'
        ok $? "a training killed at 20 moments ends with the same bits"
        torch=$(for p in python3 /usr/bin/python3; do
            $p -c 'import torch, torchvision' 2>/dev/null && echo $p && break
        done)
        [ -n "$torch" ] || { echo "no torchvision: training not compared"; skipped=$((skipped + 1)); continue; }
        make -s -j"$jobs" all && "$torch" tests/train_oracle.py
        ok $? "training steps as PyTorch makes them"
        ;;
    cells)
        # QN_NUCLEI: a tar with label pictures, if there is one; PYTHONPATH: Cellpose.
        make -s -j"$jobs" all || { ok 1 "build"; continue; }
        QN_CELLS=1000 build/tests/quern-test cells_by_the_million
        ok $? "a million cells"
        python3 tests/large_pictures.py
        ok $? "a picture larger than memory"
        for p in python3 /usr/bin/python3; do
            $p tests/cells_oracle.py ${QN_NUCLEI:+"$QN_NUCLEI"}
            cells=$?
            [ $cells -eq 77 ] || break
        done
        [ $cells -eq 77 ] && { skipped=$((skipped + 1)); continue; }
        ok $cells "segmentation as Cellpose does it"
        $p tests/cellpose_pipeline.py
        pipeline=$?
        [ $pipeline -eq 77 ] && { skipped=$((skipped + 1)); continue; }
        ok $pipeline "from a picture to flows as Cellpose does it"
        ;;
    parquet)
        python3 -c 'import pyarrow, fastparquet' 2>/dev/null ||
            { echo "no pyarrow and fastparquet: their files are not read"; skipped=$((skipped + 1)); continue; }
        make -s -j"$jobs" all && python3 tests/parquet_oracle.py check build/quern
        ok $? "Parquet files of two other writers"
        ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
