#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that carries an md superblock, of any version, damaged or not, is no
# disk of a plain array: beside one without it is refused, local or remote; and
# so are disks whose superblocks are all of a kind that nobody can use.
# Nothing is written.

. "$(dirname "$0")/functions.sh"

# A size that is no multiple of anything.
size=$((4 * 1024 * 1024 + 5 * 512))

# carries FILE OFFSET BYTES
carries ()
{
  printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# superblock OFFSET BYTES ONE ALL: what is said if b.img has it, and if both do.
superblock ()
{
  local before
  random_disk $size a.img b.img
  carries b.img "$1" "$2"
  before=$(sums a.img b.img)
  refused "$3.*nothing was written" a.img b.img
  refused "$3.*nothing was written" b.img a.img
  test "$(sums a.img b.img)" = "$before"
  carries a.img "$1" "$2"
  before=$(sums a.img b.img)
  refused "$4.*nothing was written" a.img b.img
  test "$(sums a.img b.img)" = "$before"
}

v1='\xfc\x4e\x2b\xa9\x01\x00\x00\x00'
mixed="disk $dir/a.img: has no md superblock, but another member has one"
damaged="no member has metadata that can be believed"
superblock $(((size / 512 - 16) / 8 * 8 * 512)) "$v1" "$mixed" "$damaged"
superblock 0 "$v1" "$mixed" "$damaged"
superblock 4096 "$v1" "$mixed" "$damaged"
end=$((size / 65536 * 65536 - 65536))
old="metadata version 0.90: unsupported"
superblock $end '\xfc\x4e\x2b\xa9\x00\x00\x00\x00' "disk $dir/b.img: $old" \
  "disk $dir/a.img: $old"
# In the other byte order.
superblock $end '\xa9\x2b\x4e\xfc\x00\x00\x00\x00' "disk $dir/b.img: $old" \
  "disk $dir/a.img: $old"

random_disk $size a.img b.img
carries b.img 4096 "$v1"
serve b file b.img
refused "$mixed" a.img "$(uri b)"
stop b
serve a file a.img
refused "disk [^ ]*a.sock: has no md superblock" b.img "$(uri a)"

# Old metadata behind a good array: refused with the command that removes it.
random_disk $size a.img b.img
truncate -s 8M a.img b.img
"$NBDMIRROR" create --yes --force --assume-clean a.img b.img \
  >/dev/null
carries b.img $((8 * 1024 * 1024 - 65536)) '\xfc\x4e\x2b\xa9\x00\x00\x00\x00'
refused "b.img: has two.*: nbdmirror erase --metadata 0.90 DISK" a.img b.img
"$NBDMIRROR" erase --yes --no-backup --metadata 0.90 b.img \
  >/dev/null
serve_mirror a.img b.img
stop mirror
