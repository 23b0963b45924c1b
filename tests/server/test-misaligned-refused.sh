#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Where a leg takes whole blocks only, clients are told so, and what does not
# fit is refused with EINVAL; the leg stays in.

. "$(dirname "$0")/functions.sh"
requires_filter blocksize-policy
requires_libnbd

random_disk 1M a.img b.img
cp a.img before

try ()
{
  python <<'END'
from nbdtest import *

h = connect(strict=False)
block = h.get_block_size(nbd.SIZE_MINIMUM)
assert block >= 512
for offset, length in (0, 1), (1, block), (block, block + 1):
    fails(errno.EINVAL, h.pwrite, b"x" * length, offset)
    fails(errno.EINVAL, h.zero, length, offset)
    fails(errno.EINVAL, h.pread, length, offset)
    fails(errno.EINVAL, h.trim, length, offset)
h.pwrite(h.pread(block, 0), block)
h.pwrite(h.pread(block, 2 * block), 0, nbd.CMD_FLAG_FUA)
END
  said 0 "nbdkit: error: "
  stop mirror
  cmp a.img b.img
}

serve b --filter=blocksize-policy file b.img blocksize-minimum=512 \
  blocksize-error-policy=error
serve_mirror a.img "$(uri b)"
try
stop b

requires_direct
serve_mirror a.img b.img cache=none
try
