#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copies a disk image into a mirror with qemu-img.  Afterwards each disk alone
# is that image: without the mirror, any program that knows raw images reads it.

set -euo pipefail
MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
command -v qemu-img >/dev/null || { echo "no qemu-img"; exit 77; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/mirror-example.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# An image, here 8 MiB of noise in the middle of 32 MiB, as qcow2.
truncate -s 32M noise
dd if=/dev/urandom of=noise bs=1M seek=12 count=8 conv=notrunc status=none
qemu-img convert -f raw -O qcow2 noise image.qcow2

# The mirror serves as long as the command after --run needs it.
truncate -s 32M disk1.img disk2.img
nbdkit -U - "$MIRROR_SO" disk1.img disk2.img --run '
  timeout 60 qemu-img convert -n -f qcow2 -O raw image.qcow2 "$uri" &&
  timeout 60 qemu-img compare -f qcow2 -F raw image.qcow2 "$uri"
'

qemu-img compare -f qcow2 -F raw image.qcow2 disk1.img
qemu-img compare -f qcow2 -F raw image.qcow2 disk2.img
