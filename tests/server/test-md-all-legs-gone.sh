#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All servers of an md array end, and come back: with no-leg-timeout= reads and
# writes wait for the one that holds the last copy, and go on when it is there,
# on the same history; the other one catches up.  Without it they fail at once,
# and go on all the same when it is back.  What answers there and is not as it was
# left stays out.  Flushes fail if what was not flushed may be lost, and only then.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "$1" mirror.messages
}

is_clean ()
{
  md_is a.img clean true && md_is b.img clean true
}

# lose: both, and b is the one that was lost last.
lose ()
{
  : >mirror.messages
  kill_server a
  wait_until is_said "a.sock .*IS OUT OF THE MIRROR"
  kill_server b
  wait_until is_said "b.sock .*holds the LAST COPY"
}

come_back ()
{
  serve b file b.img
  wait_until is_said "b.sock, which holds the last copy of some data, answers"
  serve a file a.img
  wait_until is_said "a.sock .*is rebuilt and in sync"
}

begin ()
{
  serve a file a.img
  serve b file b.img
  serve_mirror "$(uri a)" "$(uri b)" reconnect=1 timeout=20 "$@"
}

md_array --bitmap-chunk=64K a.img b.img
cp b.img older.img
begin no-leg-timeout=86400
python <<<'
from nbdtest import *
h = connect()
h.pwrite(b"1" * 64 * KiB, 1 * MiB)
h.flush()'
wait_until is_clean
lose

# They wait, and are told nothing but success.
python <<'END' &
from nbdtest import *
h = connect()
assert h.pread(64 * KiB, 1 * MiB) == b"1" * 64 * KiB
h.pwrite(b"2" * 64 * KiB, 2 * MiB)
h.flush()
END
client=$!

# Another disk in its place.
disk 8M empty.img
serve b file empty.img
wait_until is_said "b.sock answers again but STAYS OUT: .*has no metadata now"
kill_server b
serve b file older.img
wait_until is_said "b.sock answers again but STAYS OUT: .*is not as it was left"
kill_server b
come_back
finished "$client"
said 0 "every flush fails"
stop mirror
stop a
stop b
cmp -i "$(md_data a.img)" a.img b.img

# Without it.
begin
python <<'END' &
from nbdtest import *
h = connect()
h.pwrite(b"3" * 64 * KiB, 3 * MiB)
h.flush()
open("flushed", "w").close()
while not os.path.exists("lost"):
    time.sleep(0.02)
fails(errno.EIO, h.pread, 64 * KiB, 3 * MiB)
fails(errno.EIO, h.pwrite, b"4" * 64 * KiB, 3 * MiB)
open("failed", "w").close()
while not os.path.exists("back"):
    time.sleep(0.02)
assert h.pread(64 * KiB, 3 * MiB) == b"3" * 64 * KiB
h.pwrite(b"5" * 64 * KiB, 3 * MiB)
h.flush()
END
client=$!
wait_until test -e flushed
wait_until is_clean
lose
touch lost
wait_until test -e failed
come_back
touch back
finished "$client"
stop mirror
stop a
stop b
cmp -i "$(md_data a.img)" a.img b.img

# Something was written and not flushed.  And the stop ends who waits.
begin no-leg-timeout=86400
python <<'END' &
from nbdtest import *
h = connect()
while not os.path.exists("lost-again"):
    h.pwrite(b"6" * 64 * KiB, 4 * MiB)
    open("written", "w").close()
assert h.pread(64 * KiB, 4 * MiB) == b"6" * 64 * KiB
fails(errno.EIO, h.flush)
fails(errno.EIO, h.flush)
open("told", "w").close()
while not os.path.exists("gone-again"):
    time.sleep(0.02)
try:
    h.pread(64 * KiB, 4 * MiB)
except nbd.Error as e:
    assert e.errnum in (errno.EIO, errno.ESHUTDOWN), e
END
client=$!
wait_until test -e written
lose
touch lost-again
serve b file b.img
wait_until is_said "b.sock, which holds the last copy of some data, answers"
said 1 "every flush fails from now on"
wait_until test -e told
: >mirror.messages
kill_server b
wait_until is_said "b.sock .*holds the LAST COPY"
touch gone-again
kill -TERM "${server[mirror]}"
finished "$client"
ended mirror || :
