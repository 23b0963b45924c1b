#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= disks fail, come back, are replaced, removed, added, wait as spares
# and step in, and each time the next start knows who is in sync, and the images
# are equal.  In raid1 and raid10, through the page cache and past it.

. "$(dirname "$0")/functions.sh"
requires_libnbd

# start DISK...: those of now.
start ()
{
  rm -f mirror.messages
  serve_mirror control="$dir/control" state=state "${options[@]}" "$@"
  controlled mirror
  if grep "DEGRADED\|missed writes" mirror.messages; then
    fail "not all of them are in sync"
  fi
}

order ()
{
  client "$NBDMIRROR" "$1" --yes "$dir/control" "${@:2}" >answer 2>&1 \
    || fail "$*: $(cat answer)"
}

in_sync ()
{
  client "$NBDMIRROR" wait --for "slot=$1:in-sync" "$dir/control"
}

put ()
{
  python "$@" <<'END'
from nbdtest import *
h = connect()
for at in sys.argv[1:]:
    h.pwrite(random.randbytes(8192), int(at) * MiB + 256 * KiB)
h.flush()
END
}

write_all_the_time ()
{
  python <<'END' &
from nbdtest import *
h = connect()
try:
    while True:
        h.pwrite(random.randbytes(4096), 0)
        open("writes", "w").close()
except nbd.Error:
    pass
END
  client=$!
  wait_until test -e writes
}

# What clients read, and stop.
read_all ()
{
  client nbdcopy "$(uri mirror)" data.now
  sha256sum <data.now >"$1"
}

again ()
{
  read_all sum.before
  stop mirror
  start "$@"
  read_all sum.after
  cmp sum.before sum.after
}

life ()
{
  rm -f state ./*.img
  random_disk 16M a.img b.img c.img d.img
  noise 16M >e.img
  start a.img b.img "${more[@]}"

  order fail b.img
  put 1 9
  order readd b.img
  grep -q "what it missed is copied" answer
  in_sync 1
  again a.img b.img "${more[@]}"

  order replace a.img e.img --discard
  wait_until status_says \
    'any(m["disk"].endswith("e.img") and m["state"] == "in-sync"
         for m in status["members"])'
  put 6
  again e.img b.img "${more[@]}"

  order fail b.img
  order remove b.img
  put 3
  if client "$NBDMIRROR" add --yes "$dir/control" a.img >answer 2>&1; then
    fail "a disk that was replaced is taken as it is"
  fi
  grep -q "slot-taken: .*add --discard makes it a new one" answer
  # It is in sync, and killed while a client writes: what was known of it before
  # counts no more.
  rm -f writes
  write_all_the_time
  order add a.img --discard
  in_sync 1
  kill_server mirror
  finished $client
  start e.img a.img "${more[@]}"

  truncate -s 0 f.img
  truncate -s 16M f.img
  order spare f.img
  order fail a.img
  in_sync 1
  put 4
  again e.img f.img "${more[@]}"
  stop mirror
}

for kind in cached raid10 direct; do
  options=()
  more=()
  if test "$kind" = raid10; then
    options=(level=raid10)
    more=(c.img d.img)
  elif test "$kind" = direct; then
    requires_direct
    options=(cache=none)
  fi
  life
  test "${#more[@]}" != 0 || cmp e.img f.img
done
