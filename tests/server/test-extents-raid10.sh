#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Extents of raid10 come from every copy: only the second ones have data here,
# which in far layouts lie elsewhere on the disk.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_holes

# only_data LAYOUT: no part of the export is told as a hole or zeroes.
only_data ()
{
  serve_mirror 0.img 1.img 2.img level=raid10 layout="$1" chunk=64K
  python <<'END_OF_CLIENT'
from nbdtest import *

h = connect()
size = h.get_size()
at = 0
while at < size:
    for offset, length, bits in extents(h, size - at, at):
        assert bits == 0, (offset, length, bits)
        at = offset + length
END_OF_CLIENT
  stop mirror
}

# f2: the second copies are the lower half of each disk; o2: every second
# chunk.
disk 2M 0.img 1.img 2.img
for i in 0 1 2; do
  noise 1M | dd of=$i.img bs=1M iflag=fullblock seek=1 conv=notrunc \
    status=none
done
only_data f2
rm ./*.img
disk 2M 0.img 1.img 2.img
for i in 0 1 2; do
  for chunk in {1..31..2}; do
    noise 64K | dd of=$i.img bs=64K iflag=fullblock seek="$chunk" \
      conv=notrunc status=none
  done
done
only_data o2
