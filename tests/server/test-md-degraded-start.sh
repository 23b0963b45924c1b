#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A member that is missing: degraded=no refuses to start, otherwise the mirror
# starts without it and says so.  A file that is missing is not waited for.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

md_array a.img b.img
rm b.img
before=$(sums a.img)
refused "error: degraded=no, but disk $dir/b.img: does not exist" \
  a.img b.img degraded=no
test "$(sums a.img)" = "$before"

random_disk 7M data
for degraded in degraded=yes degraded=wait:86400; do
  rm -f mirror.messages
  serve_mirror a.img b.img $degraded
  said 1 "DEGRADED: 1 of 2 slots"
  said 0 "waiting"
  client nbdinfo "$(uri mirror)" | grep "1 of 2 disks in sync"
  client nbdcopy --flush data "$(uri mirror)"
  client nbdcopy "$(uri mirror)" out
  cmp data out
  stop mirror
done
md_is a.img slots '"A."'
