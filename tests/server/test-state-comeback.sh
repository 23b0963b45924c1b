#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= a remote disk whose server ended comes back by itself, while clients
# read and write, and gets what the bitmap says.  What answers there and is not
# that disk is refused, with an event, and nothing is written to it: an empty
# disk, another image, an older copy of it, a smaller one.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_filter log

is_said ()
{
  grep -q "$1" mirror.messages
}

# put MiB...: 4 KiB there, flushed.
put ()
{
  python "$@" <<'END'
from nbdtest import *
h = connect()
for at in sys.argv[1:]:
    h.pwrite(random.randbytes(4096), int(at) * MiB + 300 * KiB)
h.flush()
END
}

lose ()
{
  : >mirror.messages
  kill_server b
  wait_until is_said "b.sock (slot 1) IS OUT OF THE MIRROR"
}

stays_out ()
{
  sums "$1" >before
  serve_logged b "$1"
  wait_until is_said "b.sock answers again but STAYS OUT: .*$2"
  test "$(logged_writes b)" = 0
  sums "$1" | cmp - before
  kill_server b
  wait_until status_says '[m["connection"]["state"] for m in status["members"] if m["slot"] == 1] == ["lost"]'
  : >mirror.messages
}

random_disk 40M a.img b.img
disk 40M empty.img
random_disk 40M other.img
cp b.img small.img
truncate -s 20M small.img
serve_logged b b.img
serve_mirror control="$dir/control" a.img "$(uri b)" state=state reconnect=1
controlled mirror
put 1
cp b.img older.img
put 2
wait_until status_says 'not status["array"]["dirty"]'
lose
put 9 17

stays_out empty.img "is not the disk that left"
stays_out other.img "is not the disk that left"
stays_out older.img "is not the disk that left"
stays_out small.img "is too small"

# The disk itself: regions are 4 MiB here, and three of them may have been written
# since they were on both disks for sure.
serve_logged b b.img
wait_until is_said "b.sock answers again: what it missed is copied to it"
wait_until is_said "b.sock .*is rebuilt and in sync"
echo "copied: $(logged_writes b) bytes"
test "$(logged_writes b)" -ge $((2 * 4096))
test "$(logged_writes b)" -le $((3 * 4 << 20))
stop mirror
stop b
cmp a.img b.img
