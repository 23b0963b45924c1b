#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The whole life of arrays with the real programs, while fio verifies on four
connections and another client knows every block that it wrote: every verb of
nbdmirror, at bad moments, too; stopped and killed in the middle.  No client
sees an error that a stop or kill did not bring, and in the end the copies are
equal.

MIRROR_SEED chooses the disks and the order of the moments; with LONG=1 there
are many rounds."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

try:
    from wholelife import Array
except ImportError:
    print("skipped: no libnbd for", sys.executable)
    sys.exit(77)


def start_lacking(array, count=1):
    """So many slots lack a disk, and what comes next is copied slowly."""
    array.pace("pause")
    for _ in range(count):
        array.lose(remove=True)


def add_during_rebuild(array):
    if array.count == 2:
        array.lose(remove=True)
        return array.take(array.free(), "add")
    start_lacking(array, 2)
    array.take(array.free(), "add")
    array.wait_progress()
    array.take(array.free(), "add")


def source_fails_during_rebuild(array):
    """Another one that holds the same is read from then on."""
    start_lacking(array)
    array.take(array.free(), "add")
    array.wait_progress()
    for disk in array.disks_in("in-sync"):
        if array.can_lose(disk):
            array.order("fail", disk)
            break


def target_fails_during_rebuild(array):
    start_lacking(array)
    disk = array.take(array.free(), "add")
    array.wait_progress()
    array.order("fail", disk)
    array.order("remove", disk)


def two_failures_in_one_instant(array):
    """Each may go, but not both: one is refused."""
    alone = array.disks_in("in-sync")
    if array.layout is None:
        while len(alone) > 2:
            array.order("fail", alone.pop())
    else:
        first = array.random.randrange(0, array.count, 2)
        alone = [disk for member, disk in sorted(
            (one["slot"], one["disk"]) for one in array.learn()["members"])
            if member in (first, first + 1)]
    done = {}

    def fail(disk):
        done[disk] = array.order("fail", disk, refused=["last-copy"])

    threads = [threading.Thread(target=fail, args=(disk,)) for disk in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if sorted(done.values()) != [False, True]:
        sys.exit(f"two failures in one instant: {done}")


def comes_back(array):
    disk = array.lose(remove=False)
    array.wait_writes()
    array.order("readd", disk)


def comes_back_twice(array):
    """It is lost again before it has everything."""
    disk = array.lose(remove=False)
    array.wait_writes()
    array.pace("pause")
    array.order("readd", disk)
    array.order("fail", disk)
    array.order("readd", disk)


def replaced(array):
    array.take(array.free(), "replace",
               array.random.choice(array.disks_in("in-sync")))


def begin_replacement(array):
    array.pace("pause")
    old = array.random.choice(array.disks_in("in-sync"))
    new = array.take(array.free(), "replace", old)
    array.wait_progress()
    return old, new


def replaced_one_is_lost(array):
    old, _ = begin_replacement(array)
    array.order("fail", old)


def replacement_is_lost(array):
    _, new = begin_replacement(array)
    array.order("fail", new)


def third_is_lost_while_replacing(array):
    old, _ = begin_replacement(array)
    for disk in array.disks_in("in-sync"):
        if disk != old and array.can_lose(disk):
            array.order("fail", disk)
            return


def read_last(array):
    disk = array.random.choice(array.disks_in("in-sync"))
    array.order("write-mostly", disk)
    array.wait_writes()
    array.order("read-as-others", disk)


def only_copy_is_read_last(array):
    """It is read all the same, beside one that is being rebuilt."""
    keep = array.random.choice(array.disks_in("in-sync"))
    array.order("write-mostly", keep)
    array.pace("pause")
    for disk in array.disks_in("in-sync"):
        if disk != keep and array.can_lose(disk):
            array.order("fail", disk)
            array.order("remove", disk)
    array.take(array.free(), "add")
    array.wait_progress()
    array.wait_writes()
    array.order("read-as-others", keep)


def spare_steps_in(array):
    spare = array.take(array.free(), "spare")
    array.lose(remove=False)
    array.wait_state(spare, ("recovering", "in-sync"))


def another_shape(array):
    """Without a bitmap, and with a disk more, for a while."""
    array.order("bitmap", "--none")
    array.wait_writes()
    array.order("bitmap", "--chunk", "64K")
    if array.layout is not None:
        return
    disk = array.free()
    array.tool("erase", "--yes", "--no-backup", disk)
    array.order("grow", "--legs", str(array.count + 1), "--discard", "--disk",
                disk)
    array.wait_writes()
    array.order("fail", disk)
    array.order("remove", disk)
    array.order("grow", "--legs", str(array.count))


def removed_in_use(array):
    array.lose(remove=True)


MOMENTS = [add_during_rebuild, source_fails_during_rebuild,
           target_fails_during_rebuild, two_failures_in_one_instant,
           comes_back, comes_back_twice, replaced, replaced_one_is_lost,
           replacement_is_lost, third_is_lost_while_replacing, read_last,
           only_copy_is_read_last, removed_in_use, spare_steps_in,
           another_shape]


def first_resync(array):
    """A disk goes while copies are made equal; others are never at their
    first resync again, but after a crash."""
    array.start("sync_min=1M", "sync_max=3M")
    array.wait_progress()
    activity = array.status()["activity"]
    if activity is None or activity["kind"] != "resync":
        sys.exit(f"no resync: {activity}")
    array.lose(remove=True)
    array.heal()


def restart(array, how):
    array.learn()
    array.stop(how)
    array.start()


def live(array, moments):
    first_resync(array)
    for moment in moments:
        how = array.random.choice([None, None, signal.SIGKILL, signal.SIGTERM])
        print(f"{array.name}: {moment.__name__}"
              f"{', then ' + how.name if how else ''}", flush=True)
        moment(array)
        if how is not None:
            restart(array, how)
        array.heal()
    array.stop()
    array.compare()


def main():
    if shutil.which("fio") is None or b"nbd" not in subprocess.run(
            ["fio", "--enghelp"], stdout=subprocess.PIPE).stdout:
        print("skipped: no fio with an nbd engine")
        return 77
    seed = int(os.environ.get("MIRROR_SEED", "1"))
    print("MIRROR_SEED", seed)
    rounds = 10 if os.environ.get("LONG") else 1
    for number in range(rounds):
        chance = random.Random(seed + number)
        moments = chance.sample(MOMENTS, len(MOMENTS))
        half = len(moments) // 2
        plans = [(None, 3, moments[:half]), ("n2", 4, moments[half:])]
        if rounds > 1:
            plans = [(None, 3, moments), ("n2", 4, moments[::-1]),
                     (None, 2, moments)]
        for layout, count, planned in plans:
            with tempfile.TemporaryDirectory() as folder:
                array = Array(folder, f"life-{number}-{layout or 'raid1'}-"
                              f"{count}", chance.random(), layout, count)
                try:
                    live(array, planned)
                except BaseException:
                    print(array.messages())
                    raise
                finally:
                    array.abandon()
    return 0


if __name__ == "__main__":
    sys.exit(main())
