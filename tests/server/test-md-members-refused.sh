#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Disks that make no array together are refused before anything is written,
# and the one that does not fit is named.

. "$(dirname "$0")/functions.sh"

md_array a.img b.img
md_array c.img d.img
random_disk 8M plain.img
disk 8M empty.img
before=$(sums ./*.img)

# Some without metadata.
for disk in plain empty; do
  refused "disk $dir/$disk.img: has no md superblock, but another member" \
    a.img $disk.img
  refused "disk $dir/$disk.img: has no md superblock, but another member" \
    $disk.img a.img b.img
done

# Of another array.
refused "disk $dir/c.img: belongs to another array.*set_uuid" a.img c.img
refused "disk $dir/a.img: belongs to another array.*set_uuid" c.img d.img a.img

# A copied image.
cp a.img twin.img
refused "disk $dir/twin.img: is a copy of a member given before.*device_uuid" \
  a.img twin.img
refused "disk $dir/a.img: is a copy of a member given before.*device_uuid" \
  b.img twin.img a.img
rm twin.img

# Read only makes no difference.
refused "disk $dir/c.img: belongs to another array" -r a.img c.img
test "$(sums ./*.img)" = "$before"
