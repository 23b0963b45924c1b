#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A client that stays connected and idle does not keep the server: after
# SIGTERM all disks are flushed, then its connection is closed, and the server
# ends in order.

. "$(dirname "$0")/functions.sh"
requires_filter log
requires_libnbd

disk 1M a.img b.img
for leg in a b; do
  serve $leg --filter=log file $leg.img logfile=$leg.log
done
serve_mirror "$(uri a)" "$(uri b)"
python <<'END' &
from nbdtest import *

h = connect()
h.pwrite(b"x" * 4096, 0)
open("written", "w").close()
while not h.aio_is_closed():
    h.poll(-1)
END
client=$!
wait_until test -e written
stop mirror
finished $client        # it saw its connection end

for leg in a b; do
  stop $leg
  # The last thing that it was asked for, before both connections said goodbye.
  grep -o -E ' (Write|Flush|Disconnect) ' $leg.log | uniq >$leg.seen
  diff - $leg.seen <<'END'
 Write 
 Flush 
 Disconnect 
END
done
said 0 .
