#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/names.sh - file names are unique, sources open with their licence and their
# role, every test function has its row, exported names begin with quern_ or qn_.
cd "$(dirname "$0")/../.." || exit 2
fails=0
fail() { echo "$*"; fails=1; }
for name in $(git ls-files '*.c' '*.h' '*.def' | sed 's|.*/||' | sort | uniq -d); do
    fail "two files have one name:" $(git ls-files "*/$name")
done
git ls-files '*.c' '*.h' | xargs awk '
    FNR == 1 && $0 != "/* SPDX-License-Identifier: Apache-2.0 */" {
        print FILENAME ":1: the first line is not the licence"
    }
    FNR == 2 {
        name = FILENAME
        sub(/.*\//, "", name)
        said = $2
        sub(/.*\//, "", said)
        if ($1 != "/*" || said != name || $3 != "-")
            print FILENAME ":2: the second line does not name the file and say its role"
        nextfile
    }' | grep . && fails=1
for f in $(git ls-files '*.sh' .ci/run); do
    sed -n 2p "$f" | grep -q '^# SPDX-License-Identifier: Apache-2.0$' ||
        fail "$f:2: the second line is not the licence"
    [ -x "$f" ] || fail "$f: is not executable"
done
for d in $(git ls-files '*.def'); do
    grep -hoE '^QN_[A-Z]+\([^)]*\)' "$d" | sort | uniq -d | while read -r row; do
        echo "$d: twice: $row"
    done | grep . && fails=1
done
if [ -f tests/tests.def ]; then
    diff <(sed -n 's/^QN_TEST(\(.*\))/\1/p' tests/tests.def | sort -u) \
        <(sed -n 's/^void test_\([a-z0-9_]*\)(qn_test \*t)$/\1/p' tests/*.c | sort) |
        sed -n 's/^< /tests.def: no function test_/p; s/^> /tests.def: no row for test_/p' |
        grep . && fails=1
fi
if [ -f build/libquern.a ] && command -v nm >/dev/null; then
    for s in $(nm -g --defined-only build/libquern.a 2>/dev/null |
        awk 'NF == 3 && $3 !~ /^(quern_|qn_|stbi_)/ { print $3 }' | sort -u); do
        fail "exported without quern_ or qn_: $s"
    done
    for s in $(nm -D --defined-only build/libquern.so.0 2>/dev/null |
        awk '$2 ~ /[A-Z]/ && $3 !~ /^(quern_|_init|_fini)/ { print $3 }'); do
        fail "libquern.so exports $s"
    done
fi
exit $fails
