#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The flush of the last copy fails once: no later flush succeeds, even if the
# leg says so, since what it lost is lost.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

disk 1M a.img b.img
broken='test ! -e "$(dirname "$image")/broken" ||
        { echo EIO broken >&2; exit 1; }'
serve_with_flush a "$broken"
serve_with_flush b "$broken"
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
open("broken", "w").close()
fails(errno.EIO, h.flush)
os.unlink("broken")
for i in range(3):
    fails(errno.EIO, h.flush)
# Another client is not told otherwise.
fails(errno.EIO, connect().flush)
# It can still be copied away.
assert len(h.pread(4096, 0)) == 4096
END
said 1 "OUT OF THE MIRROR"
said 1 "LAST COPY"
said 1 "every flush fails from now on"
said 3 .
