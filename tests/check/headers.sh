#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/headers.sh - every header compiles alone and has the guard its path says;
# quern.h compiles as C++, too.  kernels/tmpl/ holds bodies, not headers.
cd "$(dirname "$0")/../.." || exit 2
rooms=$(ls -d kernels engine formats tools bench tests 2>/dev/null)
fails=0
cc=${QCC:-gcc}
cc=${cc#ccache }
flags=$(make -s flags)
for h in $(find $rooms -name '*.h' ! -path '*/tmpl/*'); do
    grep -q '^#include "kernels/\(x86\|arm\)\|<immintrin.h>\|<arm_neon.h>' "$h" && continue
    # shellcheck disable=SC2086
    echo "#include \"$h\"" | $cc $flags -Werror -fsyntax-only -x c - ||
        { echo "$h: does not compile alone"; fails=1; }
    guard=QN_$(echo "${h%.h}_H" | tr 'a-z/' 'A-Z_')
    [ "$h" = engine/quern.h ] && guard=QUERN_H
    grep -q "^#ifndef $guard\$" "$h" || { echo "$h: the guard is not $guard"; fails=1; }
done
for cxx in g++ clang++-14 clang++; do
    command -v $cxx >/dev/null || continue
    echo '#include "engine/quern.h"' |
        $cxx -std=c++17 -Wall -Wextra -Werror -I. -fsyntax-only -x c++ - ||
        { echo "engine/quern.h: does not compile as C++ ($cxx)"; fails=1; }
done
exit $fails
