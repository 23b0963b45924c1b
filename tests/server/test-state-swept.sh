#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= bits are cleared while a client goes on writing elsewhere, and the
# server is killed: what was written where they were cleared is what the disks are
# known by from then on, so the next start takes them, but no older copy.

. "$(dirname "$0")/functions.sh"
requires_libnbd

# Of the first disk: is the bit of region $1 set?
is_set ()
{
  "$PYTHON" - "$1" <<'END'
import sys
area = open("state", "rb").read()[131072:131072 + 262144]
bits = area.index(b"bitm") + 256
sys.exit(not area[bits] >> int(sys.argv[1]) & 1)
END
}

is_cleared ()
{
  ! is_set 2
}

random_disk 24M a.img b.img
serve_mirror a.img b.img state=state resync-budget=0
cp b.img older.img
# Where the new file took a sample.
python <<'END' &
from nbdtest import *
h = connect()
try:
    h.pwrite(b"x" * 64 * KiB, 9 * MiB)
    h.flush()
    while True:
        h.pwrite(random.randbytes(4096), 0)
        open("written", "w").close()
except nbd.Error:
    pass
END
client=$!
wait_until test -e written
is_set 2
wait_until is_cleared
is_set 0
kill_server mirror
finished $client

cp b.img good.img
cp older.img b.img
sums state ./*.img >before
refused "state file $dir/state: disk $dir/b.img is not as it was left" \
  a.img b.img state=state
sums state ./*.img | cmp - before
cp good.img b.img
serve_mirror a.img b.img state=state
said 0 "DEGRADED"
stop mirror
