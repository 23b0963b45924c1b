#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A range is reported as a hole only if it is one on both legs.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_holes

# Data:   a.img [0, 1M)   b.img [2M, 3M)   both [6M, 7M)
disk 8M a.img b.img
random_disk 1M data
for at in a:0 b:2 a:6 b:6; do
  dd if=data of=${at%:*}.img bs=1M seek=${at#*:} conv=notrunc status=none
done
serve b file b.img
serve_mirror a.img "$(uri b)"
python <<'END'
from nbdtest import *

h = connect()
hole = nbd.STATE_HOLE | nbd.STATE_ZERO
state = {}
at = 0
while at < 8 * MiB:         # an answer may be short
    for offset, length, bits in extents(h, 8 * MiB - at, at):
        for megabyte in range(offset // MiB, (offset + length) // MiB):
            state[megabyte] = bits
        at = offset + length
expected = {m: 0 if m in (0, 2, 6) else hole for m in range(8)}
assert state == expected, state

# One only, if the client wants one.
assert extents(h, 8 * MiB, 0, nbd.CMD_FLAG_REQ_ONE) == [(0, MiB, 0)]
END
