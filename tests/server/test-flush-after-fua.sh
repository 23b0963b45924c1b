#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A write with FUA that fails may be all that is ever heard of earlier writes
# that were lost: no flush is believed after it.  "Invalid" may stand for any
# error that NBD has no number for.

. "$(dirname "$0")/functions.sh"
requires_filter error
requires_libnbd

# The error, and whether disk b is there to fail it, too.
for how in "EIO 2" "EINVAL 2" "EIO 1" "EINVAL 1"; do
  read -r error legs <<<"$how"
  disk 1M a.img b.img
  for leg in a b; do
    serve $leg --filter=error file $leg.img error="$error" \
      error-pwrite-rate=100% error-file="$dir/broken-$leg"
  done
  serve_mirror "$(uri a)" "$(uri b)"
  python "$legs" <<'END_OF_CLIENT'
from nbdtest import *

h = connect()
if sys.argv[1] == "1":
    open("broken-b", "w").close()
h.pwrite(b"1" * 4096, 0)
h.flush()
open("broken-a", "w").close()
open("broken-b", "w").close()
try:
    h.pwrite(b"2" * 4096, 0, nbd.CMD_FLAG_FUA)
    assert False, "succeeded"
except nbd.Error as e:
    assert e.errnum in (errno.EIO, errno.EINVAL), e
os.unlink("broken-a")
os.unlink("broken-b")
h.pwrite(b"3" * 4096, 0)
for i in range(2):
    fails(errno.EIO, h.flush)
END_OF_CLIENT
  said 1 "every flush fails from now on"
  said $((2 - legs)) "OUT OF THE MIRROR"
  stop mirror || :
  stop a
  stop b
  rm mirror.messages ./*.img
done
