#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/format.sh - clang-format 14 would change nothing (.def files are tables and
# exempt).  Other versions format differently, so only this one is asked.
cd "$(dirname "$0")/../.." || exit 2
if ! command -v clang-format-14 >/dev/null; then
    echo "clang-format-14 is not installed: formatting not checked" >&2
    exit 0
fi
bad=$(git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run 2>&1 | sed -n 's/^\([^:]*\):[0-9].*/\1/p' | sort | uniq -c)
[ -z "$bad" ] && exit 0
echo "clang-format-14 -i would change (places, file):"
echo "$bad"
exit 1
