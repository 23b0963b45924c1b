#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the fuzzer has found interesting in heads and evidence of state files, and
# good ones, with bits flipped: nothing crashes, and what is believed is sound.

. "$(dirname "$0")/functions.sh"

collect fuzz-state corpus-state.tar.xz 4
"$program" "${files[@]}"
"$program" --edit "$scratch"/inputs/seed-0[01]
echo "${#files[@]} files"

# It would notice: a head in which two disks may have the same name.
plant logic/state-file.c \
  's/|| state_find (head, entry->text) != (int)i))/|| false))/'
build_planted "$top_srcdir"/tests/fuzz/fuzz-{files,state,state-main}.c \
  "$planted"/logic/*.c
must_notice --edit "$scratch"/inputs/seed-0[01]
