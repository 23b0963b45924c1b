#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# When both legs fail a write the client gets the error at once, no leg is
# taken out, and after the legs have healed the mirror is whole again.

. "$(dirname "$0")/functions.sh"
requires_filter error
requires_libnbd

disk 1M a.img b.img
for leg in a b; do
  serve $leg --filter=error file $leg.img error-pwrite-rate=100% \
    error-file="$dir/broken"
done
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

h = connect()
import errno, os
h.pwrite(b"1" * 65536, 0)
open("broken", "w").close()
for i in range(3):
    try:
        h.pwrite(b"2" * 65536, 0)
        assert False, "succeeded"
    except nbd.Error as e:
        assert e.errnum == errno.EIO, e
os.unlink("broken")
h.pwrite(b"3" * 65536, 0)
h.flush()
assert h.pread(65536, 0) == b"3" * 65536
END
said 0 "OUT OF THE MIRROR"
said 1 "a write failed on every disk"
said 1 .
cmp a.img b.img
test "$(head -c 65536 b.img | tr -d 3 | wc -c)" = 0
