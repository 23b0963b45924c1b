#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# What adopt made of raw images a real kernel assembles: as large as the image,
# with the same data, an equal copy in sync and an empty disk rebuilt from them.
# So it does with block devices behind whose data there is room.  When the
# kernel is done the images are taken out of the array again, with what it wrote.

. "$(dirname "$0")/functions.sh"

: "${NBDMIRROR:=$PWD/nbdmirror}"
export NBDMIRROR
command -v mdadm >/dev/null || { echo "mdadm is not installed"; exit 77; }

noise ()
{
  "${PYTHON:-python3}" "$kernel_dir/../noise.py" "$@"
}

NBDMIRROR=$(realpath "$NBDMIRROR")
cd "$scratch"
size=$((16 * 1024 * 1024 + 7 * 512))
noise "$size" image >image
cp image disk0
cp image disk1
truncate -s 1M disk2
"$NBDMIRROR" adopt --yes --name images disk0 disk1 disk2 >said ||
  { cat said; exit 1; }
cmp -n "$size" image disk0
cmp -n "$size" image disk1

# A disk with one partition, which ends 1 MiB before it does.
{
  head -c 446 /dev/zero
  printf '\0\0\2\0\203\0\0\0\0\10\0\0\0\160\0\0'
  head -c 48 /dev/zero
  printf '\125\252'
  noise $((16 * 1024 * 1024 - 512)) behind
} >disk3
cp disk3 disk4
cp disk3 before
export size

kernel_run <<'GUEST'
set -eEu
trap 'echo "line $LINENO: $BASH_COMMAND"' ERR
module md-mod raid1 loop
for i in 0 1 2 3 4; do
  losetup "/dev/loop$i" "$scratch/disk$i"
done

settled ()
{
  local action degraded
  read -r action </sys/block/md0/md/sync_action
  read -r degraded </sys/block/md0/md/degraded
  test "$action" = idle && test "$degraded" = 0
}

# found_alike: by the kernel.
found_alike ()
{
  wait_for settled
  echo check >/sys/block/md0/md/sync_action
  wait_for settled
  test "$(cat /sys/block/md0/md/last_sync_action)" = check
  test "$(cat /sys/block/md0/md/mismatch_cnt)" = 0
}

mdadm --assemble /dev/md0 /dev/loop{0,1,2} 2>"$scratch/said" ||
  { cat "$scratch/said"; false; }
test "$(blockdev --getsize64 /dev/md0)" = "$size"
cmp /dev/md0 "$scratch/image"
# The copy was in sync from the start; the empty disk was rebuilt.
found_alike
cmp -n "$size" "$scratch/image" /dev/loop2
noise 1M written | dd of=/dev/md0 bs=64K seek=20 oflag=direct status=none
found_alike
wait_for mdadm --stop /dev/md0
for i in 0 1 2; do
  losetup -d "/dev/loop$i"
done

# Block devices.
cd "$scratch"
"$NBDMIRROR" adopt --yes /dev/loop3 /dev/loop4 >said || { cat said; false; }
mdadm --assemble /dev/md0 /dev/loop{3,4} 2>"$scratch/said" ||
  { cat "$scratch/said"; false; }
seen=$(blockdev --getsize64 /dev/md0)
test "$seen" -ge $((15 * 1024 * 1024)) && test "$seen" -lt $((16 * 1024 * 1024))
cmp -n "$seen" /dev/md0 before
found_alike
wait_for mdadm --stop /dev/md0
for i in 3 4; do
  "$NBDMIRROR" restore-metadata --yes "loop$i"-*.mdrestore "/dev/loop$i" >said ||
    { cat said; false; }
  cmp "/dev/loop$i" before
  mdadm --examine "/dev/loop$i" >said 2>&1 || :
  if grep -q a92b4efc said; then false; fi
done
GUEST

"$NBDMIRROR" assemble --dry-run disk0 disk1 disk2 >said ||
  { cat said; exit 1; }
dd if=<(noise 1M written) of=image bs=64K seek=20 conv=notrunc iflag=fullblock \
  status=none
for i in 0 1; do
  "$NBDMIRROR" restore-metadata --yes "disk$i"-*.mdrestore "disk$i" >said ||
    { cat said; exit 1; }
  cmp image "disk$i"
done
