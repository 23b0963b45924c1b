#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A member of an md array is no disk of a plain array, until mdadm has erased
# its superblock.

. "$(dirname "$0")/functions.sh"
requires mdadm
mdadm=(mdadm)
if test "$(id -u)" != 0; then   # mdadm wants to be root, even on our own files
  unshare -r true || skip "cannot play root for mdadm"
  mdadm=(unshare -r mdadm)
fi

disk 4M a.img b.img
# A raid1 member, version 1.2, as mdadm writes it.
"$PYTHON" - <<'END'
import struct

sb = bytearray(512)
def put(offset, form, *values):
    struct.pack_into("<" + form, sb, offset, *values)

put(0x00, "II", 0xa92b4efc, 1)
put(0x10, "16s32s", b"0123456789abcdef", b"host:test")
put(0x48, "IIQII", 1, 0, 4096, 0, 2)            # level, size, raid_disks
put(0x80, "QQQ", 2048, 6144, 8)                 # data, size, this block
put(0xa8, "16s", b"fedcba9876543210")
put(0xdc, "I", 2)                               # max_dev
put(0x100, "HH", 0, 1)                          # roles
total = sum(struct.unpack_from("<65I", sb))
put(0xd8, "I", (total + (total >> 32)) & 0xffffffff)
with open("b.img", "r+b") as disk:
    disk.seek(4096)
    disk.write(sb)
END
"${mdadm[@]}" --examine b.img

refused "disk $dir/a.img: has no md superblock, but another member has one" \
  a.img b.img
"${mdadm[@]}" --zero-superblock b.img
nbdkit_once "$MIRROR_SO" a.img b.img --run true
