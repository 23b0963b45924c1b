#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# 64 clients at once: each finds what it wrote, and the legs are the same.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 64M a.img b.img
serve b file b.img
serve_mirror a.img "$(uri b)"
python <<'END'
from nbdtest import *

clients = [connect() for i in range(64)]
for turn in range(4):
    writes = []
    for i, h in enumerate(clients):
        data = bytes([i, turn]) * (64 * KiB)
        for part in range(8):
            at = i * MiB + part * 128 * KiB
            writes.append((h, aio_pwrite(h, data, at)))
    for h, cookie in writes:
        finish(h, cookie)
    # Each reads what its neighbour wrote.
    reads = []
    for i, h in enumerate(clients):
        buffer = nbd.Buffer(MiB)
        neighbour = (i + 1) % 64
        reads.append((h, h.aio_pread(buffer, neighbour * MiB), buffer,
                      bytes([neighbour, turn])))
    for h, cookie, buffer, pattern in reads:
        finish(h, cookie)
        assert buffer.to_bytearray() == pattern * (MiB // 2)
clients[0].flush()
END
stop mirror
cmp a.img b.img
