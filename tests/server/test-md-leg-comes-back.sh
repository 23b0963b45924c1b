#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server of a remote member is killed and started again: the member comes
# back by itself while the mirror serves, and gets what it missed, no more.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_filter log

is_said ()
{
  grep -q "b.sock .*$1" mirror.messages
}

# Bytes of its data area that were written since its server began.
written ()
{
  "$PYTHON" - "$1" "$(md_data a.img)" <<'END'
import re, sys
total = 0
for line in open(sys.argv[1]):
    found = re.search(r" Write id=.* offset=0x([0-9a-f]+) count=0x([0-9a-f]+)",
                      line)
    if found and int(found[1], 16) >= int(sys.argv[2]):
        total += int(found[2], 16)
print(total)
END
}

md_array --bitmap-chunk=64K a.img b.img
serve b file b.img
serve_mirror a.img "$(uri b)" reconnect=1 timeout=20
write_at 1
kill_server b
wait_until is_said "IS OUT OF THE MIRROR"
said 1 "b.sock .*let back in by itself when it answers again"
write_at 2
write_at 4

# Nothing is copied but these two, and what was set when it left.
serve b --filter=log file b.img logfile="$dir/b.log"
wait_until is_said "is rebuilt and in sync"
said 1 "b.sock answers again.*what it missed is copied to it"
stop mirror
stop b
cmp -i "$(md_data a.img)" a.img b.img
copied=$(written b.log)
test "$copied" -ge $((128 * 1024)) -a "$copied" -le $((192 * 1024)) \
  || fail "$copied bytes were copied"
