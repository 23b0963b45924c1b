#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# nbdkit -r writes nothing, whatever state the array is in, and neither does a
# start without a client.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

# untouched DISK...
untouched ()
{
  local before
  before=$(sums ./*.img)
  serve_mirror -r "$@"
  client nbdinfo "$(uri mirror)" | grep "is_read_only: true"
  client nbdcopy "$(uri mirror)" out1
  client nbdcopy "$(uri mirror)" out2
  stop mirror
  cmp out1 out2
  serve_mirror "$@"
  stop mirror
  test "$(sums ./*.img)" = "$before" || fail "something was written"
}

for bitmap in internal none; do
  rm -f ./*.img
  # Clean.
  md_array a.img b.img --bitmap=$bitmap
  untouched a.img b.img
  # Degraded, then with a member that missed something.
  untouched a.img
  serve_mirror a.img
  random_disk 1M data
  client nbdcopy --flush data "$(uri mirror)"
  stop mirror
  untouched a.img
  untouched b.img a.img
  cmp -n 1048576 data out1

  # Dirty, with copies that differ.
  rm a.img b.img
  for disk in a b; do
    noise 8M >$disk.img
  done
  "$NBDMIRROR" create --yes --bitmap=$bitmap a.img b.img
  md_is a.img clean false
  untouched a.img b.img
  cmp -n 7340032 out1 a.img 0 "$(md_data a.img)"
done
