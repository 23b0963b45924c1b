#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a client is told when it connects.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires nbdinfo

disk 10M a.img b.img
serve_mirror a.img b.img
python <<'END'
from nbdtest import *

h = connect()
assert h.get_size() == 10 * MiB
assert not h.is_read_only()
assert h.can_multi_conn()
assert h.can_flush()
assert h.can_fua()
assert h.can_zero()
assert h.can_fast_zero()
assert h.can_trim()
assert h.can_cache()
assert h.can_meta_context("base:allocation")
assert h.get_block_size(nbd.SIZE_MINIMUM) == 1
assert h.get_block_size(nbd.SIZE_PREFERRED) == 4096
assert h.get_block_size(nbd.SIZE_MAXIMUM) == 32 * MiB
END
client nbdinfo "$(uri mirror)" | tee info
grep "2 of 2 disks in sync" info
