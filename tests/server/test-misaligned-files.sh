#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Through the page cache every offset and length works, a single byte, too.

. "$(dirname "$0")/functions.sh"
requires_libnbd

random_disk 1M a.img b.img
cp a.img model
serve b file b.img
serve_mirror a.img "$(uri b)"
python <<'END'
from nbdtest import *

h = connect()
model = bytearray(open("model", "rb").read())
for offset, length in (0, 1), (1, 1), (511, 2), (4095, 4098), (MiB - 1, 1):
    h.pwrite(b"w" * length, offset)
    model[offset:offset + length] = b"w" * length
    h.zero(1, offset + 10000 if offset < MiB - 1 else 7)
    model[offset + 10000 if offset < MiB - 1 else 7] = 0
assert h.pread(MiB, 0) == model
for offset, length in (0, 1), (4093, 5), (MiB - 3, 3):
    assert h.pread(length, offset) == model[offset:offset + length]
END
stop mirror
cmp a.img b.img
