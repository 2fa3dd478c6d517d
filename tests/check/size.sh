#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/size.sh - a file has at most 600 lines, a function 80, a kernel 150.
cd "$(dirname "$0")/../.." || exit 2
rooms=$(ls -d kernels engine formats tools bench tests 2>/dev/null)
find $rooms \( -name '*.[ch]' -o -name '*.sh' \) -print0 |
    sort -z | xargs -0 awk '
    FNR == 1 { file = FILENAME; n_files++; depth = 0 }
    { lines[FILENAME] = FNR }
    /^{/ && FILENAME ~ /\.[ch]$/ { from = FNR; name = before; next }
    /^}/ && from {
        n = FNR - from + 1
        size[++k] = n
        limit = FILENAME ~ /^kernels\// ? 150 : 80
        if (n > limit) { printf "%s:%d: %d lines, at most %d: %s\n", FILENAME, from, n, limit, name; bad = 1 }
        if (n > longest) { longest = n; which = FILENAME ": " name }
        from = 0
    }
    /^[a-zA-Z].*\(/ { before = $0 }
    END {
        for (f in lines) {
            if (lines[f] > 600) { printf "%s: %d lines, at most 600\n", f, lines[f]; bad = 1 }
            if (lines[f] > max) { max = lines[f]; big = f }
            total += lines[f]
        }
        for (i = 1; i <= k; i++) count[size[i]]++
        for (n = 0; n <= longest; n++) {
            seen += count[n]
            if (!median && seen * 2 >= k) median = n
            if (!p90 && seen * 10 >= k * 9) p90 = n
        }
        printf "%d lines in %d files, largest %s (%d); %d functions, median %d, p90 %d, longest %d (%s)\n",
            total, n_files, big, max, k, median, p90, longest, which > "/dev/stderr"
        exit bad
    }'
