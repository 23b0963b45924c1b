#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg that fails reads: the other one answers, people hear of it exactly
# once, and the leg still gets every write.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_filter error

random_disk 16M a.img b.img before
serve a --filter=error file a.img error-pread-rate=100% \
  error-file="$dir/broken"
serve_mirror "$(uri a)" b.img

touch broken
client nbdcopy --connections=4 "$(uri mirror)" out
cmp before out
said 1 "a.sock.*a read failed"
said 1 .

random_disk 16M after
client nbdcopy --flush after "$(uri mirror)"
cmp after a.img
cmp after b.img
said 1 .
