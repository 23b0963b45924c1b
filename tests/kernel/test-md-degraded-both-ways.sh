#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A member is left out by the mirror or lost by it, which is then stopped or
# killed, and comes back to the kernel; or it fails in the kernel and comes back
# to the mirror.  With a bitmap only what it missed is copied: junk planted
# elsewhere on it is still there.  Without, everything is.

. "$(dirname "$0")/md-functions.sh"

cat >"$scratch/arrays.py" <<'ARRAYS'
from mdlab import *

everything = []
for number, (degrader, level, layout, members, metadata, bitmap) in enumerate((
        ("mirror", 1, None, 2, "1.2", True),
        ("mirror", 1, None, 3, "1.0", True),
        ("mirror", 10, "n2", 2, "1.1", True),
        ("mirror", 10, "n2", 3, "1.2", True),
        ("mirror", 10, "f2", 3, "1.0", True),
        ("mirror", 10, "f2", 4, "1.2", True),
        ("mirror", 10, "o2", 4, "1.1", True),
        ("loss", 1, None, 2, "1.0", True),
        ("loss", 1, None, 3, "1.2", True),
        ("loss", 10, "n2", 4, "1.0", True),
        ("loss", 10, "f2", 3, "1.1", True),
        ("loss", 10, "o2", 3, "1.2", True),
        ("kernel", 1, None, 2, "1.2", True),
        ("kernel", 1, None, 2, "1.0", False),
        ("kernel", 1, None, 3, "1.1", True),
        ("kernel", 10, "n2", 4, "1.1", True),
        ("kernel", 10, "n2", 3, "1.2", False),
        ("kernel", 10, "f2", 2, "1.0", True),
        ("kernel", 10, "f2", 3, "1.2", True),
        ("kernel", 10, "f2", 4, "1.1", False),
        ("kernel", 10, "o2", 3, "1.2", False),
        ("kernel", 10, "o2", 4, "1.0", True))):
    array = Array(f"{degrader}-{level}{layout or ''}-{members}-"
                  f"{'b' if bitmap else 'n'}", level, layout, members,
                  metadata, 64 * KIB if bitmap else None, 9 * MIB)
    array.notes.update(degrader=degrader, absent=number % members,
                       kill=degrader != "kernel" and number % 2 == 0)
    everything.append(array)


def arrays():
    """Those that nothing is wrong with so far."""
    found = [Array.load(one.name) for one in everything]
    return [one for one in found if not one.failed]


def choose(array):
    """Parts to be written while a member is missing, and parts of that
    member which nobody is to touch."""
    unit = 64 * KIB // SECTOR
    absent = array.notes["absent"]
    parts = [(first, min(unit, len(array.content.now) - first))
             for first in range(0, len(array.content.now), unit)]
    chance(array.name, "parts").shuffle(parts)
    array.notes["hot"] = parts[:len(parts) // 5]
    array.notes["junk"] = [
        first + 7 for first, _ in parts[len(parts) // 5:]
        if absent in dict(array.places(first))][:5]


def check_bits(array, what):
    """Set are all bits of what the absent member missed, and no bit where
    nobody has written.  What was under way at a kill counts for neither."""
    absent = array.notes["absent"]
    hot = array.bits_of(array.notes["written"])
    before = array.bits_of(array.notes.get("before", []) + [
        (sector, 1) for sector in array.content.maybe])
    unit = array.bitmap // SECTOR
    missed = {bit for bit in hot
              if absent in dict(array.places(bit * unit))}
    for slot in range(array.members):
        if slot == absent:
            continue
        bits = array.bits(slot)
        expect(f"{array}, {what}, slot {slot}: bits that are not set for "
               f"parts that slot {absent} missed", sorted(missed - bits), [])
        expect(f"{array}, {what}, slot {slot}: bits that are set for parts "
               "where nobody has written", sorted(bits - hot - before), [])


def plant(array):
    for sector in array.notes["junk"]:
        array.overwrite(sector, array.notes["absent"], JUNK)
        array.content.planted.add(sector)


def check_junk(array, what):
    """With a bitmap it is still there, else it was copied over."""
    for sector in array.notes["junk"]:
        for slot, seen in array.copies(sector).items():
            wanted = stamp(sector, [array.content.now[sector]])
            if slot == array.notes["absent"] and array.bitmap:
                wanted = JUNK
            expect(f"{array}, {what}, slot {slot}: sector {sector} of the "
                   "array, which nobody has written since the junk was "
                   "planted on slot " + str(array.notes["absent"]),
                   told(seen), told(wanted))
ARRAYS
PYTHONPATH=$PYTHONPATH:$scratch

guest <<'GUEST'
from arrays import *
from mdguest import *

for array in everything:
    kernel = Kernel(array)
    absent = array.notes["absent"]
    with case(array, array):
        array.make_disks()
        kernel.create()
        kernel.fill()
        # This clears all bits.
        kernel.stop()
        choose(array)
        if array.notes["degrader"] == "kernel":
            kernel.assemble()
            run("mdadm", kernel.device, "--fail", kernel.loops[absent])
            array.notes["written"] = kernel.scribble(
                chance(array.name, "kernel"), 40, array.notes["hot"])
            kernel.stop()
    if array.failed:
        kernel.abandon()
finish(everything)
GUEST

host <<'HOST'
import hashlib
from arrays import *
from mdhost import *


def digest(path):
    with open(path, "rb") as image:
        return hashlib.sha256(image.read()).hexdigest()


def run_without(array, server):
    """A member is not given to the mirror at all."""
    absent = array.notes["absent"]
    before = digest(array.disks[absent])
    server.verify("one member missing")
    write_and_end(array, server)
    expect(f"{array}: the disk that was left out", digest(
        array.disks[absent]), before)
    check_degraded(array)


def lose(array, leg, server):
    """The mirror has all members, and one of them goes away."""
    absent = array.notes["absent"]
    array.notes["before"] = server.scribble(
        chance(array.name, "with all"), 5, array.notes["hot"],
        (40, leg.kill))
    write_and_end(array, server)
    check_degraded(array)


def write_and_end(array, server):
    """Stopped or killed, while a member is missing."""
    random_numbers = chance(array.name, "with one missing")
    array.notes["written"] = server.scribble(random_numbers, 5,
                                             array.notes["hot"])
    server.verify("written with one member missing")
    if array.notes["kill"]:
        array.notes["written"] += [
            (first, count) for first, count in server.scribble(
                random_numbers, 5, array.notes["hot"], (30, server.kill))
            if first not in array.content.maybe]
    else:
        server.stop()


def check_degraded(array):
    absent = array.notes["absent"]
    members = array.compare_views("degraded by the mirror")
    for slot, member in enumerate(members):
        if slot != absent:
            expect(f"{array}, slot {slot}: members seen", member["slots"],
                   "A" * absent + "." + "A" * (array.members - absent - 1))
            expect(f"{array}, slot {slot}: clean", member["clean"],
                   not array.notes["kill"])
    check_bits(array, "degraded by the mirror")
    if array.name == everything[0].name:
        # This test can fail.
        written = array.notes["written"]
        array.notes["written"] = written + [(array.notes["junk"][0], 1)]
        with must_fail("a bit that is not set"):
            check_bits(array, "planted")
        array.notes["written"] = written
    plant(array)


def take_back(array, server):
    """A member that failed in the kernel is given to the mirror."""
    server.settle()
    check_junk(array, "rebuilt by the mirror")
    for sector in array.notes["junk"]:
        server.write_sectors(sector, 1)
    server.verify("rebuilt by the mirror")
    server.scribble(chance(array.name, "rebuilt"), 5)
    server.verify("written after the rebuild")
    server.stop()
    expect_in_sync(f"{array}, rebuilt by the mirror",
                   array.compare_views("rebuilt by the mirror"))


found = arrays()
for array in found:
    server = leg = None
    absent, disks = array.notes["absent"], list(array.disks)
    with case(array, array):
        if array.notes["degrader"] == "mirror":
            disks.pop(absent)
            server = Server(array, disks, ["degraded=yes"])
            run_without(array, server)
        elif array.notes["degrader"] == "loss":
            leg = Nbdkit(array.name + ".leg", "file", disks[absent])
            disks[absent] = leg.uri()
            server = Server(array, disks)
            lose(array, leg, server)
        else:
            array.compare_views("degraded by the kernel")
            if array.bitmap:
                check_bits(array, "degraded by the kernel")
            plant(array)
            server = Server(array)
            take_back(array, server)
    for one in server, leg:
        if one and one.is_alive():
            one.kill()
finish(found)
HOST

guest <<'GUEST'
from arrays import *
from mdguest import *


def take_back(array, kernel):
    """A member that the mirror had not is given to the kernel."""
    absent = array.notes["absent"]
    kernel.assemble(*(slot for slot in range(array.members)
                      if slot != absent), options=["--run"])
    expect(f"{array}: degraded", kernel.get("degraded"), "1")
    kernel.verify("degraded by the mirror")
    run("mdadm", kernel.device, "--re-add", kernel.loops[absent])
    kernel.settle()
    kernel.expect_last("recover")
    check_junk(array, "rebuilt by the kernel")
    if array.name == everything[0].name:
        # This test can fail.
        with must_fail("junk"):
            kernel.check()
    for sector in array.notes["junk"]:
        kernel.write_sectors(sector, 1)


found = arrays()
for array in found:
    kernel = Kernel(array)
    with case(array, array):
        kernel.compare_bitmaps("from the mirror")
        if array.notes["degrader"] == "kernel":
            kernel.assemble()
            kernel.expect_complete()
        else:
            take_back(array, kernel)
        kernel.verify("rebuilt")
        kernel.check()
        kernel.stop()
    if array.failed:
        kernel.abandon()
print(len(found), "arrays survived")
finish(found)
GUEST

md_end
