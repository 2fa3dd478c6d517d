#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/licences.sh - what of other people's is in quern, from docs/deps.lock.
#
#     tools/licences.sh notice             the file NOTICE, to stdout
#     tools/licences.sh spdx [BUILD]       an SPDX 2.3 document in JSON, to stdout
#     tools/licences.sh check [BUILD]      NOTICE is up to date; what is linked is listed
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C
lock=docs/deps.lock
build=${2:-build}
rows() { grep -v '^#' $lock; }

notice() {
    cat <<'TEXT'
quern
Copyright the quern authors
Licensed under the Apache License, Version 2.0 (see LICENSE).

Nothing of other people's is copied into this repository.  What quern uses comes from the
system's packages, unmodified.  This file is made from docs/deps.lock.
TEXT
    printf '\nPart of what is installed, where the library is there:\n'
    rows | awk -F'|' '
        BEGIN { how["linked"] = "linked"; how["compiled"] = "compiled in from its header"
                how["opened"] = "opened while running"; how["fonts"] = "fonts of the system" }
        $4 != "data" {
            place = $4 == "plugin" ? "by the plug-in " $5 " alone" : how[$4]
            printf "\n%s (%s)\n  Copyright (c) %s, %s\n  %s: %s\n", $1, $3, $8, $9, place, $10
        }'
    printf '\nUsed by the tests and the demo only, never part of what is installed:\n'
    rows | awk -F'|' '$4 == "data" {
        printf "\n%s (%s)\n  Copyright (c) %s, %s\n  %s\n", $1, $3, $8, $9, $10 }'
    cat <<'TEXT'

The network of the tests was trained by quern on Fashion-MNIST: quern train DATA --arch
fast16 --epochs 8 --seed 2 --threads 1 --classes NAMES (92.41 % of the test pictures).
The ONNX format and its operator definitions are the work of the ONNX Project Contributors
(Apache-2.0); quern follows the text of the standard and holds none of its code.
TEXT
}

# The version that this machine has, else the one of the lock file.
version_of() {
    local found
    found=$([ "$1" = - ] || pkg-config --modversion "$1" 2>/dev/null)
    [ -z "$found" ] || [ "$found" = 0.0 ] && found=$2
    echo "$found"
}

# A licence that SPDX's list lacks is spelled as a reference of our own.
spdx() {
    local when commit own refs=
    when=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}" +%Y-%m-%dT%H:%M:%SZ)
    commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    own=$(sed -n 's/^.define QUERN_VERSION "\(.*\)"/\1/p' engine/quern.h)
    cat <<TEXT
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "quern-$own",
  "documentNamespace": "https://spdx.org/spdxdocs/quern-$own-$commit",
  "creationInfo": {"created": "$when", "creators": ["Tool: quern-licences-$own"]},
  "packages": [
    {"SPDXID": "SPDXRef-quern", "name": "quern", "versionInfo": "$own", "downloadLocation": "NOASSERTION", "filesAnalyzed": false, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "the quern authors", "primaryPackagePurpose": "APPLICATION", "comment": "built from commit $commit"}
TEXT
    while IFS='|' read -r name version licence how _ file package copyright source purpose; do
        id=SPDXRef-$(echo "$name" | tr -c 'A-Za-z0-9\n' -)
        version=$(version_of "$package" "$version")
        sum=
        if [ "$how" = compiled ]; then
            header=$(find /usr/include/stb -name "$file" 2>/dev/null | head -n 1)
            [ -z "$header" ] || sum=", \"checksums\": [{\"algorithm\": \"SHA256\", \"checksumValue\": \"$(sha256sum <"$header" | cut -d' ' -f1)\"}]"
        fi
        printf '    ,{"SPDXID": "%s", "name": "%s", "versionInfo": "%s", "downloadLocation": "%s", "filesAnalyzed": false, "licenseConcluded": "%s", "licenseDeclared": "%s", "copyrightText": "%s", "primaryPackagePurpose": "LIBRARY", "comment": "%s: %s"%s}\n' \
            "$id" "$name" "$version" "$source" "$licence" "$licence" "$copyright" "$how" "$purpose" "$sum"
        case $how in
        linked) kind=DYNAMIC_LINK ;;
        compiled) kind=CONTAINS ;;
        *) kind=OPTIONAL_DEPENDENCY_OF ;;
        esac
        if [ $kind = OPTIONAL_DEPENDENCY_OF ]; then from=$id to=SPDXRef-quern; else from=SPDXRef-quern to=$id; fi
        refs="$refs    ,{\"spdxElementId\": \"$from\", \"relationshipType\": \"$kind\", \"relatedSpdxElement\": \"$to\"}
"
    done < <(rows | awk -F'|' '$4 != "data"')
    printf '  ],\n  "relationships": [\n    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-quern"}\n%s  ]\n}\n' "$refs"
}

# Each NEEDED of what is built has a row that names that file.
check_linked() {
    local bad=0 file needed patterns
    for file in "$build/quern" "$build"/libquern.so.0 "$build"/quern-*.so; do
        [ -f "$file" ] || continue
        for needed in $(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
            patterns=$(rows | awk -F'|' -v n="$needed" '{ k = split($6, p, " "); for (i = 1; i <= k; i++) if (p[i] == n) print $5 }')
            hit=
            for p in $patterns; do
                # shellcheck disable=SC2254
                case ${file##*/} in $p) hit=1 ;; esac
            done
            [ -n "$hit" ] || { echo "$file needs $needed, which $lock does not say"; bad=1; }
        done
    done
    return $bad
}

case $1 in
notice) notice ;;
spdx) spdx ;;
check)
    status=0
    diff -u NOTICE <(notice) || { echo "NOTICE is not what $lock says: tools/licences.sh notice > NOTICE"; status=1; }
    awk -F'|' -v f=$lock '!/^#/ && NF != 10 { print f ":" NR ": " NF " fields, not 10"; bad = 1 } END { exit bad }' $lock || status=1
    if command -v readelf >/dev/null; then check_linked || status=1; fi
    exit $status
    ;;
*)
    sed -n '4,7p' "$0"
    exit 2
    ;;
esac
