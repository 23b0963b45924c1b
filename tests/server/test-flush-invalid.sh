#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg that says it can flush, and answers a flush with "invalid" or "not
# supported" when another one flushes, is out before the client is told that
# the flush succeeded.  It is not asked again: what it lost is told only once.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

for error in EINVAL EOPNOTSUPP; do
  disk 1M a.img b.img
  serve_with_flush a "echo flush >>'$dir/flushes'
                      echo $error invalid >&2; exit 1"
  serve_mirror "$(uri a)" b.img
  python <<'END_OF_CLIENT'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
h.pwrite(b"2" * 4096, 0)
h.flush()
assert h.pread(4096, 0) == b"2" * 4096
END_OF_CLIENT
  said_out a.sock
  test "$(wc -l <flushes)" = 1
  stop mirror
  stop a
  rm mirror.messages flushes a.img b.img
done
