#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server of a leg is killed while it owes answers to reads: all of them
# are answered by the other leg.

. "$(dirname "$0")/functions.sh"
requires_libnbd

random_disk 16M a.img b.img
for leg in a b; do
  serve $leg file $leg.img
done
serve_mirror "$(uri a)" "$(uri b)"
# Frozen first, so that reads are certainly under way when it dies.
freeze a
python "${server[a]}" <<'END'
from nbdtest import *

h = connect()
data = open("b.img", "rb").read()
block = 256 * KiB
reads = []
for at in range(0, len(data), block):
    buffer = nbd.Buffer(block)
    reads.append((at, buffer, h.aio_pread(buffer, at)))
h.poll(0)
os.kill(int(sys.argv[1]), signal.SIGKILL)
for at, buffer, cookie in reads:
    finish(h, cookie)
    assert buffer.to_bytearray() == data[at:at + block], at
END
said_out a.sock
stop mirror
