#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A write that a slow disk still owes when the server is told to stop is waited
# for, as long as timeout= allows: nobody is given up, and the disks are alike.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_filter delay
random_disk 1M a.img b.img
serve a file a.img
serve b --filter=delay file b.img wdelay=4
serve_mirror "$(uri a)" "$(uri b)" timeout=10
python <<'EOF' &
from nbdtest import *

h = connect()
cookie = h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(b"x" * 65536)), 0)
while not open("a.img", "rb").read(1) == b"x":
    h.poll(10)
open("sent", "w").close()
while not h.aio_command_completed(cookie):
    h.poll(-1)
EOF
client=$!
wait_until test -e sent
stop mirror
finished $client
said 0 "OUT OF THE MIRROR"
said 0 "giving up"
cmp a.img b.img
