#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A real kernel and the mirror take turns with the same arrays, made by the
# one or by the other.  Whoever comes next finds every sector as it was
# written, members that agree, and nothing to be repaired.

. "$(dirname "$0")/md-functions.sh"

# Which arrays; LONG: each made by both, with and without bitmap.
cat >"$scratch/arrays.py" <<'ARRAYS'
from mdlab import *

geometries = [(1, None)] + [(10, layout) for layout in ("n2", "f2", "o2")]
everything = []
for g, (level, layout) in enumerate(geometries):
    for members in 2, 3, 4:
        for m, metadata in enumerate(("1.0", "1.1", "1.2")):
            for maker in "kernel", "mirror":
                for bitmap in None, 64 * KIB:
                    turn = g + members + m
                    if not LONG and (maker == "mirror") != bool(turn & 1) or \
                            not LONG and bool(bitmap) != bool(turn & 2):
                        continue
                    name = (f"{maker}-{level}{layout or ''}-{members}-"
                            f"{metadata}-{'b' if bitmap else 'n'}")
                    # Sizes that are no multiples of anything.
                    array = Array(name, level, layout, members, metadata,
                                  bitmap, 9 * MIB + (turn % 4) * 7 * SECTOR)
                    array.notes.update(
                        maker=maker, resync=turn % 3 == 0,
                        run=maker == "mirror" and members != 3)
                    everything.append(array)


def arrays(maker=None):
    """Those that nothing is wrong with so far."""
    found = [Array.load(one.name) for one in everything]
    return [one for one in found if not one.failed
            and maker in (None, one.notes["maker"])]
ARRAYS
PYTHONPATH=$PYTHONPATH:$scratch

host <<'HOST'
from arrays import *
from mdhost import *


def create(array):
    options = ["--bitmap-chunk", "64K"] if array.bitmap \
        else ["--bitmap", "none"]
    if array.layout:
        options += ["--layout", array.layout, "--chunk", "64K"]
    if not array.notes["resync"]:
        options += ["--assume-clean"]
    run(NBDMIRROR, "create", "--yes", "--metadata", array.metadata,
        "--level", str(array.level), "--name", "host:made", *options,
        *array.disks)
    array.compare_views("as nbdmirror made it")


def run_first(array, server):
    """Its maker uses it before the kernel does."""
    server.settle()
    server.fill()
    server.scribble(chance(array.name, "first"), 5)
    server.verify("written by its maker")
    server.stop()
    expect_in_sync(f"{array}, run by its maker",
                   array.compare_views("run by its maker"))


for array in everything:
    server = None
    array.make_disks()
    with case(array, array):
        if array.notes["maker"] == "mirror":
            create(array)
        if array.notes["run"]:
            server = Server(array)
            run_first(array, server)
    if array.failed and server:
        server.abandon()
print(len(everything), "arrays")
finish(everything)
HOST

guest <<'GUEST'
from arrays import *
from mdguest import *

found = arrays()
for array in found:
    kernel = Kernel(array)
    with case(array, array):
        if array.notes["maker"] == "kernel":
            kernel.create(resync=array.notes["resync"])
        else:
            # Until the kernel has run a RAID10, its bitmap may have a few
            # bits too many, which mdadm counts and nbdmirror does not.
            if array.level == 1:
                kernel.compare_bitmaps("as nbdmirror made it")
            kernel.assemble()
        kernel.settle()
        if array.notes["run"]:
            kernel.verify("written by the mirror that made it")
        kernel.fill()
        kernel.stop()
        kernel.compare_bitmaps("from the kernel")
        kernel.detach()
    if array.failed:
        kernel.abandon()
finish(found)
GUEST

host <<'HOST'
from arrays import *
from mdhost import *

found = arrays()
for array in found:
    server = None
    with case(array, array):
        expect_in_sync(f"{array}, from the kernel",
                       array.compare_views("from the kernel"))
        server = Server(array)
        server.verify("written by the kernel")
        server.scribble(chance(array.name, "mirror"), 10)
        server.verify("written by the mirror")
        server.stop()
        expect_in_sync(f"{array}, from the mirror",
                       array.compare_views("from the mirror"))
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
        kernel.compare_bitmaps("from the mirror")
        kernel.assemble()
        kernel.expect_complete()
        kernel.verify("written by the mirror")
        kernel.check()
        kernel.expect_complete()
        kernel.scribble(chance(array.name, "kernel"), 40)
        kernel.stop()
    if array.failed:
        kernel.abandon()

# This test can fail: what is changed behind everybody's back is found.
planted = Array("planted", 1, None, 2, "1.2", 64 * KIB)
kernel = Kernel(planted)
with case("the checker"):
    planted.make_disks()
    kernel.create(resync=True)
    kernel.settle()
    with must_fail("a resync"):
        kernel.expect_complete()
    kernel.fill()
    kernel.stop()
    planted.overwrite(77, 1, planted.copies(78)[1])
    for slot in 0, 1:
        planted.overwrite(99, slot, planted.copies(100)[slot])
    kernel.assemble(0, options=["--run"])
    with must_fail("a missing member"):
        kernel.expect_complete()
    run("mdadm", kernel.device, "--re-add", kernel.loops[1])
    kernel.settle()
    with must_fail("a rebuild"):
        kernel.expect_complete()
    with must_fail("a copy that differs"):
        kernel.check()
    with must_fail("a wrong sector"):
        kernel.verify("planted")
    kernel.stop()
    planted.save()
finish(found)
GUEST

host <<'HOST'
from arrays import *
from mdhost import *

found = arrays()
for array in found:
    server = None
    with case(array, array):
        server = Server(array)
        server.verify("written by the kernel again")
        server.stop()
    if array.failed and server:
        server.abandon()
print(len(found), "arrays survived")

planted = Array.load("planted")
with case("the checker"):
    server = Server(planted)
    with must_fail("a wrong sector"):
        server.verify("planted")
    server.stop()
    with open(planted.disks[1], "r+b") as image:
        image.seek(planted.super_offset() + 200)
        image.write(b"\1")
    with must_fail("a superblock with a changed byte"):
        compare_views("planted", planted.disks)
finish(found)
HOST

md_end
