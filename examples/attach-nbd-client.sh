#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Makes a mirror a disk of this machine, with a file system on it: needs root
# and the kernel's nbd module.  An argument names the device: /dev/nbd0.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
device=${1:-/dev/nbd0}
if ! test -b "$device" || ! command -v nbd-client >/dev/null; then
  echo "no $device (modprobe nbd), or no nbd-client"
  exit 77
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/mirror-example.XXXXXX")
cleanup ()
{
  umount "$dir/mnt" 2>/dev/null || :
  nbd-client -d "$device" >/dev/null 2>&1 || :
  # shellcheck disable=SC2046
  kill $(jobs -p) 2>/dev/null || :
  wait
  rm -rf "$dir"
}
trap cleanup EXIT

truncate -s 64M "$dir/disk1.img" "$dir/disk2.img"
nbdkit -f -P "$dir/pid" -U "$dir/mirror.sock" \
  "$MIRROR_SO" "$dir/disk1.img" "$dir/disk2.img" &
until test -s "$dir/pid"; do
  kill -0 $!            # an error if it could not start
  sleep 0.05
done

nbd-client -unix "$dir/mirror.sock" "$device"
mkfs.ext4 -q "$device"
mkdir "$dir/mnt"
mount "$device" "$dir/mnt"
echo "hello" >"$dir/mnt/hello"
umount "$dir/mnt"
nbd-client -d "$device"
kill "$(cat "$dir/pid")"
wait

# Either disk has the file.
for disk in disk1.img disk2.img; do
  test "$(debugfs -R "cat /hello" "$dir/$disk" 2>/dev/null)" = hello
done
echo "The file is on both disks."
