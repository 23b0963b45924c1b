#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server of a disk loses what it was not told to flush, and is there again:
# that is copied to it, although it had acknowledged it; in md arrays by the
# bitmap, in plain ones by the map in memory.  What it was told to flush it
# still has, and that is not copied.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_filter cache log

is_said ()
{
  grep -q "b.sock .*$1" mirror.messages
}

# What it cannot lose is in b.img; what it is told since now, in b.log.
volatile ()
{
  rm -f b.log
  serve b --filter=log --filter=cache file b.img cache=writeback \
    logfile="$dir/b.log"
}

# has FILE BYTE MIB: at this place of its data.
has ()
{
  cmp -s <(dd if="$1" bs=64K skip=$(((data + ($3 << 20)) / 65536)) count=1 \
    status=none) <(head -c 64K /dev/zero | tr '\0' "$2")
}

# writes BYTE flush|leave|PROCESS MIB...: to these places; then a flush, or not,
# or the power of this server is cut before anybody flushes by himself.
writes ()
{
  python "$@" <<'END'
from nbdtest import *

h = connect()
for place in sys.argv[3:]:
    h.pwrite(sys.argv[1].encode() * 64 * KiB, int(place) * MiB)
if sys.argv[2] == "flush":
    h.flush()
elif sys.argv[2] != "leave":
    os.kill(int(sys.argv[2]), signal.SIGKILL)
h.shutdown()
END
}

# Nobody but who is busy has a bit: all else is stable.
is_swept ()
{
  md_is a.img bitmap dirty 1
}

# begin_busy, end_busy: a client that is always writing to one place, so that the
# array does not become quiet.
begin_busy ()
{
  python "$dir/leave" <<'END' &
from nbdtest import *

h = connect()
while not os.path.exists(sys.argv[1]):
    h.pwrite(b"3" * 64 * KiB, 5 * MiB)
h.shutdown()
END
  busy=$!
}

end_busy ()
{
  touch leave
  finished $busy
  rm leave
}

# Bytes of data that were written to it since its server began.
copied ()
{
  "$PYTHON" - "$data" <<'END'
import re, sys
total = 0
for line in open("b.log"):
    found = re.search(r" Write id=.* offset=0x([0-9a-f]+) count=0x([0-9a-f]+)",
                      line)
    if found and int(found[1], 16) >= int(sys.argv[1]):
        total += int(found[2], 16)
print(total)
END
}

for kind in md plain; do
  rm -f ./*.img mirror.messages
  data=0
  if test $kind = md; then
    md_array --bitmap-chunk=64K a.img b.img
    data=$(md_data a.img)
  else
    random_disk 8M a.img b.img
  fi
  volatile
  serve_mirror a.img "$(uri b)" reconnect=1 timeout=20 resync-budget=0
  if test $kind = plain; then
    writes 1 flush 2
  else
    begin_busy
    writes 1 leave 2
    wait_until is_swept
    end_busy
  fi

  writes 2 "${server[b]}" 1 4
  killed b
  wait_until is_said "IS OUT OF THE MIRROR"
  # The mirror flushes now and then; never in the moment before, as a rule.
  ! has b.img 2 1 || echo "$kind: it was flushed before"
  has b.img 1 2
  volatile
  wait_until is_said "is rebuilt and in sync"
  said 1 "what it missed is copied to it"
  stop mirror
  stop b
  cmp -i "$data" a.img b.img
  has b.img 2 1
  has b.img 2 4
  # Those two; what the busy one wrote last, or the first block of a plain array,
  # which was a mark.
  copied=$(copied)
  test "$copied" -le $((192 * 1024)) || fail "$kind: $copied bytes were copied"
done
