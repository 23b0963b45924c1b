#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Arrays that create makes, those of the fixtures, and what the fuzzer has
# found interesting, each with some changes: none is started that must not be,
# and what is started keeps its promises.

. "$(dirname "$0")/functions.sh"

collect fuzz-assemble corpus-assemble.tar.xz 0
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
plant engine/sync/rebuild.c 's/= is_missed (/= !is_missed (/'
build_planted -I"$top_srcdir/tests/sim" \
  "$top_srcdir"/tests/fuzz/fuzz-{assemble,assemble-main,assemble-mutate}.c \
  "$top_srcdir"/tests/fuzz/fuzz-{image,leg}.c \
  "$top_srcdir"/tests/sim/{ground-sim,sim-fiber,sim-world}.c \
  "$planted"/engine/{array,io,life,record,sync}/*.c \
  "$planted"/{members,logic}/*.c \
  "$planted"/legs/leg.c \
  "$planted"/ground/{log,text,worker}.c
must_notice "${files[@]}"
