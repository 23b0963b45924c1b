#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# connections= is how many there are to a remote disk whose server offers
# multi-conn; where it offers none there is one.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_filter log
requires_filter multi-conn

# with MODE PARAMETER...: how many there are to b, whose server offers
# multi-conn or not, while a client reads and writes.
with ()
{
  local mode=$1
  shift
  serve b --filter=log --filter=multi-conn file b.img logfile="$dir/b.log" \
    multi-conn-mode="$mode"
  serve_mirror a.img "$(uri b)" "$@"
  python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"x" * 4 * MiB, 0)
h.flush()
assert h.pread(4 * MiB, 0) == b"x" * 4 * MiB
h.shutdown()
END
  stop mirror
  stop b
  cmp a.img b.img
  count=$(grep -c " Connect " b.log)
  rm b.log a.img b.img
  disk 8M a.img b.img
}

disk 8M a.img b.img
with auto
test "$count" = 2
for connections in 1 5 16; do
  with auto connections=$connections
  test "$count" = $connections
done
with disable connections=5
test "$count" = 1
