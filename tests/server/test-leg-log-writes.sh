#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every write reaches both legs as it is: once, where it belongs, with FUA if
# the client asked for it; and so do zeroes and flushes.  A zero with FUA is
# flushed afterwards: a leg that cannot zero gets writes instead, and an error
# would not tell which of the two was lost.

. "$(dirname "$0")/functions.sh"
requires_filter log
requires_libnbd

disk 1M a.img b.img
for leg in a b; do
  serve $leg --filter=log file $leg.img logfile=$leg.log
done
serve_mirror "$(uri a)" "$(uri b)"
# The order in the logs is the client's: it waits for each.
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
h.pwrite(b"2" * 512, 65536, nbd.CMD_FLAG_FUA)
h.zero(8192, 131072, nbd.CMD_FLAG_FUA | nbd.CMD_FLAG_NO_HOLE)
h.flush()
END
stop mirror

for leg in a b; do
  grep -o -E ' (Write|Zero) id=.*count=.*' $leg.log |
    sed -E -e 's/ id=[0-9]+//' -e 's/ \.\.\.$//' | tee $leg.seen
  diff - $leg.seen <<'END'
 Write offset=0x0 count=0x1000 fua=0
 Write offset=0x10000 count=0x200 fua=1
 Zero offset=0x20000 count=0x2000 trim=0 fua=0 fast=0
END
  test "$(grep -c ' Flush id=.*\.\.\.' $leg.log)" = 3   # and one at the stop
done
