#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Under filters of nbdkit, which make odd clients, the mirror works as it
# does alone.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_filter blocksize fua nozero noextents noparallel readahead

for filters in "--filter=blocksize" "--filter=fua --filter=nozero" \
               "--filter=noparallel --filter=noextents" "--filter=readahead"; do
  random_disk 4M data
  random_disk 4M a.img b.img
  # shellcheck disable=SC2086
  nbdkit_once $filters "$MIRROR_SO" a.img b.img --run '
    nbdcopy --flush data "$uri" && nbdcopy "$uri" out
  '
  cmp data out
  cmp data a.img
  cmp data b.img
done
