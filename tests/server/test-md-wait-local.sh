#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A local member that is not there is waited for as a remote one is: its device
# may be slow, and its name may have a typing error that can still be mended.

. "$(dirname "$0")/functions.sh"

md_array a.img b.img
mv b.img elsewhere.img
before=$(sums a.img elsewhere.img)
rm -f mirror.pid
nbdkit -f -P "$dir/mirror.pid" -U "$dir/mirror.sock" \
  "$MIRROR_SO" a.img b.img degraded=wait:86400 2>>mirror.messages &
server[mirror]=$!
wait_until grep -q "waiting up to 86400 s" mirror.messages
said 1 "^nbdkit: mirror: waiting .* for disk $dir/b.img: .*check the name"
test ! -e mirror.pid

mv elsewhere.img b.img
wait_until is_up mirror
client nbdinfo "$(uri mirror)" | grep "2 of 2 disks in sync"
said 0 "DEGRADED"
said 0 "error"
stop mirror
mv b.img elsewhere.img
test "$(sums a.img elsewhere.img)" = "$before"

# A plain array has to have all of them, at once.
disk 1M c.img d.img
refused "disk $dir/none.img: does not exist; check the name" c.img none.img
