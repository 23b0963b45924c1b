#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The connection of the last copy is lost while a write is on its way there: the
# server may still carry that out, over what is written later, and no other copy
# could mend it.  So the disk is not used again before that has come to its end.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "$1" mirror.messages
}

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
serve_mirror "$(uri p)" degraded=yes reconnect=1 timeout=2 flush-timeout=2 no-leg-timeout=86400
python <<<'
from nbdtest import *
h = connect()
h.pwrite(b"1" * 64 * KiB, 1 * MiB)'

is_clean ()
{
  md_is b.img clean true
}

wait_until is_clean
# On its way, and it waits; a second one waits behind it.
proxy_do p hold up
python <<<'
from nbdtest import *
h = connect()
h.pwrite(b"2" * 64 * KiB, 1 * MiB)
h.pwrite(b"3" * 64 * KiB, 1 * MiB)' &
client=$!
wait_until is_said "holds the LAST COPY"
wait_until has_orphans
proxy_do p pass
wait_until is_said "STAYS OUT: what it was sent before may still be carried out"
proxy_do p deliver
wait_until is_said "holds the last copy of some data, answers again"
wait "$client"
python <<<'
from nbdtest import *
assert connect().pread(64 * KiB, 1 * MiB) == b"3" * 64 * KiB'
stop mirror || :
