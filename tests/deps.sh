#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/deps.sh - installs what is missing through apt.  `core` is what building and the
# demo need, `all` adds what the tests and checks need.  With everything there it asks
# nobody: no root, no network.
#
#     tests/deps.sh core|all [--print]
cd "$(dirname "$0")/.." || exit 2

core="gcc libc6-dev make pkg-config zlib1g-dev libjansson-dev libstb-dev libopenblas0-pthread
dataset-fashion-mnist"
tests="libcairo2-dev libzstd-dev libbrotli-dev libarchive-dev libtiff-dev fonts-dejavu-core poppler-utils g++ git xz-utils libonnx-testdata cppcheck qemu-user gcc-aarch64-linux-gnu
libc6-dev-arm64-cross"

# The clang tools the house is formatted for, else the oldest that apt knows.
clang_tools() {
    v=14
    for k in 14 15 16 17 18 19; do
        apt-cache show clang-$k >/dev/null 2>&1 && v=$k && break
    done
    echo clang-$v clang-tidy-$v clang-format-$v libclang-rt-$v-dev llvm-$v
}
wanted() { [ "$1" = all ] && echo $core $tests "$(clang_tools)" || echo $core; }
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    command -v "${QCC:-gcc}" >/dev/null && exit 0
    echo "deps: this system has no apt; please install a C compiler, make, pkg-config and," \
        "if you like, zlib, jansson, stb and OpenBLAS" >&2
    exit 1
fi
[ "$2" = --print ] && { wanted "$1"; exit 0; }
missing() {
    for p in $(wanted "$1"); do
        installed "$p" || echo "$p"
    done
}
missing=$(missing "$1")
[ -z "$missing" ] && exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "deps: please install as root:" $missing >&2; exit 1; }
    sudo="sudo"
fi
echo "deps: installing" $missing >&2
apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends "$@" >&2; }
# shellcheck disable=SC2086
apt install $missing && exit 0
apt update
missing=$(missing "$1") # the lists may have been empty before
# shellcheck disable=SC2086
apt install $missing && exit 0
# One package that this release does not have must not keep out the others.
for p in $missing; do
    apt install "$p" || echo "deps: $p cannot be installed here; doing without" >&2
done
for p in gcc make; do
    command -v $p >/dev/null || { echo "deps: nothing can be built without $p" >&2; exit 1; }
done
