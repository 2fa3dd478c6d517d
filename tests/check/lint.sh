#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/lint.sh - what other compilers and analysers say: clang's warnings, cppcheck
# and clang-tidy, each when it is installed.  A file that was clean is looked at again only
# when it, a header or a check has changed.
#
#     tests/check/lint.sh clang|cppcheck|tidy      (details of tidy: build/lint/*.log)
cd "$(dirname "$0")/../.." || exit 2
rooms=$(ls -d kernels engine formats tools bench tests 2>/dev/null | tr '\n' ' ')
jobs=$(nproc 2>/dev/null || echo 2)
cache=${O:-build}/lint
mkdir -p "$cache"
newest() { for t in "$1-14" "$1-16" "$1-15" "$1"; do command -v "$t" && return; done; }
sources() { # tidy leaves out the tests: they may be terse
    [ "$stage" = tidy ] && dirs=${rooms/tests /} || dirs=$rooms
    find $dirs -name '*.c' ! -path '*/arm/*' | sort |
        { pkg-config --exists cairo && cat || grep -v draw_cairo; }
}
cpp=$(make -s flags | tr ' ' '\n' | grep -E '^-(D|I|isystem|/)|^/' | grep -v FORTIFY | tr '\n' ' ')
isa() {
    case $1 in *_avx2.c) echo -mavx2 -mfma -mf16c ;; *_avx512*.c) echo -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mavx512vnni ;; esac
}
# each NAME COMMAND...: the command on every source that has changed since it was clean.
each() {
    stage=$1
    shift
    base=$(cat $(find $rooms -name '*.h' -o -name '*.def') "$0" .clang-tidy 2>/dev/null |
        sha256sum | cut -c1-16)
    export -f isa one
    export stage base cache cpp tool
    sources | xargs -P "$jobs" -I{} bash -c 'one "$@"' one {} "$@"
}
one() {
    f=$1
    shift
    key=$cache/$stage-$(echo "$f" | tr / _)
    sum="$base $(sha256sum <"$f")"
    [ "$(cat "$key" 2>/dev/null)" = "$sum" ] && return 0
    out=$("$@" "$f" 2>&1) && { echo "$sum" >"$key"; return 0; }
    echo "$out"
    return 1
}
lint_clang() {
    # shellcheck disable=SC2046,SC2086
    "$tool" -std=c11 -D_POSIX_C_SOURCE=200809L $cpp $(isa "$1") -fsyntax-only -Wall -Wextra -Wshadow \
        -Wstrict-prototypes -Wmissing-prototypes -Wmissing-variable-declarations -Wvla -Wundef \
        -Wpointer-arith -Wformat=2 -Wunreachable-code -Werror "$1"
}
lint_tidy() {
    # shellcheck disable=SC2046,SC2086
    out=$("$tool" --quiet --warnings-as-errors='*' "$1" -- -std=c11 -D_POSIX_C_SOURCE=200809L $cpp \
        $(isa "$1") 2>/dev/null) && return 0
    echo "$out" >"$cache/tidy-$(echo "$1" | tr / _).log" # with the way that leads there
    echo "$out" | grep -E 'error:|warning:'
    return 1
}
export -f lint_clang lint_tidy
case $1 in
clang)
    tool=$(newest clang)
    [ -n "$tool" ] || { echo "clang is not installed: its warnings not seen" >&2; exit 0; }
    each clang lint_clang
    ;;
tidy)
    tool=$(newest clang-tidy)
    [ -n "$tool" ] || { echo "clang-tidy is not installed: not run" >&2; exit 0; }
    each tidy lint_tidy
    ;;
cppcheck)
    command -v cppcheck >/dev/null || { echo "cppcheck is not installed: not run" >&2; exit 0; }
    mkdir -p "$cache/cppcheck"
    # uninitvar: clang's analyser follows loops, cppcheck gives false alarms here
    # invalidPointerCast: scratch memory is bytes that hold floats
    # invalidFunctionArg: it does not see that a sum of exponentials is above 0
    # overlappingWriteFunction, comparePointers: floats beside each other, symbols of a linker
    # internalAstError: (struct){0} after a question mark;  autoVariables: it stays in main
    # shellcheck disable=SC2086
    cppcheck --std=c11 --enable=warning,portability --inline-suppr --quiet --error-exitcode=1 \
        --cppcheck-build-dir="$cache/cppcheck" -j "$jobs" -I. -D__x86_64__ -D__GNUC__ \
        -D__BYTE_ORDER__=1234 -D__ORDER_LITTLE_ENDIAN__=1234 -DUINTPTR_MAX=0xffffffffffffffff \
        --suppress=uninitvar --suppress=invalidPointerCast --suppress=arrayIndexThenCheck \
        --suppress=invalidFunctionArg --suppress=overlappingWriteFunction \
        --suppress=comparePointers --suppress=internalAstError --suppress=autoVariables \
        --suppress=missingIncludeSystem --suppress=unmatchedSuppression \
        ${rooms/tests /}
    ;;
esac
