#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A resync writes only what differs: new files that are all holes stay so, and
# what is on one of them only is on both afterwards.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 64M a.img b.img
"$NBDMIRROR" create --yes a.img b.img
data=$(md_data a.img)
printf once | dd of=a.img bs=1 seek=$((data + 20000000)) conv=notrunc status=none

serve_mirror a.img b.img
hold_mirror
wait_until md_is b.img clean true
stop mirror
cmp -i "$data" -n $((60 << 20)) a.img b.img
for disk in a.img b.img; do
  test "$(du -k $disk | cut -f 1)" -lt 2048
done
