#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror wait and stop: they end when what is waited for has come, or the
# time is up; a server with clients is only stopped by force.

. "$(dirname "$0")/online-functions.sh"

does 3 wait
does 3 stop
does 2 wait --for better
does 2 wait --for slot=x:in-sync

md_array --name=vm a.img b.img
serve mirror "$MIRROR_SO" a.img degraded=yes
controlled mirror
does 9 wait --timeout 1
grep -q "vm: timed-out: --for healthy: not so after 1 s" complaint
does 9 wait --for slot=1:in-sync --timeout 1

# What cannot come is not waited for.
for beyond in slot=2 leg=9 slot=4294967296; do
  does 1 wait --for $beyond:in-sync
  grep -qx "nbdmirror: vm: never: --for $beyond:in-sync: the array has 2 slots, the last one is 1" complaint
done
does 0 wait --for slot=0:in-sync
does 4 wait --for sync
does 0 wait --for idle
does 0 wait --for clients=0
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * (7 << 20), 0)
h.shutdown()
END
does 0 wait --for clean
does 0 stop
ended mirror
serve readonly -r file a.img
serve mirror "$MIRROR_SO" "$(uri readonly)" degraded=yes
controlled mirror
for what in healthy slot=1:in-sync; do
  does 1 wait --for $what
  grep -q "^nbdmirror: vm: never: --for $what: the array can only be read" complaint
done
does 0 wait --for slot=0:in-sync
does 0 wait --for clients=0
does 0 stop
ended mirror
stop readonly

# It waits for a rebuild, which a client brings.
rm mirror.messages
serve mirror "$MIRROR_SO" a.img b.img
controlled mirror
"$NBDMIRROR" wait vm &
waiter=$!
hold_mirror
wait "$waiter"
does 0 wait --for sync vm
does 0 wait --for slot=1:in-sync vm

# While a client is there.
does 9 wait --for clients=0 --timeout 1
for dry in "" --dry-run; do
  # shellcheck disable=SC2086
  does 1 stop $dry
  grep -q "^nbdmirror: vm: clients-connected: 1 client is connected" complaint
done
grep -q "^  client local, process [0-9]* of user $(id -u)$" complaint
does 0 stop --dry-run --force
grep -q "^plan: the server of vm is stopped, with 1 client$" said
does 0 status --check
does 0 stop --force vm
ended mirror
test ! -e run/nbdmirror/vm.sock

# A replacement that is being filled is waited for, though the array has all its
# copies; when it is done the disk that it replaced is nobody's lack.
rm mirror.messages
disk 8M c.img
serve mirror "$MIRROR_SO" a.img b.img sync_max=64K
controlled mirror
hold_mirror
does 0 wait
does 0 replace --yes 1 c.img
does 0 status
grep -q "  OPTIMAL  \[UU\]  survives 1 failure  " said
grep -q " %  replace$" said
for condition in healthy sync idle; do
  does 9 wait --for $condition --timeout 1
done
does 9 wait --progress --timeout 1
test "$(head -n 1 said)" = "vm  optimal  [UU]  replace  0 %"
does 0 rebuild rate --min 1G --max 1G
does 0 wait --progress
test "$(tail -n 1 said)" = "vm  optimal  [UU]"
does 0 status
grep -q "  OPTIMAL  \[UU\]  survives 1 failure  " said
grep -q "^  action: *nbdmirror remove vm id=2$" said
does 0 status --unhealthy
test "$(cat said)" = "all arrays are optimal"
does 0 stop --force
ended mirror

# What waits hears when the server ends.
rm mirror.messages
serve mirror "$MIRROR_SO" a.img degraded=yes
controlled mirror
"$NBDMIRROR" wait --for slot=1:in-sync vm 2>complaint &
waiter=$!
stop mirror
status=0
wait "$waiter" || status=$?
test "$status" = 3
