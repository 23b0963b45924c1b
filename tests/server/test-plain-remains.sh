#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Disks that were members of an array before their size was changed or their
# metadata overwritten or erased are not served as plain ones, wherever the
# remains lie: refused with their place, by the tool, too, and nothing is
# written; metadata=none says what was found, and serves them.

. "$(dirname "$0")/functions.sh"
requires_libnbd
export PYTHONPATH=$server_dir

# make SCRIPT: with a.img and b.img as "disk", in turn.
make_disks ()
{
  local disk
  for disk in a.img b.img; do
    disk=$disk PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -c "import os
from disktest import *
disk = os.environ['disk']
$1"
  done
}

# remains PATTERN: the disks have them, local and remote.
remains ()
{
  local before
  before=$(stat -c "%n %y" a.img b.img)
  refused "$1.*metadata=none.*nothing was written" a.img b.img
  grep -q 'disk [^ ]*a.img: has remains of ' refused
  status=0
  "$NBDMIRROR" assemble --dry-run a.img b.img >told || status=$?
  test "$status" = 6 -o "$status" = 1
  grep -E "=> would not start: a.img: has remains of $1" told
  "$NBDMIRROR" assemble --dry-run --metadata=none a.img b.img >told
  grep "=> plain array: .*metadata=none, although disk a.img has remains" told
  serve b file b.img
  refused "$1" "$(uri b)" a.img
  stop b
  serve_mirror a.img b.img metadata=none
  stop mirror
  said 1 "metadata=none: .*although disk .*a.img has remains of $1"
  rm mirror.messages
  test "$(stat -c "%n %y" a.img b.img)" = "$before"
}

# plain: the disks are served without a word.
plain ()
{
  rm -f words.sock
  timeout -k 5 60 nbdkit -U words.sock "$MIRROR_SO" a.img b.img --run true 2>words
  ! grep -E 'error|metadata=none|disk .* (is|has|holds) ' words ||
    fail "that was said"
}

md_super="an md superblock .array [0-9a-f:]*. at byte"

# grown BYTES: from 20 MiB on, as sparse files, and full to the end.
grown ()
{
  md_array a.img b.img -e 1.0
  truncate -s "+$1" a.img b.img
  remains "$md_super 20963328"
  for disk in a.img b.img; do
    cp --sparse=never $disk full
    mv full $disk
  done
  remains "$md_super 20963328"
  rm a.img b.img
}

disk 20M a.img b.img
grown 4096
for growth in 5000 70000 1M 15M; do
  disk 20M a.img b.img
  grown $growth
done

# Far behind the old end, where only the hole leads to it.
disk 20M a.img b.img
md_array a.img b.img -e 1.0 --bitmap=none
truncate -s 3T a.img b.img
refused "remains of $md_super 20963328" a.img b.img
serve b file b.img
refused "remains of $md_super 20963328" "$(uri b)" a.img
stop b
rm a.img b.img

# A device without holes, grown by a round size; a file system that ends at an
# odd place.
disk 30000128 a.img b.img
md_array a.img b.img -e 1.0 --bitmap=none
make_disks 'swap(disk, "swap", 0, 29900000 // 4096)'
for disk in a.img b.img; do
  noise 20M >>$disk
done
remains "$md_super"
rm a.img b.img

# Junk at the end, and an end that was cut off.
disk 20M a.img b.img
md_array a.img b.img -e 1.0
for disk in a.img b.img; do
  noise 3333333 >>$disk
done
remains "$md_super"
rm a.img b.img
disk 20M a.img b.img
md_array a.img b.img -e 1.0
truncate -s -6000 a.img b.img
remains "$md_super"
truncate -s 20963328 a.img b.img
remains "the write-intent bitmap of an md array"
rm a.img b.img

# The start overwritten.
for version in 1.1 1.2; do
  disk 20M a.img b.img
  md_array a.img b.img -e $version
  for disk in a.img b.img; do
    dd if=/dev/zero of=$disk bs=4K count=1 conv=notrunc status=none \
      seek=$((${version#1.} - 1))
  done
  remains "the write-intent bitmap of an md array"
  rm a.img b.img
done

# Only the superblock erased: the way back is named.
disk 20M a.img b.img
md_array a.img b.img -e 1.2
"$NBDMIRROR" erase --yes --no-backup a.img b.img
remains "the write-intent bitmap of an md array"
grep -q "restore-metadata" refused
rm a.img b.img

# Other formats, at the old end; at today's they are known, too.
# other NAME SCRIPT
other ()
{
  disk 40M a.img b.img
  make_disks "$2"
  refused "version 0.90|another kind of RAID|remains of $1" a.img b.img
  truncate -s +1G a.img b.img
  remains "$1"
  rm a.img b.img
}

other "an md superblock of version 0.90" 'md_old(disk, size_of(disk) - 65536)'
other "an md superblock of version 0.90" \
  'md_old(disk, size_of(disk) - 65536, ">")'
other "Intel Matrix RAID" 'imsm(disk, size_of(disk))'
other "DDF RAID metadata" 'ddf(disk, size_of(disk))'

# Not what lies where it cannot have been, or says no more than a number.
disk 20M a.img b.img
make_disks '
md(disk, 1048576 + 4096, 8)                 # in a client'"'"'s partition
put(disk, 15 << 20, struct.pack("<II", MD_MAGIC, 1))
put(disk, (15 << 20) + 512, b"bitm")
put(disk, (17 << 20) + 512, struct.pack("<II", MD_MAGIC, 0))'
plain
