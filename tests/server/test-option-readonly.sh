#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# nbdkit -r: writes are refused, and nothing changes on any disk, not even
# its modification time.

. "$(dirname "$0")/functions.sh"
requires_filter log
requires_libnbd

random_disk 1M a.img b.img
touch -d "2001-01-01" a.img b.img
serve b --filter=log file b.img logfile=b.log
serve mirror -r "$MIRROR_SO" a.img "$(uri b)"
python <<'END'
from nbdtest import *

h = connect(strict=False)
assert h.is_read_only()
for call, argument in (h.pwrite, b"x" * 512), (h.zero, 512), (h.trim, 512):
    fails(errno.EPERM, call, argument, 0)
assert h.pread(MiB, 0) == open("a.img", "rb").read()
h.flush()
END
stop mirror
cmp a.img b.img
test "$(stat -c %Y a.img b.img | uniq)" = "$(date -d 2001-01-01 +%s)"
if grep -E ' (Write|Zero|Trim) ' b.log; then
  fail "something was written"
fi
