#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror rebuild: what is copied can be paused, goes on when it is resumed,
# and at the rate that it is given.

. "$(dirname "$0")/online-functions.sh"

does 3 rebuild pause
does 2 rebuild
does 2 rebuild faster
does 2 rebuild rate
does 2 rebuild rate --min 1M
does 2 rebuild rate --min 0 --max 1M
does 2 rebuild pause --min 1M

md_array --name=vm a.img b.img
leave_behind a.img

# Paused before it begins, it does not begin.
serve mirror "$MIRROR_SO" a.img b.img sync_max=64K
controlled mirror
client "$NBDMIRROR" rebuild pause
does 0 rebuild --dry-run resume
grep -q "^plan: an end of the pause" said
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
does 1 rebuild rate --min 2M --max 1M
# At 64K a second it would take two minutes.
client "$NBDMIRROR" rebuild rate --min 1G --max 1G
client "$NBDMIRROR" rebuild resume vm
client "$NBDMIRROR" wait vm
stop mirror
