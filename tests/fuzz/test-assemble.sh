#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Arrays that create makes, those of the fixtures, and what the fuzzer has
# found interesting, each with some changes: none is started that must not be,
# and what is started keeps its promises.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
program=$top_builddir/tests/fuzz/fuzz-assemble

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
command -v xz >/dev/null || { echo "xz is not installed"; exit 77; }
mkdir "$scratch/inputs"
"$program" --make "$scratch/inputs"
tar -C "$scratch/inputs" -xJf "$top_srcdir/tests/fuzz/corpus-assemble.tar.xz"

for fixture in "$top_srcdir"/tests/fixtures/md/*/; do
  images=()
  for image in "$fixture"m*.img.xz; do
    images+=("$scratch/$(basename "$image" .xz)")
    xz -dc "$image" >"${images[-1]}"
  done
  "$program" --from "$scratch/inputs/$(basename "$fixture")" "${images[@]}"
done
files=("$scratch/inputs"/*)
[ "${#files[@]}" -gt 100 ] || { echo "the corpus is empty"; exit 1; }
"$program" --mutants "${LONG:+50}" "${files[@]}"
echo "${#files[@]} files"

# It would notice: a rebuild that copies nothing leaves copies that differ.
mkdir "$scratch/planted"
cp -r "$top_srcdir/lib" "$scratch/planted"
sed -i 's/= is_missed (/= !is_missed (/' \
  "$scratch/planted/lib/engine/sync/rebuild.c"
if cmp -s "$top_srcdir/lib/engine/sync/rebuild.c" \
    "$scratch/planted/lib/engine/sync/rebuild.c"; then
  echo "the bug was not planted"
  exit 1
fi
# shellcheck disable=SC2086  # CC may be two words
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I"$scratch/planted/lib" \
  -I"$top_srcdir/tests/sim" -o "$scratch/planted/fuzz" \
  "$top_srcdir"/tests/fuzz/fuzz-{assemble,assemble-main,assemble-mutate}.c \
  "$top_srcdir"/tests/fuzz/fuzz-{image,leg}.c \
  "$top_srcdir"/tests/sim/{ground-sim,sim-fiber,sim-world}.c \
  "$scratch/planted"/lib/engine/{array,io,life,record,sync}/*.c \
  "$scratch/planted"/lib/{members,logic}/*.c \
  "$scratch/planted"/lib/legs/leg.c \
  "$scratch/planted"/lib/ground/{log,text,worker}.c
if (ulimit -c 0; "$scratch/planted/fuzz" "${files[@]}") 2>/dev/null; then
  echo "the target is blind: it did not see a planted bug"
  exit 1
fi
