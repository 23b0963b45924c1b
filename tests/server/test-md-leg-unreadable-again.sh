#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A lost member of an md array answers again, and then its connection is lost
# before its superblock is read: nothing is said of the disk, and it is tried
# again.  One whose superblock cannot be read stays out, and it is not said that
# it is another disk, or was emptied.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_plugin eval

is_said ()
{
  grep -q "$1" mirror.messages
}

md_array a.img b.img
serve b file b.img
serve_mirror a.img "$(uri b)" reconnect=1 timeout=20
hold_mirror
kill_server b
wait_until is_said "IS OUT OF THE MIRROR"

serve b eval get_size='echo 8M' pread='kill -KILL $PPID'
killed b
serve b eval get_size='echo 8M' can_write='exit 0' can_flush='exit 0' \
  pwrite='exit 0' pread='echo EIO bad sector >&2; exit 1'
wait_until is_said "STAYS OUT"
said 1 "STAYS OUT: its superblock, at byte [0-9]*, cannot be read"
said 1 "STAYS OUT"
kill_server b
serve b file b.img
wait_until is_said "is rebuilt and in sync"
stop mirror
