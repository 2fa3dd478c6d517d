#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/all.sh - `make check`: every rule that a program can hold us to.
#
#     tests/check/all.sh [STAGE]...
cd "$(dirname "$0")/../.." || exit 2
# The analysers take many minutes: they run in make test-long, or when asked for by
# ANALYSE=1.
quick="build layering headers size format names words"
[ -n "$ANALYSE" ] && quick="$quick clang cppcheck tidy"
stages=${*:-$quick}
fails=0
for stage in $stages; do
    from=$(date +%s)
    case $stage in
    build) out=$(make -s -j"$(nproc)" EXTRA=-Werror all 2>&1 | grep -vE '^  (CC|LD)'; exit "${PIPESTATUS[0]}") ;;
    clang | cppcheck | tidy) out=$(tests/check/lint.sh $stage 2>&1) ;;
    *) out=$("tests/check/$stage.sh" 2>&1) ;;
    esac
    code=$?
    word=ok
    [ $code -eq 0 ] || { word=FAIL; fails=$((fails + 1)); }
    printf '%-4s %-9s %3d s' $word "$stage" $(($(date +%s) - from))
    case $out in
    '') echo ;;
    *$'\n'*) echo; echo "$out" | head -n 60 | sed 's/^/    /' ;;
    *) echo "  $out" ;;
    esac
done
[ $fails -eq 0 ] && echo "make check: all is well" || echo "make check: $fails stages failed"
exit $((fails > 0))
