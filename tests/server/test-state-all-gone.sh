#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All servers of an array with a state file end, and come back: requests wait for
# the one that holds the last copy, with no-leg-timeout=, and go on when it is
# there.  What answers there and is not that disk as it was left stays out, with
# nothing written to it: an empty disk, an older copy, also one from the time when
# the disk was alone already and clients were writing.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "$1" mirror.messages
}

stays_out ()
{
  local before
  before=$(sums "$1")
  serve b file "$1"
  wait_until is_said "b.sock answers again but STAYS OUT: .*$2"
  kill_server b
  wait_until status_says '[m["connection"]["state"] for m in status["members"] if m["slot"] == 1] == ["lost"]'
  status_says '[r["code"] for r in status["reasons"][:2]] == ["array-unreachable", "last-copy-lost"]'
  test "$(sums "$1")" = "$before" || fail "$1 was written to"
}

# lose_last: a is out already.
lose_last ()
{
  : >mirror.messages
  kill_server b
  wait_until is_said "b.sock .*holds the LAST COPY"
}

begin ()
{
  serve a file a.img
  serve b file b.img
  serve_mirror "$(uri a)" "$(uri b)" state=state reconnect=1 timeout=20 \
    no-leg-timeout=86400 control="$dir/control"
  controlled mirror
}

# put BYTE MiB: and it is flushed.
put ()
{
  python "$@" <<'END'
from nbdtest import *
h = connect()
h.pwrite(sys.argv[1].encode() * 64 * KiB, int(sys.argv[2]) * MiB)
h.flush()
END
}

# lose_first: then what was written before is no longer all that b has.
lose_first ()
{
  put 1 1
  kill_server a
  wait_until is_said "a.sock .*IS OUT OF THE MIRROR"
  cp b.img older.img
  put 2 2
}

random_disk 20M a.img b.img
disk 20M empty.img
begin
lose_first
# Nobody writes when the last one goes, and that is on record.
wait_until status_says 'not status["array"]["dirty"]'
lose_last
python <<'END' &
from nbdtest import *
h = connect()
assert h.pread(64 * KiB, 2 * MiB) == b"2" * 64 * KiB
h.pwrite(b"3" * 64 * KiB, 3 * MiB)
h.flush()
END
client=$!
stays_out empty.img "is not as it was left"
: >mirror.messages
stays_out older.img "is not as it was left"
serve b file b.img
wait_until is_said "b.sock, which holds the last copy of some data, answers"
serve a file a.img
wait_until is_said "a.sock .*is rebuilt and in sync"
finished "$client"
said 0 "every flush fails"
stop mirror
stop a
stop b
cmp a.img b.img

# Nothing tells whether it is that one.
rm state
truncate -s 0 a.img b.img
truncate -s 20M a.img b.img
begin
python <<'END' &
from nbdtest import *
h = connect()
open("connected", "w").close()
while not os.path.exists("refused"):
    time.sleep(0.02)
END
client=$!
wait_until test -e connected
kill_server a
wait_until is_said "a.sock .*IS OUT OF THE MIRROR"
lose_last
serve b file b.img
wait_until is_said "b.sock answers again but STAYS OUT: .*nothing that was written tells"
touch refused
finished "$client"
kill_server mirror
kill_server b

# A client writes and flushes all the time.
begin
lose_first
python <<'END' &
from nbdtest import *
h = connect()
for i in range(1000000):
    if os.path.exists("enough"):
        break
    h.pwrite(random.randbytes(4096), i % 64 * 4096)
    if not os.path.exists("lost"):
        try:
            h.flush()
        except nbd.Error:       # under way when it was lost
            assert os.path.exists("lost")
        open("flushed", "w").close()
assert h.pread(64 * KiB, 2 * MiB) == b"2" * 64 * KiB
END
client=$!
wait_until test -e flushed
touch lost
lose_last
stays_out older.img "is not as it was left\\|nothing that was written tells"
serve b file b.img
wait_until is_said "b.sock, which holds the last copy of some data, answers"
touch enough
finished "$client"
