#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A member that was left out while the others were written to comes back: it is
# brought up to date with what the bitmap has set, and nothing else of it is
# touched.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_libnbd

md_array a.img b.img --bitmap-chunk=64K
random_disk 7M data
serve_mirror a.img b.img
client nbdcopy --flush data "$(uri mirror)"
stop mirror
md_is a.img bitmap dirty 0

serve_mirror a.img
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"new" * 1024, 1 * MiB)
h.pwrite(b"new" * 1024, 5 * MiB + 512)
END
stop mirror
# They stay set as long as somebody needs them.
md_is a.img bitmap dirty 2

# Junk on b where nothing was written, to see that nobody goes there.
printf junk | dd of=b.img bs=1 seek=$(($(md_data b.img) + 3 * 1024 * 1024)) \
  conv=notrunc status=none
serve_mirror a.img b.img
said 1 "disk $dir/b.img: missed writes.*rebuilt with the bitmap"
python <<'END'
from nbdtest import *

h = connect()
for i in range(100):        # whoever is asked
    assert h.pread(3072, 1 * MiB) == b"new" * 1024
    assert h.pread(3072, 5 * MiB + 512) == b"new" * 1024
END
wait_until grep "disk $dir/b.img .*is rebuilt and in sync" mirror.messages
stop mirror
python "$(md_data a.img)" <<'END'
from mdtest import *
import sys

at = int(sys.argv[1])
a, b = (read(disk, at, 7 << 20) for disk in ("a.img", "b.img"))
junk = 3 << 20
assert b[junk:junk + 4] == b"junk"
assert a[:junk] == b[:junk] and a[junk + 4:] == b[junk + 4:]
END
md_is a.img slots '"AA"'
md_is b.img slots '"AA"'
md_is b.img clean true
md_is b.img bitmap dirty 0
