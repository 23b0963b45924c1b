#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= the file cannot be written for a while, since its disk is full: what
# depends on it fails, with one line; no disk is out; all else goes on, and so does
# that when there is room.  A disk that fails meanwhile is not out on record, so
# nobody is told that what it lacks is stored.  A file that is removed while the
# array serves is noticed, and can be put back; so is one that is truncated or
# written into.

. "$(dirname "$0")/functions.sh"
requires_libnbd
hangable

begin ()
{
  serve_hangable_state a.img "$(uri b)" reconnect=no
}

all_in_sync ()
{
  status_says 'status["array"]["in_sync"] == 2'
}

random_disk 24M a.img b.img
serve b file b.img
begin
python <<'END'
from nbdtest import *
h = connect()
h.pwrite(b"1" * 4096, 1 * MiB)
open("state.full", "w").close()
h.pwrite(b"2" * 4096, 1 * MiB)          # its region has a bit
fails(errno.ENOSPC, h.pwrite, b"3" * 4096, 9 * MiB)
fails(errno.ENOSPC, h.pwrite, b"3" * 4096, 9 * MiB)
assert h.pread(4096, 1 * MiB) == b"2" * 4096
h.flush()
END
all_in_sync
said 1 "state file $dir/state: cannot be written: No space left on device; until"
said 0 "OUT OF THE MIRROR"

# One fails: nothing that it has not got is acknowledged.
kill_server b
wait_until grep "b.sock (slot 1) IS OUT OF THE MIRROR" mirror.messages
python <<'END'
from nbdtest import *
h = connect()
fails(errno.ENOSPC, h.pwrite, b"4" * 4096, 1 * MiB)
fails(errno.ENOSPC, h.flush)
os.unlink("state.full")
h.pwrite(b"5" * 4096, 9 * MiB)
h.pwrite(b"5" * 4096, 1 * MiB)
h.flush()
END
kill_server mirror
serve b file b.img
begin
python <<'END'
from nbdtest import *
h = connect()
for i in range(100):
    assert h.pread(4096, 1 * MiB) == h.pread(4096, 9 * MiB) == b"5" * 4096
END
wait_until grep "b.sock .*is rebuilt and in sync" mirror.messages

# A disk that is new has no part of the file yet.
touch state.full c.img
truncate -s 24M c.img
if client "$NBDMIRROR" replace --yes "$dir/control" 1 c.img >answer 2>&1; then
  fail "c.img is a member, and nothing says so"
fi
grep "No space left" answer
all_in_sync
rm state.full

# no_write_is_recorded: writes to new regions fail at last.
no_write_is_recorded ()
{
  python <<'END'
from nbdtest import *
h = connect()
for at in range(24):
    try:
        h.pwrite(b"6" * 4096, at * MiB)
    except nbd.Error as e:
        assert e.errnum in (errno.ESTALE, errno.EBADMSG, errno.EIO), e
        break
else:
    raise Exception("no write fails")
END
}

# It is removed, and put back.
rm state
no_write_is_recorded
all_in_sync
said 1 "state file $dir/state: was removed or replaced .*cp /proc/"
copy=$(grep -o "cp /proc/[0-9]*/fd/[0-9]* $dir/state" mirror.messages | head -n 1)
$copy
stop mirror || :
begin
said 0 "DEGRADED"
python <<'END'
from nbdtest import *
h = connect()
assert h.pread(4096, 9 * MiB) in (b"5" * 4096, b"6" * 4096)
h.pwrite(b"7" * 4096, 9 * MiB)
h.flush()
END
stop mirror
cmp a.img b.img

# It is not ours any more.
scribble ()
{
  noise 64K | dd of=state bs=64K conv=notrunc status=none
}

for how in "truncate -s 0 state" "truncate -s 8K state" scribble; do
  rm -f state
  begin
  $how
  no_write_is_recorded
  said 1 "state file $dir/state: was overwritten or truncated"
  all_in_sync
  kill_server mirror
done
