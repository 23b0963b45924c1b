#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg begins to fail writes: the client sees no error, people hear of it
# exactly once, and the other leg has everything.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_filter error

disk 16M a.img b.img
serve a --filter=error file a.img error-pwrite-rate=100% \
  error-file="$dir/broken"
serve_mirror "$(uri a)" b.img

random_disk 16M before
client nbdcopy --flush before "$(uri mirror)"
cmp before a.img
said 0 .

touch broken
random_disk 16M after
client nbdcopy --connections=4 --flush after "$(uri mirror)"
client nbdcopy "$(uri mirror)" out
cmp after out
cmp after b.img
said_out a.sock
said 1 .

# It stays out although it could write again: its data is old.
rm broken
client nbdcopy --flush before "$(uri mirror)"
cmp before b.img
client nbdinfo "$(uri mirror)" | grep "1 of 2 disks in sync"
said 1 .
