#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/words.sh - no path of somebody's machine, no note to self, and messages that
# follow the house: lower case, no full stop.
cd "$(dirname "$0")/../.." || exit 2
fails=0
files=$(git ls-files | grep -vE '^(LICENSE|tests/check/words\.sh)$|\.(onnx|pb|npy|npz|png|jpg|gz|xz|bin|svg)$')
# shellcheck disable=SC2086
{
    grep -nIE '(^|[^[:alnum:]._-])/(work|root|home/[a-z]+|Users)(/|$|[^[:alnum:]])|/tmp/w[t/]' $files && fails=1
    grep -nIwE 'TODO|FIXME|XXX|HACK' $files && fails=1
    grep -nIE '[[:space:]]+$' $(printf '%s\n' $files | grep -E '\.([ch]|sh|def)$|Makefile') && fails=1
}
# qn_fail(err, STATUS, "Sentence.") on one line; the first word may be an acronym.
grep -rnE 'qn_fail\([^"]*"([A-Z][a-z]+ |[^"]*[a-z]\.")' --include='*.c' kernels engine formats tools 2>/dev/null |
    grep -vE '"(Einsum|Gemm|Conv) ' && { echo "messages are lower case and end without a full stop"; fails=1; }
exit $fails
