#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# sync_max= bounds how fast disks are brought together: so many bytes take so
# long at least.  (How fast it can be is a matter for make bench.)

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 8M a.img b.img
"$NBDMIRROR" create --yes --bitmap none a.img b.img
size=$(md_field a.img array size)

serve_mirror a.img b.img sync_max=4M
began=$(date +%s%N)
hold_mirror
wait_until md_is b.img clean true
took=$((($(date +%s%N) - began) / 1000000))
stop mirror
least=$((size * 1000 / (4 * 1024 * 1024)))
test "$took" -ge "$least" || fail "$size bytes took $took ms, not $least"
