#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A Linux kernel uses the mirror as a disk (nbd-client), and a leg's server is
# killed half-way through a copy: the kernel sees no error, the file system is
# clean, every file is there, and so it is on the surviving disk alone.

. "$(dirname "$0")/functions.sh"

MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
export MIRROR_SO

# How many connections the kernel uses; see test-nbd-client-multi-conn.sh.
export CONNECTIONS=${CONNECTIONS:-1}

# Something to copy which is always there: the modules of the guest's kernel.
tree=$(echo /usr/lib/uml/modules/*/kernel/drivers)
export tree

truncate -s 128M "$scratch/survivor" "$scratch/killed"

kernel_run <<'GUEST'
module nbd
serve leg file "$scratch/killed"
serve mirror "$MIRROR_SO" "$scratch/survivor" "nbd+unix:///?socket=/run/leg.sock"
nbd-client -unix /run/mirror.sock /dev/nbd0 -C "$CONNECTIONS"

mkfs.ext4 -q /dev/nbd0
mkdir /run/mnt
mount /dev/nbd0 /run/mnt

# Nearly nothing may stay in memory, so that copying means writing.
echo $((1 << 20)) >/proc/sys/vm/dirty_bytes

# The leg dies when half of the data has passed and the rest is still to come.
half=$(($(du -sb "$tree" | cut -f1) / 2))
mkdir /run/mnt/tree
tar -C "$tree" -cf - . |
  { head -c "$half"; kill -KILL "$(cat /run/leg.pid)"; cat; } |
  tar -C /run/mnt/tree --no-same-owner -xf -
# Both say so if the kernel could not write something.
sync -f /run/mnt
test "$(cat /sys/fs/ext4/nbd0/errors_count)" = 0
umount /run/mnt

fsck.ext4 -fn /dev/nbd0
mount -o ro /dev/nbd0 /run/mnt
diff -r "$tree" /run/mnt/tree
umount /run/mnt
nbd-client -d /dev/nbd0
stop mirror
GUEST

# The surviving disk alone, without mirror.
fsck.ext4 -fn "$scratch/survivor"
mkdir "$scratch/copy"
debugfs -R "rdump /tree $scratch/copy" "$scratch/survivor" 2>&1 |
  grep -v -e '^debugfs' -e 'changing ownership' || :
diff -r "$tree" "$scratch/copy/tree"

# The other one did lose its server, and not before it had some of the data.
if cmp -s "$scratch/survivor" "$scratch/killed" ||
    test "$(du -k "$scratch/killed" | cut -f1)" -lt 4096; then
  echo "$0: the leg was not killed in the middle: nothing was tested" >&2
  exit 1
fi
