#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A member that is missing: degraded=no refuses to start, otherwise the mirror
# starts without it and says so.  degraded=yes does not wait for it.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

md_array a.img b.img
rm b.img
before=$(sums a.img)
WAITS=1 refused "error: degraded=no, but disk $dir/b.img: does not exist" \
  a.img b.img degraded=no
test "$(sums a.img)" = "$before"

random_disk 7M data
lacks="its disk is missing"
for degraded in degraded=yes degraded=wait:0 degraded=wait:1; do
  rm -f mirror.messages
  serve_mirror a.img b.img $degraded
  said 1 "DEGRADED: 1 of 2 slots have a disk that is in sync; slot 1: $lacks\$"
  # From now on nobody has that slot.
  lacks="no disk, and none is on record"
  if test $degraded = degraded=wait:1; then
    said 1 "^nbdkit: mirror: waiting up to 1 s (degraded=) for disk $dir/b.img: \
does not exist; check the name"
  else
    said 0 "waiting"
  fi
  client nbdinfo "$(uri mirror)" | grep "1 of 2 disks in sync"
  client nbdcopy --flush data "$(uri mirror)"
  client nbdcopy "$(uri mirror)" out
  cmp data out
  stop mirror
done
md_is a.img slots '"A."'

# Disks that are there and not in sync are named, with what they did.
rm -f ./*.img
md_array a.img b.img c.img d.img --level=raid10 --layout=n2 --chunk=64K
cp b.img old.img
serve_mirror a.img c.img d.img degraded=yes
said 1 "3 of 4 slots have a disk that is in sync; slot 1: its disk is missing\$"
client nbdcopy --flush data "$(uri mirror)"
stop mirror
lacking="slots? have a disk that is in sync; slot 1: $dir/old.img, which missed \
writes; slot 3: its disk is missing"
refused "degraded=no, but not all of the array's 4 $lacking; give the missing" \
  a.img old.img c.img degraded=no
serve_mirror old.img a.img c.img
said 1 "DEGRADED: 2 of 4 ${lacking/\?/}\$"
stop mirror
