#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# The members of an array are changed while the mirror serves it (nbdmirror fail,
# add, remove, readd, replace, spare), and it is stopped, also in the middle of a
# rebuild or of a replacement.  The kernel then takes it over, goes on where it
# has to, uses the spare when it needs one, and finds every copy the same.

. "$(dirname "$0")/md-functions.sh"

export XDG_RUNTIME_DIR=$scratch/run
mkdir "$XDG_RUNTIME_DIR"

cat >"$scratch/arrays.py" <<'ARRAYS'
from mdlab import *

KINDS = ((1, None, 2, "1.2", 64 * KIB), (1, None, 2, "1.0", None),
         (10, "n2", 4, "1.2", 64 * KIB))
WAYS = ("added", "add-stopped", "replaced", "replace-stopped", "readded",
        "removed", "spare-kept", "spare-used")
everything = [Array(f"{way}-{number}", *kind, disk_size=8 * MIB)
              for way in WAYS for number, kind in enumerate(KINDS)]


def way_of(array):
    return array.name.rsplit("-", 1)[0]
ARRAYS
PYTHONPATH=$PYTHONPATH:$scratch

host <<'HOST'
from arrays import *
from mdhost import *


def order(*words):
    return run(NBDMIRROR, *words)


def members(array):
    one, = json.loads(nbdmirror("--json", "status", array.name))["arrays"]
    return one["members"]


def all_in_sync(array):
    return [one["state"] for one in members(array)
            if one["state"] != "failed"] == ["in-sync"] * array.members


def change(array, server):
    way, old, new = way_of(array), array.disks[1], array.disks[1] + ".new"
    if way.startswith(("add", "replace", "spare")):
        with open(new, "wb") as image:
            image.truncate(array.disk_size)
    if "stopped" in way:
        # Nothing is copied before it stops.
        order("rebuild", "pause", array.name)
    if way.startswith("spare"):
        order("spare", "--yes", array.name, new)
    if not way.startswith(("replace", "spare-kept")):
        order("fail", "--yes", array.name, old)
    server.scribble(chance(array.name), 4)
    if way == "removed":
        order("remove", "--yes", array.name, old)
    elif way == "readded":
        order("readd", "--yes", array.name, old)
    elif way.startswith("add"):
        order("remove", "--yes", array.name, old)
        order("add", "--yes", array.name, new)
    elif way.startswith("replace"):
        order("replace", "--yes", array.name, old, new)
    server.scribble(chance(array.name, "after"), 4)
    if way in ("added", "replaced", "readded", "spare-used"):
        wait_until("in sync", lambda: all_in_sync(array))
    if way in ("replace-stopped", "spare-kept"):
        array.disks.append(new)
    elif os.path.exists(new):
        array.disks[1] = new
    array.notes["disks"] = array.disks


for array in everything:
    server = None
    with case(array, array):
        array.make_disks()
        run(NBDMIRROR, "create", "--yes", "--assume-clean", "--name",
            array.name, "--level", f"raid{array.level}", "--metadata",
            array.metadata, "--bitmap",
            "internal" if array.bitmap else "none", *array.disks)
        server = Server(array)
        server.connect()
        server.fill()
        change(array, server)
        server.verify("after the change")
        server.stop()
        found = array.compare_views("left by the mirror")
        expect(f"{array}: different device UUIDs",
               len({one["device_uuid"] for one in found}), len(array.disks))
    if array.failed and server:
        server.abandon()
finish(everything)
HOST

guest <<'GUEST'
from arrays import *
from mdguest import *

for array in [Array.load(one.name) for one in everything]:
    if array.failed:
        continue
    way, kernel = way_of(array), Kernel(array)
    with case(array, array):
        array.disks = array.notes["disks"]
        kernel.attach()
        if way == "removed":
            kernel.assemble(*(i for i in range(array.members) if i != 1),
                            options=("--run",))
            expect(f"{array}: degraded", kernel.get("degraded"), "1")
            kernel.verify("degraded")
        else:
            kernel.assemble(options=("--run",))
            if "stopped" in way:
                wait_until(f"{array}: a rebuild by the kernel",
                           lambda: kernel.last() == "recover")
            kernel.settle()
            kernel.verify(way)
            if "stopped" not in way:
                kernel.expect_complete()
            kernel.check()
        if way == "spare-kept":
            spare = os.path.basename(kernel.loops[-1])
            expect(f"{array}: the last disk", kernel.get(f"dev-{spare}/state"),
                   "spare")
            mdadm("--fail", kernel.device, kernel.loops[1])
            wait_until(f"{array}: the spare is used",
                       lambda: kernel.last() == "recover")
            kernel.settle()
            kernel.verify("with the spare")
            kernel.check()
        kernel.stop()
    if array.failed:
        kernel.abandon()
finish()
GUEST
md_end
