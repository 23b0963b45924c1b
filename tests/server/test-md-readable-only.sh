#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An array with a bitmap of a kind that we cannot keep is served for reading
# with nbdkit -r; without it a client is refused.  The server says why, and
# since nbdkit 1.42 the client hears it, too.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_libnbd

md_array a.img b.img
random_disk 7M data
serve_mirror a.img b.img
client nbdcopy --flush data "$(uri mirror)"
stop mirror
python <<'END'
from mdtest import *

for disk in "a.img", "b.img":
    at = SUPER + 512 * get(read(disk, SUPER, 512), "i", 96)
    write(disk, at + 4, struct.pack("<I", 6))     # the bitmap's version
END
before=$(sums a.img b.img)

serve_mirror -r a.img b.img
client nbdinfo "$(uri mirror)" | grep "is_read_only: true"
client nbdcopy "$(uri mirror)" out
cmp data out
stop mirror

rm mirror.messages
serve_mirror a.img b.img
said 1 "^nbdkit: mirror: disk $dir/[ab].img: bitmap version 6.*nbdkit -r"
if client nbdinfo "$(uri mirror)" >refused 2>&1; then
  fail "a client was let in"
fi
cat refused
if nbdkit_since 42; then
  grep "bitmap version 6.*nbdkit -r" refused
fi
grep "client is refused: disk $dir/[ab].img: bitmap version 6.*nbdkit -r" \
  mirror.messages
# Clients that try again do not fill the log.
for ((i = 0; i < 5; i++)); do
  if client nbdinfo "$(uri mirror)" >refused 2>&1; then
    fail "a client was let in"
  fi
done
said 1 "client is refused"
stop mirror
test "$(sums a.img b.img)" = "$before"
