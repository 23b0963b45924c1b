#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A write beyond the file size that the server may write (ulimit -f) comes with
# a signal that would end it.  It is a write error like any other: ENOSPC for
# the client, and the server lives.  Where every disk is over the limit none is
# out, where one is it is, and no flush is doubted for it.  With and without
# io_uring, plain and md.  A command that nbdkit runs keeps its own signals.

. "$(dirname "$0")/functions.sh"
requires_libnbd

# The limit is 32 MiB.
limited=(bash -c 'ulimit -f 32768; exec "$@"' limited)

serve_limited ()
{
  started mirror "${limited[@]}" nbdkit -f -P "$dir/mirror.pid" \
    -U "$dir/mirror.sock" "$MIRROR_SO" "$@"
}

# What is over the limit fails, all else works.
write_around_the_limit ()
{
  python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 65536, 16 * MiB)
for flags in 0, nbd.CMD_FLAG_FUA:
    fails(errno.ENOSPC, h.pwrite, b"2" * 65536, 48 * MiB, flags)
# From below the limit to above.
fails(errno.ENOSPC, h.pwrite, b"3" * MiB, 32 * MiB - 65536)
h.pwrite(b"4" * 65536, 16 * MiB, nbd.CMD_FLAG_FUA)
h.flush()
assert h.pread(65536, 16 * MiB) == b"4" * 65536
END
}

caches=page
if (requires_direct) >/dev/null; then
  caches+=" none"
fi
for cache in $caches; do
  rm -f [ab].img
  disk 64M a.img b.img
  serve_limited a.img b.img cache="$cache"
  write_around_the_limit
  stop mirror
  said 0 "OUT OF THE MIRROR"
  said 0 "flush failed"
  said 1 "a write failed on every disk.*File too large"
  rm mirror.messages

  rm -f [ab].img
  disk 64M a.img b.img
  md_array a.img b.img
  serve_limited a.img b.img cache="$cache"
  write_around_the_limit
  stop mirror
  said 0 "OUT OF THE MIRROR"
  md_is a.img events "$(md_field b.img events)"
  rm mirror.messages

  # One disk only: it is out, and all writes succeed.
  rm -f [ab].img
  disk 64M a.img b.img
  serve b file b.img
  serve_limited a.img "$(uri b)" cache="$cache"
  python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 65536, 48 * MiB)
h.flush()
assert h.pread(65536, 48 * MiB) == b"1" * 65536
END
  stop mirror
  stop b
  said 1 "a.img (slot 0) IS OUT OF THE MIRROR.*File too large"
  rm mirror.messages
done

# The metadata itself is over the limit.
rm -f [ab].img
disk 64M a.img b.img
status=0
"${limited[@]}" "$NBDMIRROR" create --yes --force --assume-clean \
  -e 1.0 a.img b.img >create.messages 2>&1 || status=$?
cat create.messages
test $status = 1
grep "a.img: write-failed: .*File too large" create.messages

# 25 is SIGXFSZ: bit 24.
rm -f [ab].img
disk 64M a.img b.img
nbdkit_once "$MIRROR_SO" a.img b.img --run 'grep SigIgn /proc/self/status' \
  >ignored.messages
ignored=$((0x$(awk '/SigIgn/ { print $2 }' ignored.messages)))
test $((ignored & 1 << 24)) = 0
