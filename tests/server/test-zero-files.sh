#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A zero request leaves zeroes on both files: with permission to trim as a
# hole, without as allocated space.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_holes

random_disk 4M a.img b.img
serve_mirror a.img b.img
python <<'END'
from nbdtest import *

h = connect()
def allocated():
    for image in "a.img", "b.img":
        os.sync()
        yield os.stat(image).st_blocks

before = list(allocated())
h.zero(MiB, MiB, nbd.CMD_FLAG_NO_HOLE)
assert list(allocated()) == before
h.zero(MiB, 2 * MiB)
assert list(allocated()) == [blocks - 2048 for blocks in before]
for image in "a.img", "b.img":
    data = open(image, "rb").read()
    assert data[MiB:3 * MiB] == bytes(2 * MiB)
    assert data[:MiB] != bytes(MiB) and data[3 * MiB:] != bytes(MiB)
END
cmp a.img b.img
