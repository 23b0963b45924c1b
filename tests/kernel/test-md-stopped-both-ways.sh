#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A resync or a rebuild is stopped in the middle by one side, and the other
# side goes on from there: junk planted below the checkpoint is still there, as
# it is where the bitmap has nothing; junk above is gone.  Also with blocks of
# 4096 bytes, and with a source that has bad blocks on record.

. "$(dirname "$0")/md-functions.sh"

cat >"$scratch/arrays.py" <<'ARRAYS'
import itertools
from mdlab import *

UNIT = 64 * KIB // SECTOR
METADATA = "1.2", "1.0", "1.1"
SHAPES = ((1, None, 2), (1, None, 3), (10, "n2", 3), (10, "f2", 3),
          (10, "o2", 4))
LONG_SHAPES = ((10, "n2", 2), (10, "n2", 4), (10, "f2", 2), (10, "f2", 4),
               (10, "o2", 3))
# A resync, or a rebuild; of everything, or only where the bitmap says; and a
# rebuild of everything although there is a bitmap.
KINDS = (("resync", False), ("resync", True), ("rebuild", False),
         ("rebuild", True))

everything = []


def add(stopper, kind, guided, shape, bitmap=None, **notes):
    level, layout, members = shape
    bitmap = guided if bitmap is None else bitmap
    number = len(everything)
    array = Array(f"{stopper}-{kind}-{level}{layout or ''}-{members}-"
                  f"{'b' if bitmap else 'n'}{number}", level, layout,
                  members, METADATA[number % 3],
                  64 * KIB if bitmap else None)
    array.notes.update(stopper=stopper, kind=kind, guided=guided,
                       block=SECTOR, bad=None, target=number % members)
    array.notes.update(notes)
    everything.append(array)


# Shapes take turns in who stops what, unless there is time for all.
for (turn, shape), (kind, guided), (side, stopper) in itertools.product(
        enumerate(SHAPES + LONG_SHAPES * LONG), KINDS,
        enumerate(("kernel", "mirror"))):
    if LONG or (turn + guided + (kind == "resync") + side) % 2 == 0:
        add(stopper, kind, guided, shape)
add("kernel", "rebuild", False, SHAPES[0], bitmap=True)
for stopper, (kind, guided) in (("kernel", KINDS[0]), ("kernel", KINDS[3]),
                                ("mirror", KINDS[1]), ("mirror", KINDS[2])):
    add(stopper, kind, guided, SHAPES[guided], block=4096)
add("kernel", "rebuild", False, SHAPES[1], target=1, bad=(13000, 8))


def arrays(stopper=None):
    """Those that nothing is wrong with so far."""
    found = [Array.load(one.name) for one in everything]
    return [one for one in found if not one.failed
            and stopper in (None, one.notes["stopper"])]


# ---------------------------------------------------------------- what is due

def units(array):
    return [(first, min(UNIT, len(array.content.now) - first))
            for first in range(0, len(array.content.now), UNIT)]


def choose(array):
    """A third of its parts, where the bitmap says that something is due."""
    parts = units(array)
    chance(array.name, "parts").shuffle(parts)
    array.notes["hot"] = sorted(parts[:len(parts) // 3])


def target(array, sector):
    """The slot whose copy is to become right, or None: not here.  The copy
    that is the authority of a resync is the first one."""
    slots = dict(array.places(sector))
    if array.notes["kind"] == "resync":
        return array.places(sector)[-1][0]
    return array.notes["target"] if array.notes["target"] in slots else None


def position(array, sector):
    """What a checkpoint counts: sectors of the array, or of the member."""
    if array.notes["kind"] == "resync":
        return sector
    return dict(array.places(sector))[array.notes["target"]]


def samples(array):
    """A sector of each part that the target has, in the order of the work."""
    bad, count = array.notes["bad"] or (0, 0)
    found = [first + 7 for first, size in units(array)
             if size > 7 and target(array, first + 7) is not None
             and not bad - UNIT < first < bad + count]
    return sorted(found, key=lambda sector: position(array, sector))


def is_due(array, sector):
    return not array.notes["guided"] or any(
        first <= sector < first + count
        for first, count in array.notes["hot"])


def ahead(array, sector):
    """Is it still to be done, by whoever goes on?"""
    return is_due(array, sector) and \
        position(array, sector) >= array.notes["checkpoint"]


# ----------------------------------------------------------------------- junk

def is_junk(array, sector):
    return array.copies(sector)[target(array, sector)] == JUNK


def plant(array, sectors):
    for sector in sectors:
        array.overwrite(sector, target(array, sector), JUNK)
        array.content.planted.add(sector)


def expect_junk(array, what, stays):
    """On the target, and only there."""
    counts = [0, 0]
    for sector in samples(array):
        junk = stays(sector)
        counts[junk] += 1
        for slot, seen in array.copies(sector).items():
            wanted = JUNK if junk and slot == target(array, sector) else \
                stamp(sector, [array.content.now[sector]])
            expect(f"{array}, {what}, checkpoint "
                   f"{array.notes.get('checkpoint')}, slot {slot}: sector "
                   f"{sector} of the array (position "
                   f"{position(array, sector)}, "
                   f"{'' if is_due(array, sector) else 'not '}due)",
                   told(seen), told(wanted))
    if min(counts) < 5:
        raise Failure(f"{array}, {what}: of {sum(counts)} samples {counts[1]} "
                      "had to be junk: that proves nothing")


def mend(array, side):
    """With writes as large as its blocks."""
    for sector in samples(array):
        side.write_sectors(sector - 7, 8)


# ------------------------------------------------------------- what is written

def expect_stopped(array, what):
    """Every field is what mdadm says; and the work is recorded as being in
    its middle.  Notes where."""
    members = array.compare_views(what)
    rebuild = array.notes["kind"] == "rebuild"
    key = "recovery" if rebuild else "resync"
    key += "_offset_sectors"
    for slot, member in enumerate(members):
        name = f"{array}, {what}, slot {slot}"
        is_target = rebuild and slot == array.notes["target"]
        features = 1 if array.bitmap else 0
        if is_target:
            features |= 0x82 if array.notes["guided"] else 0x2
        if array.notes["bad"] and slot == 0:
            features |= 8
        expect(f"{name}: features", member["feature_map"], features)
        expect(f"{name}: role", member["role"],
               f"{'recovering' if is_target else 'active'} {slot}")
        expect(f"{name}: members seen", member["slots"],
               "A" * array.members)
        expect(f"{name}: clean", member["clean"], rebuild)
        expect(f"{name}: events", member["events"], members[0]["events"])
        if not rebuild:
            expect(f"{name}: checkpoint", member[key], members[0][key])
    seen = members[array.notes["target"]][key]
    wanted = array.notes.setdefault("checkpoint", seen)
    expect(f"{array}, {what}: checkpoint", seen, wanted)
    positions = [position(array, sector) for sector in samples(array)]
    if not min(positions) < seen < max(positions):
        raise Failure(f"{array}, {what}: checkpoint {seen} is not in the "
                      "middle")
    print(f"{array}, {what}: checkpoint {seen}, events "
          f"{members[0]['events']}", flush=True)


def bad_block_log(array, slot):
    """Its bytes."""
    block = array.superblock(slot)
    size, offset = struct.unpack_from("<Hi", block, 186)
    with open(array.disks[slot], "rb") as image:
        image.seek(array.super_offset() + offset * SECTOR)
        return image.read(size * SECTOR)


def expect_bad_blocks(array, what):
    first, count = array.notes["bad"]
    log = bad_block_log(array, 0)
    begin = first + array.data_offset(0) // SECTOR
    expect(f"{array}, {what}: bad blocks on record",
           struct.unpack_from("<QQ", log),
           (begin << 10 | count, 2 ** 64 - 1))
    expect(f"{array}, {what}: bad blocks are on record",
           array.superblock(0)[8] & 8, 8)
ARRAYS
PYTHONPATH=$PYTHONPATH:$scratch

# All begin here: the kernel's are stopped in the middle, the mirror's before
# they have begun.
guest <<'GUEST'
from arrays import *
from mdguest import *


def begin_resync(array, kernel):
    """Before: frozen.  Copies are the same, but nobody is to know that."""
    if array.bitmap:
        kernel.put("bitmap_set_bits", " ".join(
            str(first // UNIT) for first, _ in array.notes["hot"]))
    else:
        kernel.put("resync_start", "0")


def begin_rebuild(array, kernel):
    device = kernel.loops[array.notes["target"]]
    run("mdadm", kernel.device, "--fail", device)
    for first, count in array.notes["hot"]:
        kernel.write_sectors(first, count)
    if array.notes["stopper"] == "mirror":
        return
    wait_until("its removal", lambda: "removed" in mdadm(
        kernel.device, "--remove", device))
    kernel.put("sync_action", "frozen")
    if not array.notes["guided"]:
        run("mdadm", "--zero-superblock", device)
    run("mdadm", kernel.device, "--re-add" if array.notes["guided"] else
        "--add", device)


def go_halfway(array, kernel):
    """Linux waits there, just behind something that is due.  (Its RAID10
    never ends its search for the next part if it meets the limit there.)"""
    due = [position(array, sector) for sector in samples(array)
           if is_due(array, sector)]
    stop = chance(array.name, "checkpoint").choice(
        due[len(due) // 4:len(due) * 3 // 4]) // UNIT * UNIT + UNIT
    array.notes["checkpoint"] = stop
    kernel.put("sync_max", str(stop))
    kernel.put("sync_action", "idle")
    wait_until(f"{array}: {stop} sectors are done", lambda: kernel.get(
        "sync_completed").startswith(f"{stop} / "))


def have_bad_blocks(array, kernel):
    first, count = array.notes["bad"]
    disk = os.path.basename(kernel.loops[0])
    kernel.put(f"dev-{disk}/bad_blocks",
               f"{first + array.data_offset(0) // SECTOR} {count}")


for array in everything:
    kernel = Kernel(array)
    with case(array, array):
        array.make_disks()
        kernel.create()
        kernel.fill()
        choose(array)
        if array.notes["kind"] == "rebuild":
            # This clears all bits, those of the target, too.
            kernel.stop()
            kernel.assemble()
            begin_rebuild(array, kernel)
        else:
            kernel.put("sync_action", "frozen")
            begin_resync(array, kernel)
        if array.notes["stopper"] == "kernel":
            go_halfway(array, kernel)
        if array.notes["bad"]:
            have_bad_blocks(array, kernel)
        kernel.stop()
    if array.failed:
        kernel.abandon()
finish(everything)
GUEST

host <<'HOST'
from arrays import *
from mdhost import *

SLOW = "sync_max=512K"


def legs(array):
    """Disks with large blocks, or one that is watched, are servers."""
    if array.notes["block"] > SECTOR:
        return [Nbdkit(f"{array.name}.leg{slot}",
                       "--filter=blocksize-policy", "file", disk,
                       f"blocksize-minimum={array.notes['block']}",
                       f"blocksize-preferred={array.notes['block']}",
                       "blocksize-maximum=32M",
                       "blocksize-error-policy=error")
                for slot, disk in enumerate(array.disks)]
    if array.notes["bad"]:
        # All of them, so that none is preferred.
        return [Nbdkit(f"{array.name}.leg{slot}", "--filter=log", "file",
                       disk, f"logfile={disk}.log")
                for slot, disk in enumerate(array.disks)]
    return []


def reads(array):
    """[(first, end)] of the watched disk, in sectors of its data."""
    begin = array.data_offset(0)
    with open(array.disks[0] + ".log") as stream:
        found = re.findall(r" Read .*?offset=(0x\w+) count=(0x\w+)",
                           stream.read())
    return [((int(offset, 16) - begin) / SECTOR,
             (int(offset, 16) + int(count, 16) - begin) / SECTOR)
            for offset, count in found]


def expect_never_read(array):
    bad, count = array.notes["bad"]
    found = reads(array)
    expect(f"{array}: reads of what is on record as bad",
           [one for one in found if one[0] < bad + count and one[1] > bad],
           [])
    near = [one for one in found if bad - UNIT * 16 < one[1] <= bad
            or bad + count <= one[0] < bad + UNIT * 16]
    print(f"{array}: {len(found)} reads, {len(near)} near the bad blocks",
          flush=True)
    if not near:
        raise Failure(f"{array}: nobody read near the bad blocks: that "
                      "proves nothing")


def go_on(array, server):
    """What the kernel has stopped, to the end."""
    server.settle()
    expect_junk(array, "finished by the mirror", lambda sector:
                not ahead(array, sector))
    if array.name == everything[0].name:
        # This test can fail.
        with must_fail("junk where it had to go"):
            expect_junk(array, "planted", lambda sector: True)
        with must_fail("junk that had to stay"):
            expect_junk(array, "planted", lambda sector: False)
    mend(array, server)
    server.verify("finished by the mirror")
    if array.notes["bad"]:
        bad, count = array.notes["bad"]
        server.write_sectors(bad - 16, count + 32)
        for _ in range(5):
            server.verify("bad blocks were written")
    server.stop()
    expect_in_sync(f"{array}, finished by the mirror",
                   array.compare_views("finished by the mirror"))


def plant_bad(array):
    """What must never be read by anybody."""
    first, count = array.notes["bad"]
    for sector in range(first, first + count):
        array.overwrite(sector, 0, JUNK)


def stop_halfway(array, server):
    """What has hardly begun."""
    server.connect()
    due = [sector for sector in samples(array) if is_due(array, sector)]
    wait_until(f"{array}: some of {len(due)} samples", lambda:
               not any(is_junk(array, sector) for sector in due[:6]))
    server.stop()
    expect_stopped(array, "stopped by the mirror")
    expect_junk(array, "stopped by the mirror", lambda sector:
                ahead(array, sector) or not is_due(array, sector))
    plant(array, samples(array))


found = arrays()
for array in found:
    server, others = None, []
    with case(array, array):
        if array.notes["stopper"] == "kernel":
            expect_stopped(array, "stopped by the kernel")
        plant(array, samples(array))
        if array.notes["bad"]:
            expect_bad_blocks(array, "from the kernel")
            plant_bad(array)
        others = legs(array)
        disks = [one.uri() for one in others]
        disks += array.disks[len(disks):]
        if array.notes["stopper"] == "kernel":
            server = Server(array, disks)
            go_on(array, server)
        else:
            server = Server(array, disks, [SLOW])
            stop_halfway(array, server)
        if array.notes["bad"]:
            expect_bad_blocks(array, "from the mirror")
            expect_never_read(array)
            plant_bad(array)
    for one in [server, *others]:
        if one and one.is_alive():
            one.kill()
finish(found)
HOST

guest <<'GUEST'
from arrays import *
from mdguest import *


def go_on(array, kernel):
    """What the mirror has stopped, to the end."""
    kernel.assemble()
    kernel.settle()
    kernel.expect_last("recover" if array.notes["kind"] == "rebuild" else
                       "resync")
    expect_junk(array, "finished by the kernel", lambda sector:
                not ahead(array, sector))
    mend(array, kernel)


def expect_bad_in_kernel(array, kernel):
    first, count = array.notes["bad"]
    disk = os.path.basename(kernel.loops[0])
    expect(f"{array}: bad blocks in the kernel",
           kernel.get(f"dev-{disk}/bad_blocks"),
           f"{first + array.data_offset(0) // SECTOR} {count}")


found = arrays()
for array in found:
    kernel = Kernel(array)
    with case(array, array):
        kernel.compare_bitmaps("from the mirror")
        if array.notes["stopper"] == "mirror":
            go_on(array, kernel)
        else:
            kernel.assemble()
            kernel.expect_complete()
        if array.notes["bad"]:
            expect_bad_in_kernel(array, kernel)
        kernel.verify("finished")
        kernel.check()
        kernel.stop()
    if array.failed:
        kernel.abandon()
finish(found)
GUEST

host <<'HOST'
from arrays import *

found = arrays()
for array in found:
    with case(array, array):
        expect_in_sync(f"{array}, at the end",
                       array.compare_views("at the end"))
        if array.notes["bad"]:
            expect_bad_blocks(array, "at the end")
print(len(found), "arrays survived")
finish(found)
HOST

md_end
