#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/repro.sh - built twice, in folders of other names and lengths, at other times,
# in another language, zone and order, the same sources give the same bytes: quern, both
# libraries, the plug-ins, and what is made of tables.
#
#     tests/check/repro.sh [FOLDER]      where to build; a temporary one without it
#
# It compiles everything twice, without a cache, and is a stage of make test-long.
cd "$(dirname "$0")/../.." || exit 2
work=${1:-$(mktemp -d)}
mkdir -p "$work" || exit 2
[ -n "$1" ] || trap 'rm -rf "$work"' EXIT
jobs=$(nproc 2>/dev/null || echo 2)
cc=${QCC:-gcc}
cc=${cc#ccache }
export CCACHE_DISABLE=1

first=$work/a second=$work/a-much/longer/name
for place in "$first" "$second"; do # now, lest a file changes in between
    mkdir -p "$place" && git ls-files -z | xargs -0 cp --parents -t "$place" || exit 2
done

# build PLACE O JOBS
build() {
    make -s -C "$1" -j"$3" O="$2" QCC="$cc" all "$2/quern.pc" "$2/quern.spdx.json" \
        >"$work/log" 2>&1 && return 0
    tail -n 20 "$work/log"
    return 1
}
(umask 022; LC_ALL=C TZ=UTC build "$first" build "$jobs") ||
    { echo "the first build failed"; exit 1; }
(umask 077; LC_ALL=C.UTF-8 TZ=Asia/Tokyo build "$second" out/b $((jobs + 1))) ||
    { echo "the second build failed"; exit 1; }

fails=0 n=0
for file in "$first"/build/quern "$first"/build/*.so* "$first"/build/libquern.a \
    "$first"/build/quern-controls "$first"/build/quern.pc "$first"/build/quern.spdx.json \
    "$first"/build/tests/quern-test; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    n=$((n + 1))
    other=$second/out/b/${file#"$first"/build/}
    cmp -s "$file" "$other" && continue
    echo "${file#"$first"/build/} differs: $(cmp "$file" "$other" 2>&1 | sed 's/.*differ: //')"
    fails=1
done
for place in "$first" "$second"; do
    grep -lF "$place" "$place"/*/quern "$place"/*/*/quern "$place"/*/*.so* 2>/dev/null |
        while read -r file; do echo "$file holds the name of the folder it was built in"; done |
        grep . && fails=1
done
[ "$n" -ge 5 ] || { echo "only $n files to compare"; fails=1; }
[ $fails -eq 0 ] && echo "$n files, the same bytes in both"
exit $fails
