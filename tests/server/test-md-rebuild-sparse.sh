#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A rebuild leaves out what both disks say is zero, and zeroes what only the
# other one says is: the rebuilt disk holds the same, and takes no more space,
# though all of it is rebuilt and it was full of something else.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 64M a.img b.img
md_array a.img b.img --bitmap none
data=$(md_data a.img)
size=$(md_field a.img array size)

# b misses something, and was written to by others.
serve_mirror a.img degraded=yes
python <<'END'
from nbdtest import *
h = connect()
h.pwrite(b"once" * 1024, 20 << 20)
END
stop mirror
head -c 16M /dev/zero | tr '\0' j |
  dd of=b.img bs=1M seek="$data" oflag=seek_bytes conv=notrunc status=none
test "$(du -k b.img | cut -f 1)" -gt 16000

serve_mirror a.img b.img
hold_mirror
wait_until grep -q "b.img (slot 1): is rebuilt and in sync" mirror.messages
stop mirror
cmp -i "$data" -n "$size" a.img b.img
for disk in a.img b.img; do
  test "$(du -k $disk | cut -f 1)" -lt 2048
done
