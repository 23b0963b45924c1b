#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= an array without metadata remembers which disk failed: the same
# command line does not trust it after a restart, and gives it only what it
# missed.  The images hold the data and nothing else, to the last byte.

. "$(dirname "$0")/functions.sh"
requires_libnbd

random_disk 20000001 a.img b.img data
serve b file b.img
serve_mirror a.img "$(uri b)" state=state
said 0 .
test "$(client nbdinfo --size "$(uri mirror)")" = 20000001
# Nobody has written: it is good for nothing but these disks, all of them.
cp state untouched
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"both" * 1000, 1 * MiB)
h.pwrite(b"e" * 1001, 20000001 - 1001)
h.flush()
END
! cmp -s state untouched
kill_server b
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"one" * 1000, 9 * MiB)
h.flush()
END
said_out b
stop mirror
! cmp -s a.img b.img

# Junk on b where nothing was written, to see that nobody goes there.
printf junk | dd of=b.img bs=1 seek=$((14 << 20)) conv=notrunc status=none
serve b file b.img
serve_mirror a.img "$(uri b)" state=state
said 1 "disk .*b.sock: missed writes.*rebuilt with the bitmap"
python <<'END'
from nbdtest import *

h = connect()
for i in range(100):        # whoever is asked
    assert h.pread(3000, 9 * MiB) == b"one" * 1000
END
wait_until grep "disk .*b.sock .*is rebuilt and in sync" mirror.messages
stop mirror
stop b
printf both%.0s {1..1000} | dd of=data bs=1M seek=1 conv=notrunc status=none
printf one%.0s {1..1000} | dd of=data bs=1M seek=9 conv=notrunc status=none
printf e%.0s {1..1001} \
  | dd of=data bs=1 seek=$((20000001 - 1001)) conv=notrunc status=none
cmp data a.img
printf junk | dd of=data bs=1 seek=$((14 << 20)) conv=notrunc status=none
cmp data b.img

# It is in sync now, which is remembered, too.
rm mirror.messages
serve b file b.img
serve_mirror control="$dir/control" a.img "$(uri b)" state=state
controlled mirror
said 0 .
# And its size stays.
if client "$NBDMIRROR" grow --yes --size max "$dir/control" >grown 2>&1; then fail "it grew"; fi
cat grown
grep -q "state-file: the size of an array with a state file stays" grown
stop mirror
