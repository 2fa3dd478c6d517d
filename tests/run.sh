#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/run.sh - `make test`: what must pass before anything is merged, in three builds.
#
#     tests/run.sh [release|asan|cross]...
#
# release: unit tests, the conformance data, the demo's network;  asan: address and
# undefined-behaviour sanitizers over unit tests and conformance data;  cross: AArch64
# under qemu.  Conformance data is Debian's libonnx-testdata and, when it is there,
# ../shared/onnx-node-tests.tar.xz (or the unpacked folder that CASES names).  The last
# line is "N passed, N failed, N skipped".
cd "$(dirname "$0")/.." || exit 2
jobs=$(nproc 2>/dev/null || echo 2)
passed=0 failed=0 skipped=0
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT

# count NAME COMMAND...: adds the counts of the command's last line; on failure shows what
# did not pass.
count() {
    name=$1
    shift
    from=$(date +%s)
    "$@" >"$log" 2>&1
    code=$?
    read -r p f s < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$log" | tail -n 1)
    if [ -z "$p" ] || { [ $code -ne 0 ] && [ "$f" = 0 ]; }; then
        p=${p:-0} s=${s:-0} f=$((${f:-0} + 1))
        echo "$name: exit code $code"
        tail -n 40 "$log"
    elif [ "$f" != 0 ]; then
        awk '/^(ok|skip) / { show = 0 } /^FAIL / { show = 1 } show ||
             /^(failed|crashed|timed)/' "$log" | cut -c 1-300 | head -n 60
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%-28s %5d passed %4d failed %4d skipped %5d s\n' "$name" "$p" "$f" "$s" \
        $(($(date +%s) - from))
}
skip() {
    echo "$1"
    skipped=$((skipped + 1))
}
# build NAME VARIABLE=VALUE...
build() {
    from=$(date +%s)
    if ! make -s -j"$jobs" "${@:2}" all >"$log" 2>&1; then
        echo "$1 does not build:"
        grep -E 'error|warning|\*\*\*|undefined' "$log" | head -n 30
        failed=$((failed + 1))
        return 1
    fi
    printf '%-28s built in %d s\n' "$1" $(($(date +%s) - from))
}

# ---- conformance data -----------------------------------------------------------------
debian=/usr/share/libonnx-testdata/data
cases=${CASES:-build/cases/onnx-node-tests}
packed=../shared/onnx-node-tests.tar.xz
if [ ! -d "$cases" ] && [ -f "$packed" ]; then
    mkdir -p build/cases && tar xJf "$packed" -C build/cases
fi
[ -d "$cases" ] || { cases=; echo "$packed is not here: only Debian's conformance data"; }
[ -d "$debian" ] || { debian=; echo "libonnx-testdata is not installed"; }

# conform NAME PROGRAM FLAGS DIR...    (the expectations differ between the two sets)
conform() {
    name=$1 program=$2 flags=$3
    shift 3
    [ $# -gt 0 ] || { skip "$name: no conformance data"; return; }
    set_of=$([ "${1#/usr}" = "$1" ] || echo -debian)
    # shellcheck disable=SC2086
    count "$name" $program verify "$@" --quiet --xfail tests/data/xfail$set_of.txt $flags
}

# The tests of what differs by processor: kernels and engine, and the files of tests that
# train and convert with them.  Formats and commands are the same C everywhere; under an
# emulator each command takes long, and a cross build lacks zlib and jansson.
arithmetic_tests() {
    files=$(grep -LE '#include "(formats|tools|bench|tests/(dataset|write|onnx|segment|store|train_kit))|qn_quern\(' tests/test_*.c)
    for name in blocked_moves grad_rows head nets panels trainer; do
        files="$files tests/test_$name.c"
    done
    # shellcheck disable=SC2086
    sed -n 's/^void test_\([a-z0-9_]*\)(qn_test \*t)$/\1/p' $files |
        grep -vE '^(hostile|bad|synth|measure|labels|regex|transpose|slice|pad)_|_memory$|^(nets_sizes|nets_inputs|segment_seams|trainer_(threads|resumes|accumulates)|split_and_concat|graph_sorts_long_chain|dynamics_(threads|back))$'
    # (bytes, counting, texts, sizes, moves and doubles: the same C, slow under an emulator)
    # each kernel of this processor against double
    printf '%s\n' bench_rows_convolve bench_rows_multiply bench_rows_map
}

for stage in ${*:-release asan cross}; do
    case $stage in
    release)
        build release || continue
        count "unit, release" build/tests/quern-test -j "$jobs"
        conform "ONNX 1.12, release" build/quern "--expect tests/data/coverage-debian.txt" \
            ${debian:+"$debian"}
        conform "newest ONNX, release" build/quern "--expect tests/data/coverage.txt" \
            ${cases:+"$cases"}
        ;;
    asan)
        build asan BUILD=asan || continue
        d=build/native-asan
        export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
        export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.txt:print_suppressions=0
        count "unit, sanitizers" $d/tests/quern-test -j "$jobs"
        node=$cases
        [ -n "$node" ] || node=$debian
        conform "node, sanitizers" $d/quern "--threads 2" ${node:+"$node/node"} \
            ${node:+"$node/simple"}
        unset ASAN_OPTIONS LSAN_OPTIONS
        ;;
    cross)
        cross=aarch64-linux-gnu-
        if ! command -v ${cross}gcc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
            skip "no AArch64 compiler or no qemu-user: cross build not tested"
            continue
        fi
        build "AArch64" CROSS=$cross || continue
        run="qemu-aarch64 -L /usr/aarch64-linux-gnu"
        d=build/${cross}release
        # shellcheck disable=SC2046,SC2086
        count "unit, AArch64" env QUERN_RUN="$run" $run $d/tests/quern-test -j "$jobs" \
            $(arithmetic_tests)
        node=$cases
        [ -n "$node" ] || node=$debian
        conform "node, AArch64" "$run $d/quern" "" ${node:+"$node/node"}
        ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
