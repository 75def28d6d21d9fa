#!/usr/bin/env bash
# What the built program carries against mistakes in memory (cmake/Component.cmake), read from its own headers:
#   check_hardening.sh PROGRAM [ARCHIVE...]
# ARCHIVEs are of our own objects: the program holds RocksDB's too, which Debian has hardened.
set -euo pipefail
program=$1
shift
missing=0
headers=$(readelf -W --file-header --program-headers --dynamic "$program" 2>/dev/null)
# must WHAT PATTERN, must_not WHAT PATTERN: a line of the headers matches, none does.
must() { grep -qE "$2" <<<"$headers" || { echo "missing: $1"; missing=$((missing + 1)); }; }
must_not() { ! grep -qE "$2" <<<"$headers" || { echo "there is $1"; missing=$((missing + 1)); }; }

must 'a random place in memory (PIE)' 'Type: +DYN'
must 'a random place in memory (PIE)' 'FLAGS_1\).*PIE'
must 'tables of functions that cannot be written (RELRO)' '^ *GNU_RELRO '
must 'all functions found before the start (BIND_NOW)' 'BIND_NOW|FLAGS_1\).*NOW'
must 'no code on the stack (NX)' '^ *GNU_STACK .* RW +0x'
must_not 'a part that may be both written and run' '^ *LOAD .* RWE '
must_not 'a search for libraries outside the system folders' '\((RPATH|RUNPATH)\)'

if [ $# -gt 0 ]; then
    calls=$(nm -u "$@" 2>/dev/null)
    grep -q '__stack_chk_fail' <<<"$calls" || { echo 'missing: canaries (stack protector)'; missing=$((missing + 1)); }
    grep -qE '__(mem|str|recv|read|pread|[a-z]*printf)[a-z]*_chk' <<<"$calls" ||
        { echo 'missing: calls with bounds (FORTIFY_SOURCE)'; missing=$((missing + 1)); }
fi

echo "missing=$missing"
[ "$missing" -eq 0 ]
