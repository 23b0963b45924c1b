#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that may only be read makes the whole mirror read-only, whether it is
# a file or a server's; nothing is written to the others.

. "$(dirname "$0")/functions.sh"
requires_libnbd
without_root

random_disk 1M a.img b.img
chmod 666 a.img
chmod 444 b.img
touch -d "2001-01-01" a.img b.img

check ()
{
  python <<'END'
from nbdtest import *

h = connect(strict=False)
assert h.is_read_only()
assert h.pread(MiB, 0) == open("a.img", "rb").read()
for call, argument in (h.pwrite, b"x" * 512), (h.zero, 512), (h.trim, 512):
    fails(errno.EPERM, call, argument, 0)
h.flush()
END
  stop mirror
  cmp a.img b.img
  test "$(stat -c %Y a.img b.img | uniq)" = "$(date -d 2001-01-01 +%s)"
}

serve_mirror a.img b.img
check

serve b -r file b.img
serve_mirror a.img "$(uri b)"
check
