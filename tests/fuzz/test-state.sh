#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the fuzzer has found interesting in heads and evidence of state files, and
# good ones, with bits flipped: nothing crashes, and what is believed is sound.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
program=$top_builddir/tests/fuzz/fuzz-state

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$program" --make "$scratch"
command -v xz >/dev/null || { echo "xz is not installed"; exit 77; }
tar -C "$scratch" -xJf "$top_srcdir/tests/fuzz/corpus-state.tar.xz"
files=("$scratch"/*)
[ "${#files[@]}" -gt 4 ] || { echo "the corpus is empty"; exit 1; }
"$program" "${files[@]}"
"$program" --edit "$scratch"/seed-0[01]
echo "${#files[@]} files"

# It would notice: a head in which two disks may have the same name.
mkdir "$scratch/planted"
cp -r "$top_srcdir/lib" "$scratch/planted"
sed -i 's/|| state_find (head, entry->text) != (int)i))/|| false))/' \
  "$scratch/planted/lib/logic/state-file.c"
if cmp -s "$top_srcdir/lib/logic/state-file.c" \
    "$scratch/planted/lib/logic/state-file.c"; then
  echo "the bug was not planted"
  exit 1
fi
# shellcheck disable=SC2086  # CC may be two words
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I"$scratch/planted/lib" \
  -o "$scratch/planted/fuzz" \
  "$top_srcdir"/tests/fuzz/fuzz-state{,-main}.c "$scratch/planted"/lib/logic/*.c
if (ulimit -c 0; "$scratch/planted/fuzz" --edit "$scratch"/seed-0[01]) 2>/dev/null; then
  echo "the target is blind: it did not see a planted bug"
  exit 1
fi
