#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The servers of both legs die: every request gets an error instead of
# hanging, and the mirror still stops.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 1M a.img b.img
for leg in a b; do
  serve $leg file $leg.img
done
serve_mirror "$(uri a)" "$(uri b)"
kill_server a
kill_server b
python <<'END'
from nbdtest import *

h = connect()
import errno

def fails(call, *arguments):
    try:
        call(*arguments)
        assert False, "succeeded"
    except nbd.Error as e:
        assert e.errnum == errno.EIO, e

for i in range(3):
    fails(h.pwrite, b"x" * 4096, 0)
    fails(h.pread, 4096, 0)
    fails(h.zero, 4096, 0)
    fails(h.flush)
END
stop mirror
