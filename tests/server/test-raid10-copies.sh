#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Each disk of a raid10 array can be missing: everything is on two of them.
# Its server is killed, and the array still reads as what was written.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

for layout in n2 f2 o2; do
  for victim in a b c; do
    rm -f [abc].img
    disk 8M a.img b.img c.img
    for leg in a b c; do
      serve $leg file $leg.img
    done
    serve_mirror "$(uri a)" "$(uri b)" "$(uri c)" \
      level=raid10 layout=$layout chunk=64K
    size=$(client nbdinfo --size "$(uri mirror)")
    random_disk "$size" data
    client nbdcopy --flush data "$(uri mirror)"
    kill_server $victim
    client nbdcopy "$(uri mirror)" out
    cmp data out
    stop mirror
    for leg in a b c; do
      test $leg = $victim || stop $leg
    done
  done
done
