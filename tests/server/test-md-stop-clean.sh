#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A stop marks the array clean on all members, with no bit set, even while a
# client is connected; also one with a write cache that it has not flushed.

. "$(dirname "$0")/functions.sh"
requires_libnbd

for bitmap in internal none; do
  rm -f ./*.img written
  md_array a.img b.img --bitmap=$bitmap
  serve_mirror a.img b.img
  python <<'END' &
from nbdtest import *

h = connect()
for at in range(0, 7 * MiB, 64 * KiB):
    h.pwrite(b"x" * 4096, at)
open("written", "w").close()
while not h.aio_is_closed():
    h.poll(-1)
END
  client=$!
  wait_until test -e written
  stop mirror
  finished $client
  for disk in a.img b.img; do
    md_is $disk clean true
    md_is $disk slots '"AA"'
    test $bitmap = none || md_is $disk bitmap dirty 0
  done
  test "$(md_field a.img events)" = "$(md_field b.img events)"
  test "$(md_field a.img events)" -gt 0
  cmp -n 7340032 -i "$(md_data a.img)" a.img b.img
  said 0 .
done
