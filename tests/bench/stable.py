#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Is a write stable on two disks as soon as on one?  ("make bench")

    stable.py [ROUNDS]

Every sync of a disk takes 5 ms more than it does here: the servers are preloaded
with tests/server/hang-disk.c, which sleeps before each fdatasync and each write
with RWF_DSYNC.  One client writes 4k with FUA, one at a time, through

  plain    a plain mirror of two such disks, against one disk (nbdkit's file plugin)
  warm     an md array of two, where the bit is on record already, against the same
  cold     each write to a region whose bit is in another sector of the bitmap, and
           stable before the data goes out, against two writes to one disk

and, with disks as they are, plain and warm again.  (fio's nbd engine knows no FUA,
so run.sh cannot measure that.)

They take turns; medians of the rounds and of their ratios.
"""

import json
import os
import shlex
import statistics
import sys
import time

from measured import MIRROR, TOOL, Server, in_scratch, need, run, wait_until
from verdict import begin_table, row

try:
    import nbd
except ImportError:
    print("bench: skipped: no libnbd for", sys.executable)
    sys.exit(77)

ROUNDS = int(sys.argv[1] if len(sys.argv) > 1 else
             os.environ.get("BENCH_ROUNDS", "3"))
HERE = os.path.dirname(os.path.abspath(__file__))
REGION = 64 * 1024
SECTOR = 512 * 8 * REGION    # what a sector of the bitmap stands for
WRITES = 100
SYNC_MS = 5


def new_disks(is_md):
    for disk in "a.img", "b.img":
        with open(disk, "wb") as file:
            file.truncate((WRITES + 2) * SECTOR)
    if is_md:
        run(TOOL, "create", "--yes", "--assume-clean", "--bitmap-chunk",
            str(REGION), "a.img", "b.img")


def bits_set():
    text = run(TOOL, "--json", "examine", "a.img").stdout
    return json.loads(text)["members"][0]["bitmap"]["dirty"]


def measure(is_md, step, *plugin):
    """Milliseconds, the median write."""
    new_disks(is_md)
    server = Server("bench", *plugin)
    h = nbd.NBD()
    h.connect_uri(server.uri())
    # From here on the array is dirty; of a new one all bits are set at first.
    h.pwrite(bytes(4096), 0, flags=nbd.CMD_FLAG_FUA)
    if is_md and step > 0:
        wait_until(lambda: bits_set() == 0)
        h.pwrite(bytes(4096), 0, flags=nbd.CMD_FLAG_FUA)
    seconds = []
    for i in range(1, WRITES + 1):
        begin = time.monotonic()
        h.pwrite(b"x" * 4096, i * step, flags=nbd.CMD_FLAG_FUA)
        seconds.append(time.monotonic() - begin)
    h.shutdown()
    server.end()
    return statistics.median(seconds) * 1000


def measure_warm(sync_ms):
    """One disk, a plain mirror, and an md array whose bit is on record."""
    os.environ["SYNC_MS"] = str(sync_ms)
    return (measure(False, 0, "file", "a.img"),
            measure(False, 0, MIRROR, "a.img", "b.img"),
            measure(True, 0, MIRROR, "a.img", "b.img"))


def rows_of(name, warm, target=""):
    """@warm: of measure_warm, one per round."""
    one, plain, md = zip(*warm)
    row(f"{name}, plain: a write with FUA and one to one disk", "ms", plain,
        one, target)
    row(f"{name}, md: the same, its bit is on record", "ms", md, one, target)
    return one


def main():
    slow, cold, real = [], [], []
    run(*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", "-o",
        "hang.so", os.path.join(HERE, "../server/hang-disk.c"), "-ldl")
    os.environ.update(LD_PRELOAD=os.path.abspath("hang.so"), HANG_DISKS=".img")
    for _ in range(ROUNDS):
        slow.append(measure_warm(SYNC_MS))
        cold.append(measure(True, SECTOR, MIRROR, "a.img", "b.img"))
        real.append(measure_warm(0))
    begin_table(f"Stable on two disks, as they are and with syncs that take "
                f"{SYNC_MS} ms more, medians of {ROUNDS} rounds:")
    one = rows_of(f"{SYNC_MS} ms more", slow, "<= 1.10")
    row(f"{SYNC_MS} ms more, md: with its bit, and two writes to one disk",
        "ms", cold, [2 * each for each in one], "<= 1.10")
    rows_of("as they are", real)


need("nbdkit")
in_scratch(main)
