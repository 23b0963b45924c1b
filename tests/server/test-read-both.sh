#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Reads that come together are shared out: each leg does some.

. "$(dirname "$0")/functions.sh"
requires_filter log
requires nbdcopy

random_disk 8M a.img b.img
for leg in a b; do
  serve $leg --filter=log file $leg.img logfile=$leg.log
done
serve_mirror "$(uri a)" "$(uri b)"
client nbdcopy --requests=16 --request-size=65536 "$(uri mirror)" out
cmp a.img out
# Other sizes are the search for superblocks.
for leg in a b; do
  grep -c ' Read id=.* count=0x10000 ' $leg.log
done
