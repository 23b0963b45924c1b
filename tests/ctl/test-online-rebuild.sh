#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror rebuild: what is copied can be paused, goes on when it is resumed,
# and at the rate that it is given.

. "$(dirname "$0")/../server/functions.sh"
requires_libnbd
export XDG_RUNTIME_DIR=$dir/run
mkdir run

# fails STATUS WORD...
fails ()
{
  local wanted=$1 status=0
  shift
  client "$NBDMIRROR" "$@" || status=$?
  test "$status" = "$wanted" || fail "$*: $status"
}

fails 3 rebuild pause
fails 2 rebuild
fails 2 rebuild faster
fails 2 rebuild rate
fails 2 rebuild rate --min 1M
fails 2 rebuild rate --min 0 --max 1M
fails 2 rebuild pause --min 1M

md_array --name=vm a.img b.img
serve mirror "$MIRROR_SO" a.img degraded=yes
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * (7 << 20), 0)
h.shutdown()
END
stop mirror

# Paused before it begins, it does not begin.
rm mirror.messages
serve mirror "$MIRROR_SO" a.img b.img sync_max=64K
controlled mirror
client "$NBDMIRROR" rebuild pause
hold_mirror
python <<'END'
from control import *

control = Control("run/nbdmirror/vm.sock")


def activity():
    return control.ask("status")["activity"]


wait_until(lambda: activity()["state"] == "paused")
expect("done", activity()["bytes_done"], 0)
expect("read-only", Control("run/nbdmirror/vm.ro").refused("sync-resume"),
       "read-only")
expect("rates", [control.refused("sync-rates", min=low, max=high)
                 for low, high in ((0, 1), (2, 1), (-1, 1), ("1", 1))],
       ["bad-argument"] * 4)
END
client "$NBDMIRROR" status vm >screen || :
grep '^  0 bytes of .*   paused$' screen
fails 1 rebuild rate --min 2M --max 1M
# At 64K a second it would take two minutes.
client "$NBDMIRROR" rebuild rate --min 1G --max 1G
client "$NBDMIRROR" rebuild resume vm
client "$NBDMIRROR" wait vm
stop mirror
