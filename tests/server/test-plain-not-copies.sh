#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Disks that hold different things, or members of arrays in their partitions,
# are not copies of one another: no plain array, for the tool neither, unless
# metadata=none says so.  What clients made is the same on all, and is served.

. "$(dirname "$0")/functions.sh"
requires_libnbd
export PYTHONPATH=$server_dir PYTHONDONTWRITEBYTECODE=1

# disks SCRIPT: new ones, a.img and b.img, with "a" and "b" in it.
disks ()
{
  rm -f a.img b.img
  disk "${size:-64M}" a.img b.img
  "$PYTHON" -c "from disktest import *
a, b = 'a.img', 'b.img'
$1"
}

# differ PATTERN: they are refused for that, whatever their order, and remote.
differ ()
{
  local before status=0
  before=$(stat -c "%n %y" a.img b.img)
  refused "$1.*metadata=none.*nothing was written" a.img b.img
  refused "$1.*metadata=none.*nothing was written" b.img a.img
  serve b file b.img
  refused "$1" a.img "$(uri b)"
  stop b
  "$NBDMIRROR" assemble --dry-run a.img b.img >told || status=$?
  test "$status" = 1 -o "$status" = 6
  grep -E "=> would not start: [^ ]*: .*$1" told
  serve_mirror a.img b.img metadata=none
  stop mirror
  said 1 "metadata=none: the disks are served as a plain array, although"
  rm mirror.messages
  test "$(stat -c "%n %y" a.img b.img)" = "$before"
}

# alike: they are served without a word.
alike ()
{
  cp a.img b.img
  rm -f words.sock
  timeout -k 5 60 nbdkit -U words.sock "$MIRROR_SO" a.img b.img --run true 2>words
  ! grep -E 'error|metadata=none|disk .* (is|has|holds) ' words ||
    fail "that was said"
  "$NBDMIRROR" assemble --dry-run a.img b.img >told
  grep "=> plain array" told
}

# Things with a uuid.
disks 'swap(a, "one"); swap(b, "another")'
differ "holds swap [0-9a-f-]{36}, but disk [^ ]* holds swap [0-9a-f-]{36}"
alike
disks 'swap(a, "one")'
differ "holds (swap [0-9a-f-]*|nothing that is known), but disk"

# Tables: of another disk; of the same, with other partitions.
part='[(2048, 40000), (43008, 90000)]'
disks "gpt(a, 'one', $part); gpt(b, 'another', $part)"
differ "holds gpt partition table [0-9a-f-]{36}"
alike
disks "gpt(a, 'one', $part); gpt(b, 'one', [(2048, 40000)])"
differ "its partitions are not those of disk"
disks 'mbr(a, [(0x83, 2048, 4096)], 7); mbr(b, [(0x83, 2048, 4096)], 8)'
differ "holds dos partition table"
alike
disks 'mbr(a, [(0x83, 2048, 4096)]); mbr(b, [(0x83, 2048, 8192)])'
differ "its partitions are not those of disk"
disks "gpt(a, 'one', [(256, 4000)], 4096); gpt(b, 'one', [(256, 5000)], 4096)"
differ "its partitions are not those of disk"

# The larger disk is compared as far as the smaller one goes.
disks "gpt(a, 'one', $part)"
cp a.img b.img
truncate -s +1M b.img
nbdkit_once "$MIRROR_SO" a.img b.img --run true

# Members on partitions, of each version, whatever the table.
for version in 1.0 1.1 1.2; do
  disk 20M one.img two.img
  md_array one.img two.img -e $version
  disks "end = 2048 + 40960 - 1
gpt(a, 'one', [(50000, 60000), (2048, end)])
gpt(b, 'one', [(50000, 60000), (2048, end)])"
  for pair in a=one b=two; do
    dd if="${pair#*=}.img" of="${pair%=*}.img" bs=1M seek=1 status=none \
      conv=notrunc,sparse
  done
  differ "partition 2 carries an md superblock of version $version"
  rm one.img two.img
done
member='put(disk, 512 * (start + 8), struct.pack("<II", MD_MAGIC, 1))'
disks "for disk in a, b:
  start = 2048
  mbr(disk, [(0xfd, start, 40000)])
  $member"
differ "partition 1 carries an md superblock of version 1.2"
disks "for disk in a, b:
  start = 70000
  mbr(disk, [(0x83, 2048, 4096), (5, 8192, 100000)])
  mbr(disk, [(0x83, 2048, 4096), (5, 51808, 40000)], at=8192)
  mbr(disk, [(0xfd, 10000, 20000)], at=60000)
  $member"
differ "partition 6 carries an md superblock of version 1.2"
disks "for disk in a, b:
  start = 256 * 8
  gpt(disk, 'one', [(256, 4000)], 4096)
  $member"
differ "partition 1 carries an md superblock of version 1.2"
disks 'for disk in a, b:
  mbr(disk, [(0xfd, 2048, 65536)])
  md_old(disk, 512 * (2048 + 65536) - 65536)'
differ "partition 1 carries an md superblock of version 0.90"

# Other kinds of RAID.
for kind in imsm:isw ddf:ddf; do
  disks "for disk in a, b: ${kind%:*}(disk, size_of(disk))"
  differ "is a member of another kind of RAID \(${kind#*:}_raid_member\)"
done

# A chain of tables without an end, partitions beyond the disk, and a table
# that is nothing but claims.
disks 'mbr(a, [(5, 8192, 100000), (0xfd, 1 << 31, 1 << 31)])
mbr(a, [(0x83, 100, 10), (5, 100, 10)], at=8192)
mbr(a, [(0x83, 100, 10), (5, 0xffffff00, 10)], at=8292)'
alike
disks 'gpt(a, "one", [(2048, 40000)] * 128)'
alike

# RAID10: the disks of one near set are copies, others are not.
disks 'swap(a, "one")'
cp a.img b.img
disk 64M c.img d.img
raid10=(level=raid10 chunk=1M)
nbdkit_once "$MIRROR_SO" {a,b,c,d}.img "${raid10[@]}" --run true
refused "holds nothing that is known, but disk [^ ]*a.img holds swap" \
  {a,c,b,d}.img "${raid10[@]}"
