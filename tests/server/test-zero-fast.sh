#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A fast zero is refused, and nothing touched, when one leg would have to be
# sent zeroes; where both can, it leaves zeroes.

. "$(dirname "$0")/functions.sh"
requires_filter nozero
requires_libnbd

random_disk 4M a.img b.img
cp a.img before
serve a --filter=nozero file a.img
serve_mirror "$(uri a)" b.img
python <<'END'
from nbdtest import *

h = connect()
fails(errno.ENOTSUP, h.zero, MiB, MiB, nbd.CMD_FLAG_FAST_ZERO)
# Plain zero still works.
h.zero(MiB, 3 * MiB)
END
stop mirror
cmp a.img b.img
cmp -n 3M a.img before

serve_mirror a.img b.img
python <<'END'
from nbdtest import *

h = connect()
h.zero(MiB, MiB, nbd.CMD_FLAG_FAST_ZERO)
assert h.pread(MiB, MiB) == bytes(MiB)
END
cmp a.img b.img
