#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the demo tells people to type works when it is typed.

. "$(dirname "$0")/functions.sh"
requires nbdcopy nbdinfo qemu-img mke2fs e2fsck
demo=$(realpath "$top_srcdir/examples/demo.sh")

client bash "$demo" >demo.output
# From the last paragraph on: first the server, then its clients.
sed -n '/^To go on/,$p' demo.output >told
sed -n '/^To go on/,/^and from/s/^  //p' told >server.sh
sed -n '/^and from/,$s/^  //p' told >clients.sh
cat server.sh clients.sh

grep -v nbdkit server.sh >make-disks.sh
grep nbdkit server.sh >serve.sh
bash -e make-disks.sh
started mirror bash -c "exec $(cat serve.sh) -P mirror.pid"
random_disk 4M noise
qemu-img convert -f raw -O qcow2 noise some-image.qcow2
# These two need a kernel's nbd and a virtual machine.
grep -vE 'nbd-client|qemu-system' clients.sh >runnable.sh
client bash -e -x runnable.sh
stop mirror
cmp -n $((4 << 20)) noise disk1.img
