#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A client that stays is cut off at the stop, but not before all disks have
# been flushed.

. "$(dirname "$0")/functions.sh"
requires_libnbd
disk 1M a.img b.img
serve_with_flush a 'sleep 1; touch flushed-a'
serve b file b.img
serve_mirror "$(uri a)" "$(uri b)"
python <<'EOF' &
from nbdtest import *

h = connect()
h.pwrite(b"x" * 4096, 0)
open("written", "w").close()
while not h.aio_is_closed() and not h.aio_is_dead():
    try: h.poll(-1)
    except nbd.Error: break
assert os.path.exists("flushed-a")      # before its connection was cut
EOF
client=$!
wait_until test -e written
stop mirror
finished $client
