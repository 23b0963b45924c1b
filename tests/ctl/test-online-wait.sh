#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror wait and stop: they end when what is waited for has come, or the
# time is up; a server with clients is only stopped by force.

. "$(dirname "$0")/../server/functions.sh"
requires_libnbd
export XDG_RUNTIME_DIR=$dir/run
mkdir run

# status_is STATUS WORD...
status_is ()
{
  local wanted=$1 status=0
  shift
  client "$NBDMIRROR" "$@" 2>complaint || status=$?
  cat complaint
  test "$status" = "$wanted" || fail "the status is $status, not $wanted"
}

status_is 3 wait
status_is 3 stop
status_is 2 wait --for better
status_is 2 wait --for slot=x:in-sync

md_array --name=vm a.img b.img
serve mirror "$MIRROR_SO" a.img degraded=yes
controlled mirror
status_is 9 wait --timeout 1
grep -q "vm: timed-out: .* 1 seconds: healthy" complaint
status_is 9 wait --for slot=1:in-sync --timeout 1
status_is 9 wait --for slot=9:in-sync --timeout 1
status_is 0 wait --for slot=0:in-sync
status_is 4 wait --for sync
status_is 0 wait --for clients=0
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * (7 << 20), 0)
h.shutdown()
END
status_is 0 wait --for clean
status_is 0 stop
ended mirror

# It waits for a rebuild, which a client brings.
rm mirror.messages
serve mirror "$MIRROR_SO" a.img b.img
controlled mirror
"$NBDMIRROR" wait vm &
waiter=$!
hold_mirror
wait "$waiter"
status_is 0 wait --for sync vm
status_is 0 wait --for slot=1:in-sync vm

# While a client is there.
status_is 9 wait --for clients=0 --timeout 1
status_is 1 stop
grep -q "^nbdmirror: vm: clients-connected: 1 client is connected" complaint
grep -q "^  client local, process [0-9]* of user $(id -u)$" complaint
status_is 0 status --check
status_is 0 stop --force vm
ended mirror
test ! -e run/nbdmirror/vm.sock

# What waits hears when the server ends.
rm mirror.messages
serve mirror "$MIRROR_SO" a.img degraded=yes
controlled mirror
"$NBDMIRROR" wait vm 2>complaint &
waiter=$!
stop mirror
status=0
wait "$waiter" || status=$?
test "$status" = 3
