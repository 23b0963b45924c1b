#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# The kernel has a replacement half done, or a spare that waits, when it stops
# the array.  The mirror goes on with the one, and uses the other when a disk
# fails; then the kernel has the array again, and finds every copy the same.

. "$(dirname "$0")/md-functions.sh"

export XDG_RUNTIME_DIR=$scratch/run
mkdir "$XDG_RUNTIME_DIR"

cat >"$scratch/arrays.py" <<'ARRAYS'
from mdlab import *

KINDS = ((1, None, 2, "1.2", 64 * KIB), (1, None, 2, "1.0", None),
         (10, "n2", 4, "1.2", 64 * KIB))
everything = [Array(f"{way}-{number}", *kind, disk_size=8 * MIB)
              for way in ("replace", "spare")
              for number, kind in enumerate(KINDS)]


def is_replaced(array):
    return array.name.startswith("replace")


def all_disks(array):
    return array.disks + [array.disks[1] + ".new"]


def arrays():
    found = [Array.load(one.name) for one in everything]
    return [one for one in found if not one.failed]
ARRAYS
PYTHONPATH=$PYTHONPATH:$scratch

guest <<'GUEST'
from arrays import *
from mdguest import *


def replace_half(array, kernel, new):
    """The kernel stops there by itself, having written down how far it is."""
    kernel.put("sync_max", str(2 * MIB // SECTOR))
    mdadm("--replace", kernel.device, kernel.loops[1], "--with", new)
    wait_until(f"{array}: the kernel is half way", lambda: (
        kernel.get("sync_completed").startswith(str(2 * MIB // SECTOR))))
    kernel.put("sync_action", "frozen")


for array in everything:
    kernel = Kernel(array)
    with case(array, array):
        array.disks = all_disks(array)
        array.make_disks()
        array.disks = array.disks[:-1]
        kernel.create()
        kernel.fill()
        new = attach(all_disks(array)[-1])
        mdadm("--add", kernel.device, new)
        wait_until(f"{array}: the spare is there", lambda: kernel.get(
            f"dev-{os.path.basename(new)}/state") == "spare")
        if is_replaced(array):
            replace_half(array, kernel, new)
        kernel.stop()
        detach(new)
    if array.failed:
        kernel.abandon()
finish(everything)
GUEST

host <<'HOST'
from arrays import *
from mdhost import *


def states(array):
    one, = json.loads(nbdmirror("--json", "status", array.name))["arrays"]
    return [member["state"] for member in one["members"]
            if member["state"] != "failed"]


def wait_complete(array, server):
    server.connect()
    wait_until("in sync", lambda:
               states(array) == ["in-sync"] * array.members)


found = arrays()
for array in found:
    server = None
    with case(array, array):
        members = compare_views(f"{array}, from the kernel", all_disks(array))
        expect(f"{array}: role of the last disk", members[-1]["role"],
               "replacement 1" if is_replaced(array) else "spare")
        if is_replaced(array):
            expect(f"{array}: the kernel got somewhere",
                   members[-1]["recovery_offset_sectors"] > 0, True)
        server = Server(array, all_disks(array))
        expect(f"{array}: states", states(array),
               ["in-sync", "in-sync"] + (["replacing"] if is_replaced(array)
               else []) + ["in-sync"] * (array.members - 2)
               + ([] if is_replaced(array) else ["spare"]))
        if not is_replaced(array):
            run(NBDMIRROR, "fail", "--yes", array.name, array.disks[1])
        server.scribble(chance(array.name), 4)
        wait_complete(array, server)
        server.scribble(chance(array.name, "after"), 4)
        server.verify("finished by the mirror")
        server.stop()
    if array.failed and server:
        server.abandon()
finish(found)
HOST

guest <<'GUEST'
from arrays import *
from mdguest import *

found = arrays()
for array in found:
    kernel = Kernel(array)
    with case(array, array):
        array.disks[1] = all_disks(array)[-1]
        kernel.assemble()
        kernel.settle()
        kernel.expect_complete()
        kernel.verify("from the mirror")
        kernel.check()
        kernel.stop()
    if array.failed:
        kernel.abandon()
print(len(found), "arrays survived")
finish(found)
GUEST
md_end
