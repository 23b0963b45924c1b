#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A resync that is stopped half-way goes on from there with the default bitmap,
# too, whose only region is larger than the windows of a resync: the region
# keeps its bit until the last of them is done.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 8M a.img b.img
"$NBDMIRROR" create --yes --bitmap internal a.img b.img
data=$(md_data a.img)
size=$(md_field a.img array size)

# Slow enough that the stop comes in the middle, however slow we are: the
# client holds the mirror until the first part is done.
serve_mirror a.img b.img sync_max=2M
python <<END
from nbdtest import *
import time

def other(offset):
    with open("b.img", "rb") as disk:
        disk.seek($data + offset)
        return disk.read(1)

with open("a.img", "r+b") as disk:
    disk.seek($data + (1 << 20))
    disk.write(b"a")
h = connect()
# Only the resync brings it there.
while other(1 << 20) != b"a":
    time.sleep(0.02)
# Who looks is told how much is left.
assert "; resync: " in h.get_export_description(), h.get_export_description()
END
stop mirror
grep -q "resync: stopped; up to [0-9]* bytes .*left for the next start" \
  mirror.messages
reached=$(md_field a.img resync_offset_sectors)
test "$reached" -gt 0
test $((reached * 512)) -lt "$size"
md_is b.img resync_offset_sectors "$reached"

# Something in both parts that only a copy can remove.
printf junk | dd of=b.img bs=1 seek="$data" conv=notrunc status=none
printf junk | dd of=b.img bs=1 seek=$((data + size - 4096)) conv=notrunc \
  status=none
serve_mirror a.img b.img
hold_mirror
wait_until md_is b.img clean true
stop mirror
cmp -n 4096 -i $((data + size - 4096)) a.img b.img
