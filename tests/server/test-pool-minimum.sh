#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With the smallest pool everything works, under load and with requests that
# need more children than there are; one less is refused, and why is said.

. "$(dirname "$0")/functions.sh"
requires_filter blocksize-policy
requires nbdcopy

disk 16M a.img b.img c.img
for leg in a b; do
  serve $leg --filter=blocksize-policy file $leg.img blocksize-maximum=64K \
    blocksize-error-policy=error
done

nbdkit_once "$MIRROR_SO" "$(uri a)" "$(uri b)" c.img pool=2 \
  --run true 2>refused && fail "a pool of 2 was not refused"
cat refused
grep "pool=2 is too small: 3 disks need at least 3 (.*one.*each disk)" refused

serve_mirror "$(uri a)" "$(uri b)" c.img pool=3
clients=()
for turn in 1 2 3 4; do
  random_disk 16M data$turn
  client nbdcopy --connections=4 --requests=16 --request-size=4194304 \
    --flush data$turn "$(uri mirror)" &
  clients+=($!)
done
finished "${clients[@]}"
client nbdcopy --connections=4 --requests=16 --request-size=4194304 \
  "$(uri mirror)" out
said 0 .
stop mirror
cmp out a.img
cmp out b.img
cmp out c.img
