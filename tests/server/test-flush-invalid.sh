#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg that answers a flush with "invalid" stays in the mirror, and the
# client is not told that the flush succeeded; nor any later one, since what
# that leg may have lost will not be told again.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

disk 1M a.img b.img
serve_with_flush a 'test ! -e "$(dirname "$image")/broken" ||
                    { echo EINVAL invalid >&2; exit 1; }'
serve_mirror "$(uri a)" b.img
python <<'END'
from nbdtest import *

h = connect()
open("broken", "w").close()
h.pwrite(b"1" * 4096, 0)
fails(errno.EIO, h.flush)
os.unlink("broken")
h.pwrite(b"2" * 4096, 0)
fails(errno.EIO, h.flush)
END
said 0 "OUT OF THE MIRROR"
cmp a.img b.img
