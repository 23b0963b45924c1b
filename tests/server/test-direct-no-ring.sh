#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Where the kernel forbids io_uring, as containers do, everything works
# without it; --dump-plugin says so.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_direct
CC=${CC:-cc}
nbdkit --dump-plugin "$MIRROR_SO" | grep -q mirror_io_uring=not-built \
  && skip "the plugin is built without io_uring"

# shellcheck disable=SC2086  # CC may be two words
$CC -shared -fPIC -o no-ring.so -x c - <<'END' || skip "$CC does not work"
#include <errno.h>
int
io_uring_queue_init (void)
{
  return -EPERM;
}
END
LD_PRELOAD=$dir/no-ring.so nbdkit --dump-plugin "$MIRROR_SO" |
  grep -x mirror_io_uring=no-permission

random_disk 8M data
for cache in page none; do
  rm -f [ab].img
  disk 8M a.img b.img
  started mirror env LD_PRELOAD="$dir/no-ring.so" nbdkit -f \
    -P "$dir/mirror.pid" -U "$dir/mirror.sock" \
    "$MIRROR_SO" a.img b.img cache=$cache
  client nbdcopy --connections=4 --flush data "$(uri mirror)"
  client nbdcopy --connections=4 "$(uri mirror)" out
  stop mirror
  said 0 "nbdkit: error: "
  cmp data out
  cmp data a.img
  cmp data b.img
done
