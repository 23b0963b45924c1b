#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# nbdkit -t 1: requests run one after the other in the connection's own
# thread, and everything works.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

disk 8M a.img b.img
random_disk 8M data
serve b file b.img
nbdkit_once -t 1 "$MIRROR_SO" a.img "$(uri b)" --run '
  nbdcopy --connections=4 --requests=16 --flush data "$uri" &&
  nbdcopy --connections=4 --requests=16 "$uri" out
'
cmp data out
cmp data a.img
cmp data b.img
