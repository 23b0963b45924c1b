#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The only leg that is left fails writes and reads: the client gets the
# errors, never the old data of the leg that is out; people are told once
# that this is the last copy; and it serves again as soon as it can.

. "$(dirname "$0")/functions.sh"
requires_filter error
requires_libnbd

disk 1M a.img b.img
serve a --filter=error file a.img error-pwrite-rate=100% \
  error-file="$dir/broken-a"
serve b --filter=error file b.img error-pread-rate=100% \
  error-pwrite-rate=100% error-file="$dir/broken-b"
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

h = connect()
import errno, os
h.pwrite(b"1" * 65536, 0)
open("broken-a", "w").close()
h.pwrite(b"2" * 65536, 0)
os.unlink("broken-a")

def fails(call, *arguments):
    try:
        call(*arguments)
        assert False, "succeeded"
    except nbd.Error as e:
        assert e.errnum == errno.EIO, e

open("broken-b", "w").close()
for i in range(3):
    fails(h.pread, 65536, 0)
    fails(h.pwrite, b"3" * 65536, 65536)
os.unlink("broken-b")

assert h.pread(65536, 0) == b"2" * 65536
h.pwrite(b"4" * 65536, 65536)
assert h.pread(65536, 65536) == b"4" * 65536
END
said_out a.sock
said 0 "b.sock.*OUT OF THE MIRROR"
# Without another leg, all of its write errors are "every disk's".
said 1 "a write failed on every disk"
