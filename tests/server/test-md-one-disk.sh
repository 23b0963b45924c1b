#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One disk of a two-way mirror, alone: it starts, and everything is there.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

md_array a.img b.img
random_disk 7M data
serve_mirror a.img b.img
client nbdcopy --flush data "$(uri mirror)"
stop mirror

for disk in a b; do
  serve_mirror $disk.img
  client nbdinfo "$(uri mirror)" | grep "1 of 2 disks in sync"
  client nbdcopy "$(uri mirror)" out
  cmp data out
  stop mirror
done
