#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= the server is killed while clients write: no acknowledged write is
# lost, and the next start brings together what may differ, and no more: the
# images are equal then.

. "$(dirname "$0")/functions.sh"
requires_libnbd

random_disk 20000001 a.img b.img
for round in 1 2 3; do
  serve_mirror a.img b.img state=state
  rm -f acknowledged
  python "$round" <<'END' &
from nbdtest import *
import random
import sys

# Block by block, each with its number; what is acknowledged is on the list.
chance = random.Random(int(os.environ["MIRROR_SEED"]) * 10 + int(sys.argv[1]))
h = connect()
try:
    with open("acknowledged", "w", buffering=1) as done:
        for number in range(1000000):
            at = chance.randrange(19000000 // 4096)
            h.pwrite(number.to_bytes(8, "little") * 512, at * 4096)
            print(at, number, file=done)
except nbd.Error:
    pass
END
  client=$!
  enough () { test "$(cat acknowledged 2>/dev/null | wc -l)" -ge 300; }
  wait_until enough
  kill_server mirror
  wait $client
  # As if one disk had not got a write that was under way: its region is dirty.
  at=$(tail -n 1 acknowledged | cut -d' ' -f1)
  printf junk | dd of=b.img bs=1 seek=$((at * 4096 + 5)) conv=notrunc \
    status=none

  serve_mirror a.img b.img state=state
  python <<'END'
from nbdtest import *
check_acknowledged(connect(), "acknowledged")
END
  stop mirror
  cmp a.img b.img || fail "round $round: the images differ"
done
test "$(stat -c %s a.img)" = 20000001
