#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# qemu-img converts images into a mirror and out of it, raw and qcow2, and
# afterwards every disk is the image.

. "$(dirname "$0")/functions.sh"
requires qemu-img

# Noise and holes.
disk 24M raw.img
for at in 0 9 23; do
  noise 1M | dd of=raw.img bs=1M iflag=fullblock seek=$at conv=notrunc \
    status=none
done
qemu-img convert -f raw -O qcow2 raw.img image.qcow2

for disks in "a.img b.img" "a.img b.img c.img"; do
  # What was there before must be gone, holes included.
  rm -f [abc].img
  # shellcheck disable=SC2086
  random_disk 24M $disks
  # shellcheck disable=SC2086
  nbdkit_once "$MIRROR_SO" $disks --run '
    set -e
    qemu-img convert -n -f qcow2 -O raw image.qcow2 "$uri"
    qemu-img compare -f qcow2 -F raw image.qcow2 "$uri"
    qemu-img convert -f raw -O qcow2 "$uri" out.qcow2
    qemu-img convert -f raw -O raw "$uri" out.img
    # Back in, this time from raw.
    qemu-img convert -n -f raw -O raw out.img "$uri"
  '
  qemu-img compare -f raw -F qcow2 raw.img out.qcow2
  cmp raw.img out.img
  for disk in $disks; do
    cmp raw.img "$disk"
  done
done
