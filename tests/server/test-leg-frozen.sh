#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg whose server no longer answers is out after its timeout; the client
# waits so long, and sees no error.  The mirror can be stopped although the
# leg is still frozen.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

disk 16M a.img b.img
random_disk 16M data
serve a file a.img
serve_mirror "$(uri a)" b.img timeout=1

freeze a
client nbdcopy --connections=4 --flush data "$(uri mirror)"
client nbdcopy "$(uri mirror)" out
cmp data out
cmp data b.img
said_out a.sock
said 1 .
stop mirror
