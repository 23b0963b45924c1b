#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel is killed while it writes, and the mirror opens what it left; the
# mirror is killed while it writes, and the kernel opens that.  What was
# acknowledged is there, what was not is the same in every read from then on,
# copies are brought together, with a bitmap only where somebody wrote.

. "$(dirname "$0")/md-functions.sh"

cat >"$scratch/arrays.py" <<'ARRAYS'
from mdlab import *

everything = []
for killed, level, layout, members, metadata, bitmap in (
        ("kernel", 1, None, 2, "1.2", True),
        ("kernel", 1, None, 3, "1.0", False),
        ("kernel", 10, "n2", 3, "1.1", True),
        ("kernel", 10, "n2", 4, "1.2", False),
        ("kernel", 10, "f2", 3, "1.0", True),
        ("kernel", 10, "o2", 4, "1.1", False),
        ("mirror", 1, None, 2, "1.1", False),
        ("mirror", 1, None, 3, "1.2", True),
        ("mirror", 10, "n2", 2, "1.0", False),
        ("mirror", 10, "n2", 4, "1.1", True),
        ("mirror", 10, "f2", 4, "1.2", False),
        ("mirror", 10, "f2", 3, "1.1", True),
        ("mirror", 10, "o2", 3, "1.0", True)):
    array = Array(f"{killed}-{level}{layout or ''}-{members}-"
                  f"{'b' if bitmap else 'n'}", level, layout, members,
                  metadata, 64 * KIB if bitmap else None, 9 * MIB)
    array.notes["killed"] = killed
    everything.append(array)


def arrays(killed=None):
    """Those that nothing is wrong with so far."""
    found = [Array.load(one.name) for one in everything]
    return [one for one in found if not one.failed
            and killed in (None, one.notes["killed"])]


def choose(array):
    """Parts to be written, and sectors elsewhere."""
    unit = 64 * KIB // SECTOR
    parts = [(first, min(unit, len(array.content.now) - first))
             for first in range(0, len(array.content.now), unit)]
    chance(array.name, "parts").shuffle(parts)
    array.notes["hot"] = parts[:len(parts) // 5]
    array.notes["junk"] = [first + 7 for first, _
                           in parts[len(parts) // 5:]][:5]


BATCH = 8


def batches(array):
    """What a kernel writes until it is killed: [[(first, count)]...].  Each
    batch is followed by a flush."""
    random_numbers = chance(array.name, "until killed")
    while True:
        yield [pick(random_numbers, array.notes["hot"], 128)
               for _ in range(BATCH)]


# The copy that is the authority of a resync is the first one.
def plant(array):
    """Junk where nobody wrote, on the second copy: with a bitmap nobody has
    a reason to touch it.  And where a write was under way, copies that have
    it and copies that do not."""
    for sector in array.notes["junk"]:
        array.overwrite(sector, array.places(sector)[1][0], JUNK)
        array.content.planted.add(sector)
    bits = None
    if array.bitmap:
        bits = set.intersection(*map(array.bits, range(array.members)))
    random_numbers = chance(array.name, "torn")
    torn = 0
    for sector, allowed in array.content.maybe.items():
        if bits is None or array.bits_of([(sector, 1)]) <= bits:
            for slot, _ in array.places(sector):
                array.overwrite(sector, slot, stamp(
                    sector, [random_numbers.choice(sorted(allowed))]))
            torn += len(set(array.copies(sector).values())) > 1
    print(f"{array}: copies of {torn} sectors differ", flush=True)


def expect_dirty(array, what):
    members = array.compare_views(what)
    expect_in_sync(f"{array}, {what}", members, clean=False)
    if array.bitmap:
        hot = array.bits_of(array.notes["hot"])
        needed = array.bits_of(reached(array))
        for slot in range(array.members):
            bits = array.bits(slot)
            expect(f"{array}, {what}, slot {slot}: bits that are set where "
                   "nobody wrote", sorted(bits - hot), [])
            expect(f"{array}, {what}, slot {slot}: bits that are not set "
                   "where an unfinished write has reached a disk",
                   sorted(needed - bits), [])


def reached(array):
    """Where some copy has something of a write that was not acknowledged."""
    content = array.content
    found = []
    for sector in content.maybe:
        before = stamp(sector, [content.now[sector]])
        if any(seen != before for seen in array.copies(sector).values()):
            found.append((sector, 1))
    print(f"{array}: {len(content.maybe)} sectors were being written, "
          f"{len(found)} have reached a disk", flush=True)
    return found


def check_junk(array, what):
    """With a bitmap it is still there, else it was copied over."""
    for sector in array.notes["junk"]:
        copies = array.copies(sector)
        right = stamp(sector, [array.content.now[sector]])
        for number, (slot, _) in enumerate(array.places(sector)):
            wanted = JUNK if number == 1 and array.bitmap else right
            expect(f"{array}, {what}, slot {slot}: sector {sector} of the "
                   "array, where nobody wrote since junk was planted on the "
                   "second copy", told(copies[slot]), told(wanted))
ARRAYS
PYTHONPATH=$PYTHONPATH:$scratch

# Each killed array says here how many batches are on its disks.
mkdir "$scratch/progress"

# All of them are written, those of the kernel until it is killed.
guest_start <<'GUEST'
import threading
from arrays import *
from mdguest import *


def write_on(array, kernel):
    with case(array, array):
        path = f"{SCRATCH}/progress/{array.name}"
        progress = os.open(path, os.O_CREAT | os.O_WRONLY)
        generation = array.content.last
        for number, batch in enumerate(batches(array), 1):
            for first, count in batch:
                generation += 1
                kernel.write(first * SECTOR,
                             stamp(first, [generation] * count))
            os.fsync(kernel.fd)
            os.pwrite(progress, str(number).encode(), 0)
            os.fsync(progress)


running = []
for array in everything:
    kernel = Kernel(array, len(running))
    with case(array, array):
        array.make_disks()
        kernel.create()
        kernel.fill()
        # This clears all bits.
        kernel.stop()
        choose(array)
        if array.notes["killed"] == "kernel":
            kernel.assemble()
            running.append(threading.Thread(target=write_on,
                                            args=(array, kernel)))
for array in everything:
    array.save()
os.sync()
open(f"{SCRATCH}/progress/ready", "w").close()
for thread in running:
    thread.start()
for thread in running:
    thread.join()
finish()
GUEST

host <<'HOST'
from arrays import *
from mdhost import *



def progress(array):
    try:
        with open(f"{SCRATCH}/progress/{array.name}") as stream:
            return int(stream.read() or 0)
    except FileNotFoundError:
        return 0


with case("the kernel"):
    wait_until("all arrays that are to be killed", lambda:
               os.path.exists(f"{SCRATCH}/progress/ready"))
    found = arrays("kernel")
    wait_until("five batches on each of them", lambda:
               min(map(progress, found)) >= 5)
finish()
HOST
kernel_kill

host <<'HOST'
import itertools
from arrays import *
from mdhost import *


def was_killed(array):
    """What may be on its disks.  A batch ends with a flush, and its number is
    written down before the next one begins."""
    with open(f"{SCRATCH}/progress/{array.name}") as stream:
        flushed = int(stream.read())
    content = array.content
    print(f"{array}: killed after {flushed} batches", flush=True)
    for number, batch in enumerate(
            itertools.islice(batches(array), flushed + 1)):
        for first, count in batch:
            content.last += 1
            if number < flushed:
                content.is_written(first, count, content.last)
            else:
                content.may_be_written(first, count, content.last)
    expect_dirty(array, "killed with the kernel")
    plant(array)


def read_while_syncing(array, server):
    """Whoever reads, and whenever: once a sector was seen, it stays."""
    for _ in range(3):
        server.connect()
    rounds = 0
    while not server.is_settled():
        server.verify(f"killed with the kernel, pass {rounds + 1}",
                      server.clients[rounds % 3])
        rounds += 1
    for client in server.clients:
        server.verify("killed with the kernel, in sync", client)
    print(f"{array}: read {rounds} times until it was in sync", flush=True)


def change_mind(array, server):
    """This test can fail: as if a reader had seen something else before."""
    content = array.content
    sector = array.notes["hot"][0][0]
    content.now[sector] += 1
    with must_fail("a sector that was something else before"):
        server.verify("planted")
    content.now[sector] -= 1


def mend(array, server):
    check_junk(array, "resynced by the mirror")
    for sector in array.notes["junk"]:
        server.write_sectors(sector, 1)
    server.scribble(chance(array.name, "resynced"), 5)
    server.verify("written after the resync")
    server.stop()
    expect_in_sync(f"{array}, resynced by the mirror",
                   array.compare_views("resynced by the mirror"))


def kill_mirror(array, server):
    server.scribble(chance(array.name, "mirror"), 1000, array.notes["hot"],
                    (chance(array.name, "kill").randint(50, 150),
                     server.kill))
    expect_dirty(array, "killed with the mirror")
    plant(array)


found = arrays()
for array in found:
    server = None
    with case(array, array):
        if array.notes["killed"] == "kernel":
            was_killed(array)
            server = Server(array, options=["sync_max=8M"])
            read_while_syncing(array, server)
            if array.name == everything[0].name:
                change_mind(array, server)
            mend(array, server)
        else:
            server = Server(array)
            kill_mirror(array, server)
    if array.failed and server:
        server.abandon()
finish(found)
HOST

guest <<'GUEST'
from arrays import *
from mdguest import *


def resync(array, kernel):
    kernel.assemble()
    kernel.settle()
    kernel.expect_last("resync")
    check_junk(array, "resynced by the kernel")
    if array.bitmap and array.level == 1:
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
        if array.notes["killed"] == "mirror":
            resync(array, kernel)
        else:
            kernel.assemble()
            kernel.expect_complete()
        kernel.verify("after a kill and a resync")
        kernel.check()
        kernel.stop()
    if array.failed:
        kernel.abandon()
print(len(found), "arrays survived")
finish(found)
GUEST

md_end
