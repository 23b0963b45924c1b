#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the fuzzer has found interesting, and what create makes, with every bit
# of the heads flipped: nothing crashes, and what is believed is sound.

. "$(dirname "$0")/functions.sh"

collect fuzz-metadata corpus.tar.xz 12
"$program" "${files[@]}"
echo "${#files[@]} files"

# It would notice: a parser that believes any size makes it fail.
plant logic/sb1-check.c 's/if (sb->size > sb->data_size)/if (sb->size == 1)/'
build_planted "$top_srcdir"/tests/fuzz/fuzz-{files,main,metadata}.c \
  "$planted"/logic/*.c
must_notice "${files[@]}"
