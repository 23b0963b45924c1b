#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# In which order the members are given does not matter: their superblocks say
# who is who.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

md_array a.img b.img c.img d.img --level=raid10 --layout=n2 --chunk=64K
md_array e.img f.img
for order in "a b c d" "d c b a" "c a d b"; do
  random_disk 14M data
  # shellcheck disable=SC2046
  serve_mirror $(printf '%s.img ' $order)
  client nbdcopy --flush data "$(uri mirror)"
  stop mirror
  serve_mirror a.img b.img c.img d.img
  client nbdcopy "$(uri mirror)" out
  cmp data out
  stop mirror
  # Chunk 0 is on slots 0 and 1, chunk 1 on the others.
  for disk in a b; do
    cmp -n 65536 data $disk.img 0 "$(md_data $disk.img)"
  done
  for disk in c d; do
    cmp -n 65536 data $disk.img 65536 "$(md_data $disk.img)"
  done
done

# It is the first *slot* that is numbered 0, not the first disk.
serve_mirror f.img e.img
client nbdinfo "$(uri mirror)"
stop mirror
md_is e.img role '"active 0"'
md_is f.img role '"active 1"'
