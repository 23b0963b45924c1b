#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that was missing at the start, a remote one or a local one, is taken in
# when it is there, once somebody may write, and gets what it missed.  Until
# then, with reconnect=no and with nbdkit -r nothing is written to it.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "$1" mirror.messages
}

# writes BYTE
writes ()
{
  python "$1" <<'END'
from nbdtest import *

h = connect()
h.pwrite(sys.argv[1].encode() * 64 * KiB, 1 * MiB)
h.flush()
h.shutdown()
END
}

looks ()
{
  python <<<'
from nbdtest import *
connect().pread(4096, 0)'
}

md_array --bitmap-chunk=64K a.img b.img

# Only looked at: the disk stays as it is, and so does the other one.
serve_mirror -r a.img "$(uri b)" degraded=yes reconnect=1
serve b file b.img
before=$(sums a.img b.img)
looks
stop mirror
test "$(sums a.img b.img)" = "$before" || fail "something was written"
stop b
serve_mirror a.img "$(uri b)" degraded=yes reconnect=no
serve b file b.img
writes 1
looks
stop mirror
said 0 "answers again"
test "$(sums b.img)" = "$(grep b.img <<<"$before")" || fail "b.img has changed"

# The remote one.
stop b
serve_mirror a.img "$(uri b)" degraded=yes reconnect=1
writes 2
serve b file b.img
wait_until is_said "b.sock answers again"
wait_until is_said "b.sock .*is rebuilt and in sync"
stop mirror
stop b
cmp -i "$(md_data a.img)" a.img b.img

# The local one.
mv b.img away
serve_mirror a.img b.img degraded=yes reconnect=1
writes 3
: >mirror.messages
mv away b.img
wait_until is_said "b.img answers again: what it missed is copied to it"
wait_until is_said "b.img .*is rebuilt and in sync"
stop mirror
cmp -i "$(md_data a.img)" a.img b.img
