#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# An array gets more slots, more room, another bitmap or another name while the
# mirror serves it (nbdmirror grow, bitmap, rename), and is stopped.  The kernel
# takes it over as what it is now, and finds every copy the same; then the mirror
# has it back.

. "$(dirname "$0")/md-functions.sh"

export XDG_RUNTIME_DIR=$scratch/run
mkdir "$XDG_RUNTIME_DIR"

cat >"$scratch/arrays.py" <<'ARRAYS'
from mdlab import *

KINDS = ((1, None, 2, "1.2", 64 * KIB), (1, None, 2, "1.0", 64 * KIB),
         (1, None, 2, "1.1", None), (10, "n2", 4, "1.2", 64 * KIB),
         (10, "o2", 3, "1.0", None))
WAYS = ("legs", "size", "size-stopped", "none", "chunk", "name")
everything = [Array(f"{way}-{number}", *kind, disk_size=8 * MIB)
              for way in WAYS for number, kind in enumerate(KINDS)
              if way != "legs" or kind[0] == 1]


def way_of(array):
    return array.name.rsplit("-", 1)[0]
ARRAYS
PYTHONPATH=$PYTHONPATH:$scratch

host <<'HOST'
from arrays import *
from mdhost import *


def order(*words):
    return run(NBDMIRROR, *words)


def status(name):
    one, = json.loads(nbdmirror("--json", "status", name))["arrays"]
    return one


def grow_size(array, server, stopped):
    for disk in array.disks:
        with open(disk, "ab") as image:
            image.write(chance(array.name, disk).randbytes(8 * MIB))
    if stopped:
        order("rebuild", "pause", array.name)
    before = len(array.content.now)
    order("grow", "--yes", "--size", "max", array.name)
    server.disconnect()
    size = status(array.name)["array"]["size"] // SECTOR
    if size < before + 8 * MIB // SECTOR:
        raise Failure(f"{array}: {size} sectors, from {before}")
    old = array.content.now
    array.content = Content(size)
    array.content.now[:before] = old
    server.connect()
    for first in range(before, size, MIB // SECTOR):
        server.write_sectors(first, min(MIB // SECTOR, size - first))


def change(array, server):
    way = way_of(array)
    if way == "legs":
        array.disks.append(array.disks[0] + ".new")
        array.members += 1
        with open(array.disks[-1], "wb") as image:
            image.truncate(array.disk_size)
        order("grow", "--yes", "--legs", str(array.members), "--disk",
              array.disks[-1], array.name)
    elif way.startswith("size"):
        grow_size(array, server, way == "size-stopped")
    elif way == "none":
        order("bitmap", "--yes", "--none" if array.bitmap else "--internal",
              array.name)
    elif way == "chunk":
        order("bitmap", "--yes", "--chunk", "16K", array.name)
    else:
        order("rename", "--yes", array.name, "other-" + array.name)
    server.scribble(chance(array.name), 4)
    if way in ("legs", "size"):
        order("wait", array.name)
    array.notes["disks"] = array.disks


for array in everything:
    server = None
    with case(array, array):
        array.make_disks()
        run(NBDMIRROR, "create", "--yes", "--assume-clean", "--name",
            array.name, "--level", f"raid{array.level}", "--metadata",
            array.metadata, "--bitmap",
            "internal" if array.bitmap else "none",
            *(["--layout", array.layout] if array.layout else []),
            *array.disks)
        server = Server(array)
        server.connect()
        server.fill()
        change(array, server)
        server.verify("after the change")
        server.stop()
        array.compare_views("left by the mirror")
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
    kernel = Kernel(array)
    with case(array, array):
        array.disks = array.notes["disks"]
        kernel.attach()
        kernel.assemble(options=("--run",))
        kernel.settle()
        kernel.verify(way_of(array))
        kernel.expect_complete()
        kernel.check()
        kernel.stop()
    if array.failed:
        kernel.abandon()
finish()
GUEST

host <<'HOST'
from arrays import *
from mdhost import *

for array in [Array.load(one.name) for one in everything]:
    if array.failed:
        continue
    server = None
    with case(array, array):
        array.disks = array.notes["disks"]
        server = Server(array)
        server.settle()
        server.verify("back from the kernel")
        server.stop()
    if array.failed and server:
        server.abandon()
finish()
HOST
md_end
