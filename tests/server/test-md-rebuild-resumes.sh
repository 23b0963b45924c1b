#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A rebuild that is stopped half-way goes on from its checkpoint: what was
# copied is not copied again, the rest is, and only then is the disk read.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 8M a.img b.img
md_array a.img b.img --bitmap none
data=$(md_data a.img)
size=$(md_field a.img array size)

# b misses something, and nothing of it is left out as zeroes.
serve_mirror a.img degraded=yes
python <<'END'
from nbdtest import *
h = connect()
for at in range(0, h.get_size(), 65536):
    h.pwrite(b"d" * min(65536, h.get_size() - at), at)
h.pwrite(b"1" * 4096, 0)
h.pwrite(b"2" * 4096, h.get_size() - 4096)
END
stop mirror

is_rebuilding ()
{
  local at
  at=$(md_field b.img recovery_offset_sectors)
  test "$at" != null && test "$at" -gt 0
}
serve_mirror a.img b.img sync_max=2M
hold_mirror
wait_until is_rebuilding
# Who looks is told how much is left.
python <<'END'
from nbdtest import *
assert "; rebuild: " in connect().get_export_description()
END
stop mirror
grep -q "b.img (slot 1): its rebuild is stopped" mirror.messages
is_rebuilding
reached=$(md_field b.img recovery_offset_sectors)
test $((reached * 512)) -lt "$size"

printf junk | dd of=b.img bs=1 seek="$data" conv=notrunc status=none
printf junk | dd of=b.img bs=1 seek=$((data + size - 4096)) conv=notrunc \
  status=none
# So slow that it is still not done: it is not read.
serve_mirror a.img b.img sync_max=64K sync_min=64K
python <<'END'
from nbdtest import *
h = connect()
for i in range(50):
    assert h.pread(4096, h.get_size() - 4096) == b"2" * 4096
    assert h.pread(4, 0) == b"1111"
END
stop mirror

serve_mirror a.img b.img
hold_mirror
wait_until md_is b.img recovery_offset_sectors null
stop mirror
test "$(dd if=b.img bs=1 skip="$data" count=4 status=none)" = junk
cmp -n 4096 -i $((data + size - 4096)) a.img b.img
md_is b.img clean true
