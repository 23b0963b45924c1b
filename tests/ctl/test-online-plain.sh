#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# A plain array takes disks in while clients write: add, readd, replace, each
# with all data, and each answer says that it does not last.  A disk that was
# not finished when the server was killed is no copy to any later start.

. "$(dirname "$0")/online-functions.sh"

# While the file "stopped" is not there; then all of it is as was written.
write_on ()
{
  rm -f stopped
  python "$1" <<'END' &
from nbdtest import *

first = int(sys.argv[1]) * MiB
h = connect()
there = bytearray(h.pread(2 * MiB, first))
while not os.path.exists("stopped"):
    at = random.randrange(0, 2 * MiB - 64 * KiB, 512)
    data = random.randbytes(random.choice((512, 4096, 65536)))
    if random.randrange(8) == 0:
        data = bytes(len(data))
        h.zero(len(data), first + at)
    else:
        h.pwrite(data, first + at)
    there[at:at + len(data)] = data
h.flush()
assert h.pread(2 * MiB, first) == there
h.shutdown()
END
  writers+=($!)
}

# done_now MEMBER-OR-DISK...: an order that is carried out, and is told not to last.
done_now ()
{
  does 0 "$@"
  tail -1 said | grep -q "nothing remembers this when the server stops"
}

# Of a disk that failed: it can be opened again.
is_closed ()
{
  "$NBDMIRROR" readd --dry-run "$1" >closed 2>&1
}

random_disk 8M a.img
cp a.img b.img
disk 8M c.img
random_disk 8M d.img
serve_mirror a.img b.img
controlled mirror
writers=()
write_on 0
write_on 5

done_now fail --yes 1
does 1 fail --yes 0
grep -q "last-copy" complaint
does 1 add --yes d.img
grep -q "overwrites.*not blank" complaint
done_now add --yes c.img
does 0 wait
states in-sync failed in-sync
done_now remove --yes b.img
does 1 replace --yes 0 d.img
done_now replace --yes --discard 0 d.img
does 0 wait
done_now fail --yes 1

done_now readd --yes 1
does 0 wait
touch stopped
finished "${writers[@]}"
said 2 "start it the next time with disk=$dir/d.img disk=$dir/c.img"
stop mirror
cmp c.img d.img

# Killed while a disk is filled: nobody takes it for one, and what clients wrote
# to its beginning changes nothing of that.
rm -f mirror.messages
serve_mirror d.img c.img sync_min=512K sync_max=512K
controlled mirror
done_now replace --yes --discard 1 a.img
python <<'END'
from nbdtest import *
h = connect()
h.pwrite(b"1" * 65536, 0)
h.flush()
h.shutdown()
END
kill_server mirror
refused "NOT A COPY.*copy a good disk" d.img a.img
refused "NOT A COPY.*copy a good disk" a.img d.img metadata=none
does 1 assemble --dry-run --metadata=none d.img a.img
grep -q "=> would not start: a.img: is NOT A COPY" said
cmp c.img d.img
dd if=d.img of=a.img bs=1M conv=notrunc status=none
nbdkit_once "$MIRROR_SO" a.img d.img --run true
