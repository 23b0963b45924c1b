#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# nbdkit -u: disks that only root may open are opened while we are root, and
# served by nobody.

. "$(dirname "$0")/functions.sh"
test "$(id -u)" = 0 || skip "only root can do this"
getent passwd nobody || skip "nobody is unknown here"
requires nbdcopy

disk 4M a.img b.img
random_disk 4M data
chmod 600 a.img b.img
serve b file b.img
nbdkit_once -u nobody "$MIRROR_SO" a.img "$(uri b)" --run '
  test "$(stat -c %u /proc/$(pgrep -P $PPID nbdkit))" != 0 &&
  nbdcopy --flush data "$uri"
'
cmp data a.img
cmp data b.img
