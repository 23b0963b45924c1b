#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# nbdkit -s: one client, on standard input and output; when it goes, the
# server ends, and the disks are the same.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 1M a.img b.img
serve b file b.img
MIRROR_SO=$MIRROR_SO leg=$(uri b) python <<'END'
from nbdtest import *

h = nbd.NBD()
h.connect_command(["nbdkit", "-s", "--exit-with-parent",
                   os.environ["MIRROR_SO"], "a.img", os.environ["leg"]])
h.pwrite(b"x" * 65536, 4096)
h.flush()
h.shutdown()
END
cmp a.img b.img
test "$(tr -d '\0' <a.img | wc -c)" = 65536
