#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Of three members two are lost one after the other, and come back in the order
# in which they went: each gets what it missed, no more, although the second one
# has it on record that the first is gone.  One that ran on its own is found out
# all the same, meanwhile or before this server began.

. "$(dirname "$0")/functions.sh"
requires_libnbd

# is_said COUNT PATTERN
is_said ()
{
  test "$(grep -c "$2" mirror.messages)" = "$1"
}

# lost NAME TIME
lost ()
{
  kill_server "$1"
  wait_until is_said "$2" "$1.sock .*IS OUT OF THE MIRROR"
}

md_array --bitmap-chunk=64K a.img b.img c.img
serve b file b.img
serve c file c.img
serve_mirror a.img "$(uri b)" "$(uri c)" reconnect=1 timeout=20
write_at 1
lost c 1
write_at 2
lost b 1
write_at 3
serve c file c.img
wait_until is_said 1 "c.sock .*is rebuilt and in sync"
serve b file b.img
wait_until is_said 1 "b.sock .*is rebuilt and in sync"
said 1 "b.sock answers again.*what it missed is copied to it"
said 1 "c.sock answers again.*what it missed is copied to it"

echo "One of them ran on its own before it comes back."
lost c 2
lost b 2
write_at 4
serve c file c.img
wait_until is_said 2 "c.sock .*is rebuilt and in sync"
serve alone "$MIRROR_SO" degraded=yes b.img
client "$PYTHON" - "$(uri alone)" <<'END'
import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
h.pwrite(b"alone" * 1024, 0)
h.flush()
h.shutdown()
END
stop alone
serve b file b.img
wait_until grep -q "b.sock answers again but STAYS OUT" mirror.messages
stop mirror
stop c
cmp -i "$(md_data a.img)" a.img c.img

echo "One of two ran on its own, is failed by order, and comes back."
rm -f ./*.img mirror.messages
md_array --bitmap-chunk=64K a.img b.img
for disk in a.img b.img; do
  serve_mirror $disk
  write_at 5
  stop mirror
done
rm mirror.messages
serve_mirror a.img b.img on-split-brain=leg:0 control="$dir/control"
controlled mirror
client "$NBDMIRROR" --yes fail "$dir/control" b.img
client "$NBDMIRROR" --yes readd "$dir/control" b.img --discard
said 0 "b.img.*what it missed is copied to it"
said 1 "b.img.*all data is copied to it"
write_at 6
wait_until is_said 1 "b.img .*is rebuilt and in sync"
stop mirror
cmp -i "$(md_data a.img)" a.img b.img
