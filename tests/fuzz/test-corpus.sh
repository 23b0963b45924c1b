#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the fuzzer has found interesting, and what create makes, with every bit
# of the heads flipped: nothing crashes, and what is believed is sound.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
program=$top_builddir/tests/fuzz/fuzz-metadata

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$program" --make "$scratch"
command -v xz >/dev/null || { echo "xz is not installed"; exit 77; }
tar -C "$scratch" -xJf "$top_srcdir/tests/fuzz/corpus.tar.xz"
files=("$scratch"/*)
[ "${#files[@]}" -gt 12 ] || { echo "the corpus is empty"; exit 1; }
"$program" "${files[@]}"
echo "${#files[@]} files"

# It would notice: a parser that believes any size makes it fail.
mkdir "$scratch/planted"
cp -r "$top_srcdir/lib" "$scratch/planted"
sed -i 's/if (sb->size > sb->data_size)/if (sb->size == 1)/' \
  "$scratch/planted/lib/logic/sb1-check.c"
if cmp -s "$top_srcdir/lib/logic/sb1-check.c" \
    "$scratch/planted/lib/logic/sb1-check.c"; then
  echo "the bug was not planted"
  exit 1
fi
# shellcheck disable=SC2086  # CC may be two words
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I"$scratch/planted/lib" \
  -o "$scratch/planted/fuzz" "$top_srcdir"/tests/fuzz/fuzz-{main,metadata}.c \
  "$scratch/planted"/lib/logic/*.c
if (ulimit -c 0; "$scratch/planted/fuzz" "${files[@]}") 2>/dev/null; then
  echo "the target is blind: it did not see a planted bug"
  exit 1
fi
