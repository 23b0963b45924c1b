#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The mirror stops while a disk is being rebuilt: the disk says so, it is not
# read, and the next start goes on until it is a full copy.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_libnbd

for bitmap in internal none; do
  rm -f ./*.img mirror.messages
  md_array a.img b.img --bitmap=$bitmap
  random_disk 7M data
  serve_mirror a.img
  client nbdcopy --flush data "$(uri mirror)"
  stop mirror

  # So slowly that it cannot end.
  serve_mirror a.img b.img sync_max=1K
  client nbdinfo "$(uri mirror)" | grep "1 of 2 disks in sync"
  wait_until grep "b.img .*is being rebuilt" mirror.messages
  client nbdcopy "$(uri mirror)" out
  cmp data out
  stop mirror
  said 0 "is rebuilt and in sync"
  md_is a.img clean true
  test "$(md_field b.img recovery_offset_sectors)" != null
  md_is a.img slots '"AA"'

  # Killed, it says the same.
  serve_mirror a.img b.img sync_max=1K
  python <<'END'
from nbdtest import *

connect().pwrite(b"new!" * 1024, 6 * MiB)
END
  kill_server mirror
  test "$(md_field b.img recovery_offset_sectors)" != null

  # Alone it is nothing, also to who only reads.
  refused "too few members are in sync" b.img
  refused "too few members are in sync" -r b.img

  serve_mirror b.img a.img
  client nbdinfo "$(uri mirror)"
  wait_until grep "b.img .*is rebuilt and in sync" mirror.messages
  stop mirror
  md_is b.img recovery_offset_sectors null
  cmp -n 7340032 -i "$(md_data a.img)" a.img b.img
done
