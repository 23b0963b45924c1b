#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Reads that a frozen leg owes are answered by the other leg after the
# timeout.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

random_disk 16M a.img b.img
for leg in a b; do
  serve $leg file $leg.img
done
serve_mirror "$(uri a)" "$(uri b)" timeout=1
freeze b
client nbdcopy --connections=4 "$(uri mirror)" out
cmp a.img out
said_out b.sock
stop mirror
