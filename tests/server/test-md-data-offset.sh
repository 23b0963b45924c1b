#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Members whose data begins at different places.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

md_array a.img b.img --size=4M
# That of b moves by a megabyte and a sector.
python <<'END'
from mdtest import *

with superblock("b.img") as sb:
    offset = get(sb, "Q", DATA_OFFSET)
    size = get(sb, "Q", DATA_SIZE)
    put(sb, "Q", DATA_OFFSET, offset + 2049)
    put(sb, "Q", DATA_SIZE, size - 2049)
write("b.img", offset * 512, b"not ours" * 131136)
END
test "$(md_data b.img)" = $(($(md_data a.img) + 2049 * 512))
dd if=b.img bs=512 status=none skip=$(($(md_data a.img) / 512)) count=2049 \
  >outside

random_disk 4M data
serve_mirror a.img b.img
client nbdcopy --flush data "$(uri mirror)"
client nbdcopy "$(uri mirror)" out
cmp data out
stop mirror
cmp -n 4194304 data a.img 0 "$(md_data a.img)"
cmp -n 4194304 data b.img 0 "$(md_data b.img)"
dd if=b.img bs=512 status=none skip=$(($(md_data a.img) / 512)) count=2049 |
  cmp - outside
