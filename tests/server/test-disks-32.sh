#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# As many disks as there may be, 32: as mirrors of one another, and as raid10.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

disks=()
for n in {01..32}; do
  disks+=("disk$n.img")
done
for cache in page none; do
  test $cache = page || requires_direct
  rm -f disk*.img
  disk 1M "${disks[@]}"
  random_disk 1M data
  nbdkit_once "$MIRROR_SO" "${disks[@]}" cache=$cache --run '
    nbdcopy --flush data "$uri"
  '
  for disk in "${disks[@]}"; do
    cmp data "$disk"
  done

  random_disk 16M data
  nbdkit_once "$MIRROR_SO" "${disks[@]}" cache=$cache level=raid10 \
    chunk=64K --run 'nbdcopy --flush data "$uri" && nbdcopy "$uri" out'
  cmp data out
done
