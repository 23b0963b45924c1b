#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SIGTERM while a frozen leg owes the answer to a client's write: the server
# ends in order all the same.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 1M a.img b.img
serve a file a.img
serve_mirror "$(uri a)" b.img timeout=1
freeze a
python <<'END' &
from nbdtest import *

h = connect()
aio_pwrite(h, b"x" * 4096, 0)
while h.aio_in_flight() and not open("b.img", "rb").read(1) == b"x":
    h.poll(10)
open("written", "w").close()
try:
    while not h.aio_is_closed():
        h.poll(-1)
except nbd.Error:
    pass
END
client=$!
wait_until test -e written
stop mirror
finished $client
