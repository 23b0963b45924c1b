#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The largest requests of NBD, 64 MiB, and the largest zero requests, beyond
# 2 GiB; over a local leg and over a remote one that takes at most 1 MiB.

. "$(dirname "$0")/functions.sh"
requires_filter blocksize-policy
requires_libnbd

disk 4200M a.img b.img
serve b --filter=blocksize-policy file b.img blocksize-maximum=1M \
  blocksize-error-policy=error
serve_mirror a.img "$(uri b)"
python <<'END'
from nbdtest import *

# Larger than the maximum that is advertised.
h = connect(strict=False)
data = random.randbytes(64 * MiB)
at = 4096 * MiB + 1
h.pwrite(data, at)
assert h.pread(64 * MiB, at) == data
h.zero(4096 * MiB - 1, at - 4096 * MiB + 1 + 32 * MiB)
assert h.pread(64 * MiB, at) == bytes(32 * MiB) + data[32 * MiB:]
h.trim(4096 * MiB - 1, 0)
END
stop mirror
cmp -i 4G a.img b.img
