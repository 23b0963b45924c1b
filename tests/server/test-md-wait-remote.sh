#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A remote member that is not there yet is waited for, and takes part when it
# comes.

. "$(dirname "$0")/functions.sh"

md_array a.img b.img
rm -f mirror.pid
nbdkit -f -P "$dir/mirror.pid" -U "$dir/mirror.sock" \
  "$MIRROR_SO" a.img "$(uri b)" degraded=wait:86400 2>>mirror.messages &
server[mirror]=$!
wait_until grep -q "waiting up to 86400 s" mirror.messages
said 1 "waiting up to .* for disk [^ ]*b.sock: "
test ! -e mirror.pid

serve b file b.img
wait_until is_up mirror
client nbdinfo "$(uri mirror)" | grep "2 of 2 disks in sync"
said 0 "DEGRADED"
stop mirror
