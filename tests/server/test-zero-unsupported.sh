#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg that answers "invalid" to a zero request, or has none, gets written
# zeroes and stays in; so does the other leg get its own.

. "$(dirname "$0")/functions.sh"
requires_filter error nozero
requires_libnbd

for leg in "--filter=error file a.img error-zero=EINVAL error-zero-rate=100%" \
           "--filter=nozero file a.img"; do
  random_disk 4M a.img b.img
  # shellcheck disable=SC2086
  serve a $leg
  serve_mirror "$(uri a)" b.img
  python <<'END'
from nbdtest import *

h = connect()
h.zero(MiB, 0)
h.zero(MiB, 2 * MiB, nbd.CMD_FLAG_NO_HOLE)
h.zero(1000, MiB + 1, nbd.CMD_FLAG_FUA)
assert h.pread(MiB, 0) == bytes(MiB)
assert h.pread(MiB, 2 * MiB) == bytes(MiB)
assert h.pread(1000, MiB + 1) == bytes(1000)
END
  said 0 .
  stop mirror
  stop a
  cmp a.img b.img
  cmp -n 1M b.img /dev/zero
done
