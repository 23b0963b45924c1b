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
for degraded in degraded=yes degraded=wait:0 degraded=wait:1; do
  rm -f mirror.messages
  serve_mirror a.img b.img $degraded
  said 1 "DEGRADED: 1 of 2 slots"
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
