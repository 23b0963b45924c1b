#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a member's bad block log names is never read from it, and the log stays
# as it is.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_libnbd

md_array a.img b.img
random_disk 7M data
serve_mirror a.img b.img
client nbdcopy --flush data "$(uri mirror)"
stop mirror

# Something else is there on the disk that has it bad: 3000 is 952 sectors into
# the data, and each has another range.
python <<'END'
from mdtest import *

for disk, ranges in (("a.img", [(3000, 16), (8192, 1)]),
                     ("b.img", [(5000, 512), (4999, 1)])):
    set_bad_blocks(disk, ranges)
    for start, length in ranges:
        write(disk, start * 512, b"BAD!" * 128 * length)
END
for disk in a b; do
  dd if=$disk.img bs=512 status=none count=8 \
    skip=$((8 + $(md_field $disk.img bblog_offset_sectors))) >log.$disk
done

serve_mirror a.img b.img
python <<'END'
from nbdtest import *

data = open("data", "rb").read()
h, other = connect(), connect()
bad = ((3000, 16), (8192, 1), (5000, 512), (4999, 1))
for turn in range(60):      # whichever disk is the least busy, or nearest
    for sector, count in bad:
        for at, length in ((sector, count), (sector - 3, count + 7),
                           (sector - 300, count + 700)):
            at, length = (at - 2048) * 512, length * 512
            found = (h, other)[turn % 2].pread(length, at)
            assert found == data[at:at + length], (turn, sector)
assert h.pread(len(data), 0) == data
# Writes there reach both, and are read from the other.
h.pwrite(b"new!" * 2048, (3000 - 2048) * 512)
for turn in range(60):
    assert h.pread(8192, (3000 - 2048) * 512) == b"new!" * 2048
END
stop mirror
for disk in a b; do
  dd if=$disk.img bs=512 status=none count=8 \
    skip=$((8 + $(md_field $disk.img bblog_offset_sectors))) | cmp - log.$disk
done
md_is a.img bad_blocks_sectors "[[3000, 16], [8192, 1]]"
