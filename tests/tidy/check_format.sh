#!/usr/bin/env bash
# Every tracked C++ file is laid out as .clang-format says.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v clang-format-14 >/dev/null || { echo "clang-format-14 is missing; run tools/install --tests" >&2; exit 1; }
listed=$(git ls-files '*.hpp' '*.cpp')
[ -n "$listed" ] || { echo "no tracked C++ files: run this inside the checkout" >&2; exit 1; }
if ! xargs -d '\n' -P 2 -n 40 clang-format-14 --dry-run -Werror <<<"$listed"; then
    echo "remedy: git ls-files '*.hpp' '*.cpp' | xargs clang-format-14 -i" >&2
    exit 1
fi
echo "checked=$(wc -l <<<"$listed") breaches=0"
