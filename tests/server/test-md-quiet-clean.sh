#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# When nobody has written for a while the array is marked clean, although the
# client stays; the next write makes it dirty again.

. "$(dirname "$0")/functions.sh"
requires_libnbd

md_array a.img b.img
serve_mirror a.img b.img
mkfifo go
python <<'END' &
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
open("written", "w").close()
open("go").read()
h.pwrite(b"2" * 4096, 0)
assert h.pread(1, 0) == b"2"
open("again", "w").close()
open("go").read()
END
client=$!
wait_until test -e written
for disk in a.img b.img; do
  wait_until md_is $disk clean true
done
events=$(md_field a.img events)
test "$events" -gt 0
echo >go
wait_until test -e again
# Dirty, and clean once more.
is_past ()
{
  test "$(md_field "$1" events)" -gt $((events + 1)) && md_is "$1" clean true
}
for disk in a.img b.img; do
  wait_until is_past $disk
done
echo >go
finished $client
stop mirror
