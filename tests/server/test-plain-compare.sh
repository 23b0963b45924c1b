#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A plain start compares the copies at both ends and at places between: a
# difference is said once, with its offset, and the array is served all the
# same.  What cannot be read is not compared, and a slow disk does not hold the
# start up for long: only so much is read.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_filter error log

# differs COUNT OFFSET DISK-OR-PARAMETER...: so many lines say so.
differs ()
{
  local count=$1 offset=$2
  shift 2
  rm -f mirror.messages
  serve_mirror "$@"
  stop mirror
  said "$count" "differ .the first difference is at byte $offset of the array"
  said "$count" "disk .* differ"
}

# change FILE OFFSET
change ()
{
  printf X | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

random_disk 64M a.img b.img
differs 0 "" a.img b.img
size=$((64 * 1024 * 1024))
for offset in 0 1048575 $((size - 1)) $((size - 1048576)); do
  cp a.img b.img
  change b.img $offset
  differs 1 $offset a.img b.img
  differs 1 $offset b.img a.img
  serve b file b.img
  differs 1 $offset a.img "$(uri b)"
  stop b
done
# A third of the middle cannot be missed; the first place is said.
cp a.img b.img
dd if=/dev/zero of=b.img bs=1M seek=20 count=20 conv=notrunc status=none
differs 1 "2[0-9]*" a.img b.img
change b.img 77
differs 1 77 a.img b.img
# The last of three.
cp a.img c.img
cp a.img b.img
change c.img 99
differs 1 99 a.img b.img c.img
grep "disk .*/a.img and disk .*/c.img differ" mirror.messages

# RAID10, in which the copies of one chunk are at different places.
for layout in n2 f2 o2; do
  rm -f ?.img
  disk 9M {a,b,c}.img
  serve_mirror {a,b,c}.img level=raid10 layout=$layout chunk=64K
  python <<'END'
from nbdtest import *

h = connect()
for offset in range(0, h.get_size() - MiB, MiB):
    h.pwrite(random.randbytes(MiB), offset)
END
  stop mirror
  differs 0 "" {a,b,c}.img level=raid10 layout=$layout chunk=64K
  change b.img 70000
  differs 1 "[0-9]*" {a,b,c}.img level=raid10 layout=$layout chunk=64K
done

# A disk that cannot be read somewhere is not compared there.
rm ./*.img
random_disk 8M a.img b.img
change b.img 100000
# shellcheck disable=SC2016 # the server's variables
image=$dir/b.img serve b eval \
  get_size='stat -c %s "$image"' can_write='exit 0' \
  pread='if test "$4" -lt 1048576 && test $(($4 + $3)) -gt 65536; then
           echo EIO planted >&2; exit 1
         fi
         dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
  pwrite='dd of="$image" oflag=seek_bytes conv=notrunc seek=$4'
differs 0 "" a.img "$(uri b)"
stop b

# How much is asked of a remote disk that is large, full of data and looks as
# if it had grown: no more than some hundred reads.
rm ./*.img
disk 200G a.img
log=$dir/reads serve large --filter=log memory 200G logfile="$dir/reads"
nbdkit_once "$MIRROR_SO" a.img "$(uri large)" --run true
reads=$(grep -c 'Read id=.*count=' reads || :)
test "$reads" -gt 50
test "$reads" -lt 400
