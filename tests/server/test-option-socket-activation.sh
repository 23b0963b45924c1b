#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server can be handed its socket, as systemd does; it stops when told to,
# also while a client stays connected over TCP.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_libnbd

disk 4M a.img b.img
random_disk 4M data
serve_tcp mirror "$MIRROR_SO" a.img b.img
client nbdcopy --flush data "nbd://localhost:$port"
cmp data a.img
cmp data b.img

python "$port" <<'END' &
from nbdtest import *

h = nbd.NBD()
h.connect_tcp("localhost", sys.argv[1])
open("connected", "w").close()
h.poll(-1)
END
client=$!
wait_until test -e connected
stop mirror
finished $client
