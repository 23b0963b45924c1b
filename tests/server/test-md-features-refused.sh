#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Members with features that are not understood, or that change where data is,
# are refused, to readers, too, and nothing is written.

. "$(dirname "$0")/functions.sh"

# feature BIT PATTERN
feature ()
{
  rm -f a.img b.img
  md_array a.img b.img
  python "$1" <<'END'
from mdtest import *
import sys

for disk in "a.img", "b.img":
    set_features(disk, int(sys.argv[1], 0))
END
  before=$(sums a.img b.img)
  refused "disk $dir/a.img: feature_map .*$2" a.img b.img
  refused "disk $dir/a.img: feature_map .*$2" -r a.img b.img
  test "$(sums a.img b.img)" = "$before"
}

feature 0x4 "reshape"
feature 0x40 "data offset"
feature 0x100 "cluster"
feature 0x200 "journal"
feature 0x400 "partial parity"
feature 0x10000 "unknown feature 0x10000, made by newer software"
