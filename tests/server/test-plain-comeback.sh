#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A remote disk of a plain array whose server was killed comes back by order and
# gets what it missed, no more.  A server that comes back empty, with another
# image or with an older one is refused, and nothing is written to it.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_filter log

window=65536

order ()
{
  client "$NBDMIRROR" "$@"
}

# It says why, and the disk stays as it is.
readd_refused ()
{
  sums "$1" >before
  serve_logged b "$1"
  if order readd --yes "$dir/control" 1 >answer 2>&1; then
    fail "taken: $(cat answer)"
  fi
  grep -q "$2" answer || fail "not '$2': $(cat answer)"
  test "$(logged_writes b)" = 0
  sums "$1" | cmp - before
  kill_server b
}

back ()
{
  order readd --yes "$dir/control" 1 >answer 2>&1 || fail "$(cat answer)"
  grep -q "$1" answer || fail "not '$1': $(cat answer)"
  order wait --for slot=1:in-sync "$dir/control"
}

# put MiB...: 4 KiB there, not flushed.
put ()
{
  python "$@" <<'END'
from nbdtest import *
h = connect()
for at in sys.argv[1:]:
    h.pwrite(random.randbytes(4096), int(at) * MiB + 300 * KiB)
END
}

flush ()
{
  python <<'END'
from nbdtest import *
connect().flush()
END
}

is_out ()
{
  grep -q "b.sock (slot 1) IS OUT OF THE MIRROR" mirror.messages
}

lose ()
{
  kill_server b
  wait_until is_out
  : >mirror.messages
}

random_disk 32M a.img b.img
serve_logged b b.img
serve_mirror control="$dir/control" a.img "$(uri b)"
controlled mirror
cp b.img older.img
put 1 2 3
flush
put 4 5
lose
put 5 6 7 8

# What is not the disk that left.
disk 32M empty.img
readd_refused empty.img "not the disk that left"
random_disk 32M other.img
readd_refused other.img "not the disk that left"
readd_refused older.img "not the disk that left"
disk 16M small.img
readd_refused small.img "too small"

# The disk itself: 5 windows, and its first bytes twice, the mark and after it.
serve_logged b b.img
back "what it missed is copied to it, up to $((5 * window + 4096)) bytes"
echo "copied: $(logged_writes b) bytes"
test "$(logged_writes b)" -ge $((5 * 4096))
test "$(logged_writes b)" -le $((5 * window + 2 * 4096))
flush
cmp a.img b.img

# With --discard another one is taken.
lose
serve_logged b other.img
order readd --yes --discard "$dir/control" 1 >answer 2>&1 \
  || fail "$(cat answer)"
grep -q "all data is copied to it" answer
order wait --for slot=1:in-sync "$dir/control"
stop mirror
stop b
cmp a.img other.img
