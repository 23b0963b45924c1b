#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Overlapping writes of several clients, to legs that carry them out in
# different order, leave the legs the same.

. "$(dirname "$0")/functions.sh"
requires_filter delay
requires_libnbd

disk 256K a.img b.img
# The delays of requests that come together end in any order.
serve a --filter=delay file a.img wdelay=1ms
serve b file b.img
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

clients = [connect() for i in range(8)]
for turn in range(50):
    writes = []
    for n in range(4):
        for i, h in enumerate(clients):
            length = random.choice((4, 8, 12)) * KiB
            at = random.randrange(0, 64 * KiB, 4 * KiB)
            data = bytes([i * 4 + n]) * length
            writes.append((h, aio_pwrite(h, data, at)))
    for h, cookie in writes:
        finish(h, cookie)
    # All acknowledged, so all on both.
    assert open("a.img", "rb").read() == open("b.img", "rb").read(), turn
END
