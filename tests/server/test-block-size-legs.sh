#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg's smallest block is what clients are told; requests that are larger
# than a leg takes are split for it.

. "$(dirname "$0")/functions.sh"
requires_filter blocksize-policy
requires_libnbd
requires nbdcopy

disk 8M a.img b.img
random_disk 8M data
serve a --filter=blocksize-policy file a.img blocksize-minimum=4096 \
  blocksize-preferred=16K blocksize-maximum=64K blocksize-error-policy=error
serve_mirror "$(uri a)" b.img
python <<'END'
from nbdtest import *

h = connect()
assert h.get_block_size(nbd.SIZE_MINIMUM) == 4096
assert h.get_block_size(nbd.SIZE_PREFERRED) == 16 * KiB
assert h.get_block_size(nbd.SIZE_MAXIMUM) == 32 * MiB
h.pwrite(random.randbytes(8 * MiB), 0)
END
client nbdcopy --request-size=1048576 --flush data "$(uri mirror)"
client nbdcopy --request-size=1048576 "$(uri mirror)" out
said 0 "nbdkit: error: "
said 1 "a.sock: is read and written in blocks of 4096 bytes"
cmp data out
cmp data a.img
cmp data b.img
