#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# nbdcopy, with several connections and many requests under way, copies an
# image in and out.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

random_disk 64M data
disk 64M a.img b.img
nbdkit_once "$MIRROR_SO" a.img b.img --run '
  set -e
  nbdcopy --connections=4 --requests=64 --flush data "$uri"
  nbdcopy --connections=4 --requests=64 "$uri" out
'
cmp data out
cmp data a.img
cmp data b.img
