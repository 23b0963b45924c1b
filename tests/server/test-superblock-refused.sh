#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that carries an md superblock, of any version, is refused before
# anything is written to it, whether it is local or remote.

. "$(dirname "$0")/functions.sh"

# A size that is no multiple of anything.
size=$((4 * 1024 * 1024 + 5 * 512))

# superblock VERSION OFFSET BYTES: of b.img
superblock ()
{
  random_disk $size a.img b.img
  printf '%b' "$3" |
    dd of=b.img bs=1 seek="$2" conv=notrunc status=none
  cp b.img before
  refused "disk $dir/b.img: carries an md superblock .version $1.*erase" \
    a.img b.img
  refused "disk $dir/b.img: carries an md superblock .version $1" b.img a.img
  cmp b.img before
}

v1='\xfc\x4e\x2b\xa9\x01\x00\x00\x00'
superblock 1.0 $(((size / 512 - 16) / 8 * 8 * 512)) "$v1"
superblock 1.1 0 "$v1"
superblock 1.2 4096 "$v1"
end=$((size / 65536 * 65536 - 65536))
superblock 0.90 $end '\xfc\x4e\x2b\xa9\x00\x00\x00\x00'
# In the other byte order.
superblock 0.90 $end '\xa9\x2b\x4e\xfc\x00\x00\x00\x00'

serve b file b.img
refused "b.sock: carries an md superblock .version 0.90" a.img "$(uri b)"
