#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# qemu-img converts an image into raid10 arrays, near, far and offset, on four
# and on three disks, and finds it there again; also when another server
# serves the same disks later.

. "$(dirname "$0")/functions.sh"
requires qemu-img

# All layouts have room for it: three disks of 8 MiB hold 12 MiB.
random_disk 12M raw.img

for layout in n2 f2 o2; do
  for disks in "a.img b.img c.img d.img" "a.img b.img c.img"; do
    rm -f [abcd].img
    # shellcheck disable=SC2086
    disk 8M $disks
    # shellcheck disable=SC2206
    mirror=("$MIRROR_SO" $disks level=raid10 layout=$layout chunk=64K)
    nbdkit_once "${mirror[@]}" \
      --run 'qemu-img convert -n -f raw -O raw raw.img "$uri"'
    nbdkit_once "${mirror[@]}" \
      --run 'qemu-img convert -f raw -O raw "$uri" out.img'
    cmp -n "$(stat -c %s raw.img)" raw.img out.img
  done
done
