#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= an array starts without a disk that is not there: it comes by itself
# later, if it is the one that it was, and gets what it missed; another one that
# answers there stays out.  In raid1 and raid10.  With nbdkit -r nothing is written,
# whoever comes.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "$1" mirror.messages
}

# begin NBDKIT-ARGUMENT...: without waiting for who is not there.
begin ()
{
  rm -f mirror.messages
  serve mirror "$@" "$MIRROR_SO" control="$dir/control" a.img "$(uri b)" \
    "${more[@]}" state=state degraded=yes reconnect=1
  controlled mirror
}

put ()
{
  python "$@" <<'END'
from nbdtest import *
h = connect()
for at in sys.argv[1:]:
    h.pwrite(random.randbytes(8192), int(at) * MiB + 300 * KiB)
h.flush()
h.shutdown()
END
}

for more in "" "c.img d.img level=raid10"; do
  more=($more)
  rm -f state ./*.img
  random_disk 16M a.img b.img c.img d.img
  noise 16M >other.img
  serve b file b.img
  begin
  put 1 2
  stop mirror
  stop b

  begin
  said 1 "DEGRADED"
  put 3 9
  serve b file other.img
  wait_until is_said "b.sock answers again but STAYS OUT: .*is not the disk"
  kill_server b
  wait_until status_says \
    'all(a["connection"]["state"] == "lost" for a in status["absent"])'
  serve b file b.img
  wait_until is_said "b.sock answers again: what it missed is copied to it"
  wait_until is_said "b.sock .*is rebuilt and in sync"
  stop mirror
  stop b
  test "${#more[@]}" != 0 || cmp a.img b.img

  # Nobody may write.
  sums state ./*.img >before
  begin -r
  python <<<'from nbdtest import *; connect().pread(4096, 0)'
  serve b file b.img
  client nbdcopy "$(uri mirror)" data
  stop mirror
  stop b
  sums state ./*.img | cmp - before
done
