#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server of a leg is killed while it owes answers to writes: all of them
# succeed, people hear of it once, and the other leg has everything.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 16M a.img b.img
random_disk 16M data
for leg in a b; do
  serve $leg file $leg.img
done
serve_mirror "$(uri a)" "$(uri b)"
# Frozen first, so that writes are certainly under way when it dies.
freeze a
python "${server[a]}" <<'END'
from nbdtest import *

h = connect()
data = open("data", "rb").read()
block = 256 * KiB
writes = [aio_pwrite(h, data[at:at + block], at)
          for at in range(0, len(data), block)]
h.poll(0)
os.kill(int(sys.argv[1]), signal.SIGKILL)
for cookie in writes:
    finish(h, cookie)
h.flush()
END
cmp data b.img
said_out a.sock
said 1 .
stop mirror
