#!/usr/bin/env bash
# No unfinished business, no package registries, no path of one person's machine in tracked files, and
# no secret compared in a time that tells of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
git rev-parse --is-inside-work-tree >/dev/null

breaches=0
# refuse REMEDY PATTERN [PATHSPEC...]: no tracked text file may match the pattern.
refuse() {
    local remedy=$1 pattern=$2 found
    shift 2
    if found=$(git grep -nIE "$pattern" -- . ':!tests/tidy/check_words.sh' "$@"); then
        printf '%s\n  remedy: %s\n' "$found" "$remedy"
        breaches=$((breaches + $(wc -l <<<"$found")))
    fi
}

refuse 'do it now, or say in ARCHITECTURE.md what is not built' '\b(TODO|FIXME|XXX|HACK)\b'
refuse 'take it from Debian; jars come through tools/kafka/pom.xml and the local Maven set-up' \
    '(pypi\.org|pythonhosted\.org|registry\.npmjs\.org|crates\.io|rubygems\.org|proxy\.golang\.org|repo1?\.maven\.org|repo\.maven\.apache\.org|conan\.io|vcpkg\.io)'
refuse 'use a path relative to the checkout, an option, or a fresh folder of mktemp' \
    '(^|[^A-Za-z0-9_.$}/-])/(home|root|Users|work|mnt|media)/[A-Za-z0-9_.]'
refuse 'compare secrets with bus::crypto::equal_constant_time' \
    '\b((presented|expected|secret|signature|mac)(\.value)?(\[[a-z]+\])?|(->|\.|\b)(token_|key_|)hash_?|hash_hex\([a-z_]+\)) [=!]= [^"0-9]' \
    ':!bus' ':!consumers' ':!projections' ':!schemas' ':!tests' ':!tools' ':!*.md'

echo "breaches=$breaches"
[ "$breaches" -eq 0 ]
