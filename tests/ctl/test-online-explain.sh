#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror explain: what a disk's state means, which event brought it about,
# and what to do; and all events that are about the disk, and no others.

. "$(dirname "$0")/online-functions.sh"

# tells TEXT: said last, its lines put together.
tells ()
{
  { local -; set +x; } 2>/dev/null
  grep -qF -e "$1" <(tr -s ' \n' ' ' <said) || fail "it does not say: $1"
}

does 3 explain 0
does 2 explain
does 2 explain a b c

md_array --name=vm a.img b.img
disk 8M c.img
serve leg file b.img
serve mirror "$MIRROR_SO" a.img "$(uri leg)"
controlled mirror
hold_mirror
does 0 explain 1
tells " (slot 1 of vm) state: in-sync: it holds all data of its slot; it is written, and read like the others why: no event tells: "
tells " impact: if it fails no data is lost, but the array then survives no other failure action: none needed "
does 1 explain 2
grep -q "^nbdmirror: vm: unknown-member:" complaint

# It fails by itself.
kill_server leg
does 0 wait --for slot=0:in-sync
wait_until grep -q "(slot 1) IS OUT OF THE MIRROR" mirror.messages
does 0 explain vm 1
tells " state: failed: it is neither read nor written, and lacks what was written since why: 20"
tells "Z: disk $(uri leg) (slot 1) IS OUT OF THE MIRROR: "
tells " impact: 1 of 2 disks are in sync; "
tells " action: bring its server back: it is let in by itself; "
does 0 explain 0
tells " impact: it has the only copy of some data; if it fails, that is lost action: nbdmirror status vm tells what the array lacks "
if grep -q " Fail " said; then fail "an event of another disk"; fi

# It leaves, another one comes, and is replaced.
does 0 remove --yes 1
does 0 explain 1
tells " disk: none (slot 1 of vm) state: missing: no disk has this slot why: 20"
tells " is removed, by order impact: "
does 0 rebuild rate --min 64K --max 64K
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * (7 << 20), 0)
h.shutdown()
END
does 0 add --yes c.img
does 0 explain c.img
tells " state: recovering: it is written and not read until it is in sync; of 7 MiB all that it lacked up to "
tells "Z: disk $dir/c.img (slot 1): is being rebuilt, all of it impact: "
does 0 rebuild rate --min 1G --max 1G
does 0 wait
does 0 explain c.img
tells "Z: disk $dir/c.img (slot 1): is rebuilt and in sync impact: if it fails"
does 0 write-mostly --yes 1
disk 8M d.img
does 0 replace --yes 1 d.img
does 0 wait
does 0 explain "$dir/c.img"
tells " state: failed: "
tells " why: 20"
tells "Z: disk $dir/d.img (slot 1): is rebuilt and in sync impact: none action: nbdmirror remove vm id="
does 0 --json explain 1
python <<'END'
import os
from control import *

answer = json.load(open("said"))
dir = os.getcwd()
expect("disk", answer["member"]["disk"], f"{dir}/d.img")
expect("cause", [answer["cause"][key] for key in ("kind", "disk")],
       ["RebuildFinished", f"{dir}/d.img"])
validate(answer["member"], SCHEMA["definitions"]["member"])
for event in answer["events"]:
    validate(event, SCHEMA["definitions"]["event"])
    assert event["slot"] == 1 or f"{dir}/d.img" in event["text"], event
assert "Fail" in [event["kind"] for event in answer["events"]]
END
stop mirror
