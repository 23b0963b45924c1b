#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a server was sent when its connection was lost it may still carry out,
# after the disk has come back and newer data was written there.  So that is
# copied once more before the disk counts as in sync.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "p.sock .*$1" mirror.messages
}

# writes BYTE: to the same place.
writes ()
{
  python "$1" <<'END'
from nbdtest import *

h = connect()
h.pwrite(sys.argv[1].encode() * 64 * KiB, 1 * MiB)
h.shutdown()
END
}

# Its connections, and perhaps some of who tries to reach it again.
has_orphans ()
{
  local count
  for count in 2 3 4 5 6 7 8; do
    ! proxy_has p "orphans=$count" || return 0
  done
  return 1
}

md_array --bitmap-chunk=64K a.img b.img
serve b file b.img
proxy p "$dir/b.sock"
serve_mirror a.img "$(uri p)" reconnect=1 timeout=2
writes 1

# It is on its way, and the connection ends.
proxy_do p hold up
writes 2
wait_until is_said "IS OUT OF THE MIRROR"
wait_until has_orphans
proxy_do p pass

# The disk is back, and has newer data there.
wait_until is_said "is being rebuilt, only what it missed"
writes 3
# There were flushes behind it, too.
proxy_do p deliver
wait_until is_said "is rebuilt and in sync"
stop mirror
kill_server p
stop b
cmp -i "$(md_data a.img)" a.img b.img
dd if=a.img bs=64K skip=$((($(md_data a.img) + (1 << 20)) / 65536)) count=1 \
  status=none | grep -q 333
