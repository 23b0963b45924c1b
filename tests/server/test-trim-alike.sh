#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A trim is done on every leg, which then reads as zeroes, or, where one
# cannot do it, on none: the legs stay alike.

. "$(dirname "$0")/functions.sh"
requires_filter nozero
requires_libnbd
requires_holes

random_disk 4M a.img b.img
cp a.img before

# trim_a_megabyte DISK: of a mirror of this one and b.img.
trim_a_megabyte ()
{
  serve_mirror "$1" b.img
  python <<'END'
from nbdtest import *

h = connect()
h.trim(MiB, MiB)
h.trim(MiB, MiB, nbd.CMD_FLAG_FUA)
END
  stop mirror
  cmp a.img b.img
}

serve a --filter=nozero file a.img
trim_a_megabyte "$(uri a)"
cmp a.img before
stop a

trim_a_megabyte a.img
cmp -n 1M -i 1M:0 a.img /dev/zero
cmp -n 1M a.img before
cmp -i 2M:2M a.img before
