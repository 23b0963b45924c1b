#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Requests across chunk borders of raid10 arrays: writes, zeroes, trims and
# reads of any offset and length, checked against plain memory.

. "$(dirname "$0")/functions.sh"
requires_libnbd

for layout in n2 f2 o2 n3; do
  for disks in "a.img b.img c.img" "a.img b.img c.img d.img"; do
    rm -f [abcd].img
    # shellcheck disable=SC2086
    disk 1M $disks
    # shellcheck disable=SC2086
    serve_mirror $disks level=raid10 layout=$layout chunk=16K
    python <<'END'
from nbdtest import *

h = connect()
model = bytearray(h.get_size())
for i in range(300):
    offset = random.randrange(len(model))
    length = random.randint(1, min(80 * KiB, len(model) - offset))
    what = random.choice(("write", "write", "zero", "trim", "read"))
    if what == "write":
        data = random.randbytes(length)
        h.pwrite(data, offset)
        model[offset:offset + length] = data
    elif what in ("zero", "trim"):
        getattr(h, what)(length, offset)
        model[offset:offset + length] = bytes(length)
    read = h.pread(length, offset)
    assert read == model[offset:offset + length], (what, offset, length)
assert h.pread(len(model), 0) == model
END
    stop mirror
  done
done
