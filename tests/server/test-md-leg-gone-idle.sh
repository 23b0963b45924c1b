#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server of a member of an md array ends while nobody reads or writes: the
# member is out, and that is on record, but only if it can have missed
# something: not before the first write, and not with nbdkit -r.

. "$(dirname "$0")/functions.sh"
requires_libnbd

said_gone ()
{
  grep -q "IS OUT OF THE MIRROR: it is gone" mirror.messages
}

# Nobody has written: nothing is recorded, and the next start is whole.
for option in "" -r; do
  rm -f [ab].img mirror.messages
  md_array a.img b.img
  before=$(sums a.img b.img)
  serve b file b.img
  # shellcheck disable=SC2086  # nothing or one word
  serve_mirror $option a.img "$(uri b)"
  python <<<'
from nbdtest import *
connect().pread(4096, 0)'
  kill_server b
  wait_until said_gone
  python <<<'
from nbdtest import *
connect().pread(4096, 0)'
  stop mirror
  test "$(sums a.img b.img)" = "$before" || fail "something was written"
  said 0 "The other disks record this"
  said 1 "It has missed no write yet"
done

# After a write it is on record without another one.
rm -f [ab].img mirror.messages
md_array a.img b.img
serve b file b.img
serve_mirror a.img "$(uri b)"
export b_pid=${server[b]}
python <<'END'
from nbdtest import *
from mdtest import examine

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
# It is idle.
while not examine("a.img")["clean"]:
    time.sleep(0.02)
os.kill(int(os.environ["b_pid"]), signal.SIGKILL)
while examine("a.img")["slots"] != "A.":
    time.sleep(0.02)
seen = examine("a.img")
assert seen["clean"], seen
assert seen["events"] > examine("b.img")["events"] + 1
# The client hears nothing of it, and what it missed is known.
h.pwrite(b"2" * 4096, 4096)
h.flush()
END
killed b
said_out b.sock
said 1 "let back in by itself when it answers again"
stop mirror

serve_mirror a.img b.img
python <<<'
from nbdtest import *
h = connect()
for i in range(100):
    assert h.pread(8192, 0) == b"1" * 4096 + b"2" * 4096'
wait_until grep -q "b.img .*is rebuilt and in sync" mirror.messages
stop mirror
cmp -i "$(md_data a.img)" a.img b.img
